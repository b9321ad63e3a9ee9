/* SPDX-License-Identifier: MIT */
/*
 * The states of servers: operational (what checks say), administrative (what the operator says), weight, slow
 * start. Every change goes through here: under the server's lock the fields move and what follows from them is
 * derived; then, without it, the line is logged, tables are rebuilt, and servers that track this one follow.
 * Any worker. Locks are never nested but for the backend's inside a rebuild.
 */
#include <assert.h>
#include <errno.h>

#include "upstream_internal.h"
#include "weir/upstream/queue.h"

/* Steps of a slow start: this many, and not closer together than this. */
#define SLOW_STEPS	 20
#define SLOW_STEP_MIN_MS 50

static server_shut_fn *shut_hook; /* set once, before the workers start */

void server_set_shut_hook(server_shut_fn *fn)
{
	shut_hook = fn;
}

/* ---- derived values ---- */

void server_settle(struct server *s)
{
	struct server_rt *rt = s->rt;
	bool maint = rt->admin & SERVER_MAINT;
	unsigned weight = rt->uweight * SERVER_WEIGHT_SCALE;
	if (rt->oper == SERVER_STARTING && !balance_is_static(s->be))
		weight = weight * atomic_load(&rt->slow_pct) / 100;
	if (rt->uweight && weight == 0)
		weight = 1;
	atomic_store(&rt->eweight, weight);
	atomic_store(&rt->draining, rt->admin & SERVER_DRAIN || rt->oper == SERVER_STOPPING);
	atomic_store(&rt->usable, !maint && rt->oper != SERVER_STOPPED);
}

/* ---- slow start: stepped by a timer of worker 0 ---- */

static void slow_step(struct worker *w, struct timer *t)
{
	struct server_rt *rt = container_of(t, struct server_rt, slow_timer);
	pthread_mutex_lock(&rt->lock);
	struct server *s = rt->current;
	bool going = s && rt->oper == SERVER_STARTING;
	if (going) {
		uint64_t since = worker_now_ms(w) - rt->changed_ms;
		unsigned pct =
		    since >= s->slowstart_ms ? 100 : (unsigned)(since * 100 / s->slowstart_ms);
		atomic_store(&rt->slow_pct, pct ? pct : 1);
		if (pct == 100) {
			rt->oper = SERVER_RUNNING;
			going = false;
		} else {
			worker_timer_arm(w, t, MAX(s->slowstart_ms / SLOW_STEPS, SLOW_STEP_MIN_MS));
		}
		server_settle(s);
	}
	pthread_mutex_unlock(&rt->lock);
	if (s)
		backend_recount(w, s->be);
}

static void slow_start(struct worker *w, struct mail *mail)
{
	struct server_rt *rt = container_of(mail, struct server_rt, slow_mail);
	pthread_mutex_lock(&rt->lock);
	rt->slow_posted = false;
	if (rt->current) {
		worker_timer_cancel(w, &rt->slow_timer);
		worker_timer_arm(w, &rt->slow_timer,
		    MAX(rt->current->slowstart_ms / SLOW_STEPS, SLOW_STEP_MIN_MS));
	}
	pthread_mutex_unlock(&rt->lock);
	server_rt_put(rt);
}

/* Under the lock. */
static void begin_slow_start(struct worker *w, struct server *s)
{
	struct server_rt *rt = s->rt;
	atomic_store(&rt->slow_pct, 1);
	if (rt->slow_posted)
		return;
	rt->slow_posted = true;
	server_rt_ref(rt);
	worker_post(worker_get(w->group, 0), &rt->slow_mail, slow_start);
}

/* ---- changes ---- */

static bool legal_step(enum server_oper from, enum server_oper to)
{
	static const bool legal[4][4] = {
		[SERVER_STOPPED] = { [SERVER_STARTING] = true,
		    [SERVER_RUNNING] = true,
		    [SERVER_STOPPING] = true },
		[SERVER_STARTING] = { [SERVER_STOPPED] = true,
		    [SERVER_RUNNING] = true,
		    [SERVER_STOPPING] = true },
		[SERVER_RUNNING] = { [SERVER_STOPPED] = true, [SERVER_STOPPING] = true },
		[SERVER_STOPPING] = { [SERVER_STOPPED] = true,
		    [SERVER_STARTING] = true,
		    [SERVER_RUNNING] = true },
	};
	return legal[from][to];
}

/* Moves to another operational state. Under the lock. */
static void move(struct worker *w, struct server *s, enum server_oper to)
{
	struct server_rt *rt = s->rt;
	assert(legal_step(rt->oper, to));
	int64_t now_s = clock_wall_s(&w->clock);
	if (rt->oper == SERVER_STOPPED && rt->changed_wall_s && now_s > rt->changed_wall_s)
		rt->downtime_s += (uint64_t)(now_s - rt->changed_wall_s);
	if (to == SERVER_STOPPED)
		rt->down_count++;
	if (to == SERVER_RUNNING && rt->oper == SERVER_STOPPED && s->slowstart_ms) {
		to = SERVER_STARTING;
		begin_slow_start(w, s);
	}
	rt->oper = to;
	rt->changed_ms = worker_now_ms(w);
	rt->changed_wall_s = now_s;
}

static void follow(struct worker *w, struct server *s);

/* After the lock was given back: what others must do about the change. */
static void spread(struct worker *w, struct server *s, struct server_change *c)
{
	bool down = c->to == SERVER_STOPPED && c->from != SERVER_STOPPED;
	bool up = c->to != SERVER_STOPPED && c->from == SERVER_STOPPED;
	if (down) {
		c->requeued = queue_length(s->rt->queue);
		queue_drain(w, s);
	}
	bool gone = backend_recount(w, s->be);
	server_log_change(w, s, c);
	if (gone)
		backend_log_gone(w, s->be);
	if (down && s->down_shuts_sessions)
		server_shut_sessions(w, s, 'D');
	if (up && s->up_shuts_backups && !s->backup && atomic_load(&s->rt->eweight))
		for (unsigned i = 0; i < s->be->servers_n; i++)
			if (s->be->servers[i]->backup)
				server_shut_sessions(w, s->be->servers[i], 'U');
	for (struct server *t = s->trackers; t; t = t->next_tracker)
		follow(w, t);
}

static void set_oper(
    struct worker *w, struct server *s, enum server_oper to, const char *reason, bool tracked)
{
	struct server_rt *rt = s->rt;
	struct server_change c = { .reason = reason, .tracked = tracked };
	pthread_mutex_lock(&rt->lock);
	c.from = rt->oper;
	c.admin_from = c.admin_to = rt->admin;
	bool starting = to == SERVER_RUNNING && rt->oper == SERVER_STARTING;
	bool changes = to != rt->oper && !starting && !(rt->admin & SERVER_MAINT);
	if (changes) {
		move(w, s, to);
		server_settle(s);
	}
	c.to = rt->oper;
	pthread_mutex_unlock(&rt->lock);
	if (changes)
		spread(w, s, &c);
}

void server_set_oper(struct worker *w, struct server *s, enum server_oper to, const char *reason)
{
	set_oper(w, s, to, reason, false);
}

/* Health after maintenance: one failure takes it down again. Under the lock. */
static void reset_health(struct server_rt *rt)
{
	if (rt->check)
		rt->check->health = rt->check->rise;
}

static void set_admin(
    struct worker *w, struct server *s, unsigned set, unsigned clear, bool tracked)
{
	struct server_rt *rt = s->rt;
	struct server_change c = { .tracked = tracked };
	pthread_mutex_lock(&rt->lock);
	c.from = rt->oper;
	c.admin_from = rt->admin;
	rt->admin = (rt->admin | set) & ~clear;
	c.admin_to = rt->admin;
	bool was_maint = c.admin_from & SERVER_MAINT, is_maint = c.admin_to & SERVER_MAINT;
	if (is_maint && !was_maint && rt->oper != SERVER_STOPPED)
		move(w, s, SERVER_STOPPED);
	if (is_maint && rt->check)
		rt->check->health = 0;
	if (was_maint && !is_maint && rt->oper == SERVER_STOPPED) {
		move(w, s, SERVER_RUNNING);
		reset_health(rt);
	}
	bool drain_changed = !(c.admin_from & SERVER_DRAIN) != !(c.admin_to & SERVER_DRAIN);
	if (drain_changed && !is_maint && !was_maint) {
		rt->changed_ms = worker_now_ms(w);
		rt->changed_wall_s = clock_wall_s(&w->clock);
	}
	server_settle(s);
	c.to = rt->oper;
	pthread_mutex_unlock(&rt->lock);
	if (c.admin_from != c.admin_to)
		spread(w, s, &c);
}

void server_set_admin(struct worker *w, struct server *s, unsigned set, unsigned clear)
{
	set_admin(w, s, set, clear, false);
}

/* Does what the server that s tracks did. */
static void follow(struct worker *w, struct server *s)
{
	struct server_rt *from = s->tracked->rt;
	pthread_mutex_lock(&from->lock);
	enum server_oper oper = from->oper;
	unsigned admin = from->admin;
	pthread_mutex_unlock(&from->lock);
	unsigned want =
	    (admin & SERVER_MAINT ? SERVER_IMAINT : 0) | (admin & SERVER_DRAIN ? SERVER_IDRAIN : 0);
	set_admin(w, s, want, (SERVER_IMAINT | SERVER_IDRAIN) & ~want, true);
	if (!(want & SERVER_IMAINT))
		set_oper(w, s, oper == SERVER_STARTING ? SERVER_RUNNING : oper, NULL, true);
}

static void start_fresh(struct worker *w, struct server *s)
{
	struct server_rt *rt = s->rt;
	rt->changed_ms = worker_now_ms(w);
	rt->changed_wall_s = clock_wall_s(&w->clock);
	rt->oper = SERVER_RUNNING;
	atomic_store(&rt->slow_pct, 100);
	atomic_store(
	    &rt->turn, s->idx - s->be->servers_n); /* leastconn begins in the order of the file */
	timer_init(&rt->slow_timer, slow_step);
	if (s->init_state == SERVER_INIT_DOWN || s->init_state == SERVER_INIT_FULLY_DOWN)
		rt->oper = SERVER_STOPPED;
}

void server_apply_conf(struct worker *w, struct server *s, bool fresh)
{
	struct server_rt *rt = s->rt;
	struct server_seen *seen = &rt->seen;
	pthread_mutex_lock(&rt->lock);
	if (fresh)
		start_fresh(w, s);
	if (fresh || seen->weight != s->weight)
		rt->uweight = s->weight;
	if (fresh || seen->maxconn != s->maxconn)
		atomic_store(&rt->maxconn, s->maxconn);
	if (fresh || seen->minconn != s->minconn)
		atomic_store(&rt->minconn, s->minconn);
	if (fresh || seen->use_tls != s->tls.on)
		atomic_store(&rt->use_tls, s->tls.on);
	if (s->disabled && (fresh || !seen->disabled)) {
		rt->admin |= SERVER_CMAINT | SERVER_FMAINT;
		rt->oper = SERVER_STOPPED;
	}
	if (s->unresolved && s->addr.len == 0) {
		rt->admin |= SERVER_RMAINT;
		rt->oper = SERVER_STOPPED;
	}
	*seen = (struct server_seen){
		.weight = s->weight,
		.maxconn = s->maxconn,
		.minconn = s->minconn,
		.disabled = s->disabled,
		.use_tls = s->tls.on,
	};
	rt->current = s;
	server_settle(s);
	pthread_mutex_unlock(&rt->lock);
}

/* ---- weight ---- */

/* "50%" of the configured weight, or a number. */
static int parse_weight(
    const struct server *s, const char *text, unsigned *ret, char *err, size_t err_size)
{
	char *end;
	errno = 0;
	long value = strtol(text, &end, 10);
	bool relative = *end == '%' && end[1] == 0;
	if (end == text || (*end && !relative)) {
		snprintf(err, err_size,
		    end == text ? "Empty weight string empty or preceded by garbage"
				: "Trailing garbage in weight string");
		return -EINVAL;
	}
	if (relative && (value < 0 || errno)) {
		snprintf(err, err_size, "Relative weight must be positive.");
		return -EINVAL;
	}
	if (relative) {
		*ret = (unsigned)MIN((uint64_t)value * s->weight / 100, SERVER_WEIGHT_MAX);
		return 0;
	}
	if (value < 0 || value > SERVER_WEIGHT_MAX || errno) {
		snprintf(err, err_size, "Absolute weight can only be between 0 and %d inclusive.",
		    SERVER_WEIGHT_MAX);
		return -EINVAL;
	}
	*ret = (unsigned)value;
	return 0;
}

int server_set_weight(
    struct worker *w, struct server *s, const char *weight_text, char *err, size_t err_size)
{
	unsigned weight;
	int r = parse_weight(s, weight_text, &weight, err, err_size);
	if (r < 0)
		return r;
	if (balance_is_static(s->be) && weight && weight != s->weight) {
		snprintf(err, err_size,
		    "Backend is using a static LB algorithm and only accepts weights '0%%' and "
		    "'100%%'.");
		return -EINVAL;
	}
	pthread_mutex_lock(&s->rt->lock);
	s->rt->uweight = weight;
	server_settle(s);
	pthread_mutex_unlock(&s->rt->lock);
	if (backend_recount(w, s->be))
		backend_log_gone(w, s->be);
	return 0;
}

/* ---- limits and load ---- */

unsigned server_limit(const struct server *s)
{
	const struct server_rt *rt = s->rt;
	unsigned max = atomic_load_explicit(&rt->maxconn, memory_order_relaxed);
	unsigned min = atomic_load_explicit(&rt->minconn, memory_order_relaxed);
	unsigned full = s->be->fullconn;
	if (!max)
		return 0;
	if (min && min < max && full) {
		uint64_t load = atomic_load_explicit(&s->be->rt->served, memory_order_relaxed);
		if (load < full)
			max = MAX(min, (unsigned)(max * load / full));
	}
	unsigned pct = atomic_load_explicit(&rt->slow_pct, memory_order_relaxed);
	if (unlikely(pct < 100))
		max = MAX(1, (unsigned)((uint64_t)max * pct / 100));
	return max;
}

unsigned server_load(const struct server *s)
{
	return atomic_load_explicit(&s->rt->served, memory_order_relaxed) +
	       queue_length(s->rt->queue);
}

bool server_is_full(const struct server *s)
{
	unsigned limit = server_limit(s);
	return limit && (queue_length(s->rt->queue) ||
			    atomic_load_explicit(&s->rt->served, memory_order_relaxed) >= limit);
}

static uint64_t seconds_since(int64_t then, int64_t now)
{
	return now > then ? (uint64_t)(now - then) : 0;
}

uint64_t server_changed_s(const struct server *s, int64_t now_wall_s)
{
	pthread_mutex_lock(&s->rt->lock);
	uint64_t r = seconds_since(s->rt->changed_wall_s, now_wall_s);
	pthread_mutex_unlock(&s->rt->lock);
	return r;
}

uint64_t server_downtime_s(const struct server *s, int64_t now_wall_s)
{
	pthread_mutex_lock(&s->rt->lock);
	uint64_t r = s->rt->downtime_s;
	if (s->rt->oper == SERVER_STOPPED)
		r += seconds_since(s->rt->changed_wall_s, now_wall_s);
	pthread_mutex_unlock(&s->rt->lock);
	return r;
}

/* ---- ending streams ---- */

struct shut_mail {
	struct mail mail;
	struct server_rt *rt;
	char cause;
};

static void on_shut(struct worker *w, struct mail *mail)
{
	struct shut_mail *m = container_of(mail, struct shut_mail, mail);
	if (shut_hook)
		shut_hook(w, &m->rt->local[w->id], m->cause);
	server_rt_put(m->rt);
	free(m);
}

void server_shut_sessions(struct worker *w, struct server *s, char cause)
{
	for (unsigned i = 0; i < worker_count(w->group); i++) {
		struct shut_mail *m = malloc(sizeof(*m));
		if (!m)
			continue; /* those streams end by themselves, later */
		m->rt = server_rt_ref(s->rt);
		m->cause = cause;
		worker_post(worker_get(w->group, i), &m->mail, on_shut);
	}
}
