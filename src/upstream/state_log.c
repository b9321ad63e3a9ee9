/* SPDX-License-Identifier: MIT */
/*
 * What changes of servers look like to people: log lines, worded as operators' alert rules expect them, and
 * the status text of the statistics. Also counts who is left in a backend, because the lines say so.
 */
#include "upstream_internal.h"
#include "weir/upstream/queue.h"

void server_log(
    struct worker *w, const struct server *s, enum log_level level, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	if (!s->be->logs)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_emitf(w, s->be->logs, level, "%sServer %s/%s %s", s->backup ? "Backup " : "",
	    s->be->name, s->name, text);
}

/* "2 active and 0 backup servers left. ..." behind a line. */
static const char *left_text(const struct server *s, bool down, unsigned requeued, char out[256])
{
	struct backend_rt *rt = s->be->rt;
	unsigned active = atomic_load(&rt->usable_servers),
		 backup = atomic_load(&rt->usable_backups);
	const char *on_backup = active == 0 && backup > 0 ? " Running on backup." : "";
	if (down)
		snprintf(out, 256,
		    "%u active and %u backup servers left.%s %u sessions active, %u requeued, %u "
		    "remaining in queue.",
		    active, backup, on_backup, atomic_load(&s->rt->served), requeued,
		    queue_length(rt->queue));
	else
		snprintf(out, 256,
		    "%u active and %u backup servers online.%s %u sessions requeued, %u total in "
		    "queue.",
		    active, backup, on_backup, requeued, queue_length(rt->queue));
	return out;
}

static const char *via(const struct server *s, bool tracked, char out[160])
{
	out[0] = 0;
	if (tracked && s->tracked)
		snprintf(out, 160, " via %s/%s", s->tracked->be->name, s->tracked->name);
	return out;
}

static void log_maint(struct worker *w, struct server *s, const struct server_change *c)
{
	char left[256], by[160];
	via(s, c->tracked, by);
	if (c->admin_to & SERVER_MAINT) {
		if (c->from == SERVER_STOPPED)
			server_log(
			    w, s, LOG_LV_NOTICE, "was DOWN and now enters maintenance%s.", by);
		else
			server_log(w, s,
			    c->admin_from & SERVER_DRAIN ? LOG_LV_NOTICE : LOG_LV_ALERT,
			    "is going DOWN for maintenance%s. %s", by,
			    left_text(s, true, c->requeued, left));
		return;
	}
	server_log(w, s, LOG_LV_NOTICE, "is UP/%s (leaving %smaintenance).",
	    c->admin_to & SERVER_DRAIN ? "DRAIN" : "READY",
	    c->admin_from & SERVER_IMAINT ? "" : "forced ");
	if (c->admin_to & SERVER_DRAIN)
		server_log(w, s, LOG_LV_NOTICE, "remains in forced drain mode.");
}

static void log_drain(struct worker *w, struct server *s, const struct server_change *c)
{
	char left[256], by[160];
	if (c->admin_to & SERVER_DRAIN)
		server_log(w, s, LOG_LV_NOTICE, "enters drain state%s. %s", via(s, c->tracked, by),
		    left_text(s, c->to == SERVER_STOPPED, c->requeued, left));
	else
		server_log(w, s, LOG_LV_NOTICE, "is %s (leaving forced drain).",
		    c->to == SERVER_STOPPED ? "DOWN" : "UP");
}

static void log_oper(struct worker *w, struct server *s, const struct server_change *c)
{
	static const char *const words[] = {
		[SERVER_STOPPED] = "is DOWN",
		[SERVER_STARTING] = "is UP",
		[SERVER_RUNNING] = "is UP",
		[SERVER_STOPPING] = "is stopping",
	};
	char left[256], by[160];
	bool down = c->to == SERVER_STOPPED;
	bool calm = !down || c->admin_to & SERVER_DRAIN || c->from == SERVER_STOPPING;
	server_log(w, s, calm ? LOG_LV_NOTICE : LOG_LV_ALERT, "%s%s%s%s. %s", words[c->to],
	    via(s, c->tracked, by), c->reason && *c->reason ? ", " : "", c->reason ? c->reason : "",
	    left_text(s, down, c->requeued, left));
	if (c->admin_to & SERVER_DRAIN)
		server_log(w, s, LOG_LV_NOTICE, "remains in forced drain mode.");
}

void server_log_change(struct worker *w, struct server *s, const struct server_change *c)
{
	unsigned changed = c->admin_from ^ c->admin_to;
	bool was_maint = c->admin_from & SERVER_MAINT, is_maint = c->admin_to & SERVER_MAINT;
	if (was_maint != is_maint)
		log_maint(w, s, c);
	else if (changed & SERVER_DRAIN && !is_maint)
		log_drain(w, s, c);
	else if (c->from != c->to)
		log_oper(w, s, c);
}

static bool takes_requests(const struct server *s)
{
	return server_is_usable(s) && !server_is_draining(s) && atomic_load(&s->rt->eweight) > 0;
}

bool backend_recount(struct worker *w, struct backend *be)
{
	struct backend_rt *rt = be->rt;
	unsigned active = 0, backup = 0;
	(void)balance_rebuild(
	    w, rt); /* short of memory: the old table serves until the next change */
	pthread_mutex_lock(&rt->lock);
	for (unsigned i = 0; i < be->servers_n; i++) {
		if (!takes_requests(be->servers[i]))
			continue;
		if (be->servers[i]->backup)
			backup++;
		else
			active++;
	}
	unsigned before = atomic_load(&rt->usable_servers) + atomic_load(&rt->usable_backups);
	atomic_store(&rt->usable_servers, active);
	atomic_store(&rt->usable_backups, backup);
	bool went_down = before && !(active + backup), came_up = !before && active + backup;
	int64_t now_s = clock_wall_s(&w->clock);
	if (came_up && rt->changed_wall_s && now_s > rt->changed_wall_s)
		rt->downtime_s += (uint64_t)(now_s - rt->changed_wall_s);
	if (went_down)
		rt->down_count++;
	if (went_down || came_up)
		rt->changed_wall_s = now_s;
	pthread_mutex_unlock(&rt->lock);
	if (active + backup)
		queue_kick(w, be);
	return went_down;
}

void backend_log_gone(struct worker *w, const struct backend *be)
{
	if (be->logs)
		log_emitf(
		    w, be->logs, LOG_LV_EMERG, "backend %s has no server available!", be->name);
}

bool backend_is_up(const struct backend *be)
{
	return atomic_load(&be->rt->usable_servers) + atomic_load(&be->rt->usable_backups) > 0;
}

uint64_t backend_downtime_s(const struct backend *be, int64_t now_wall_s)
{
	pthread_mutex_lock(&be->rt->lock);
	uint64_t total = be->rt->downtime_s;
	if (!backend_is_up(be) && now_wall_s > be->rt->changed_wall_s)
		total += (uint64_t)(now_wall_s - be->rt->changed_wall_s);
	pthread_mutex_unlock(&be->rt->lock);
	return total;
}

/* The server whose checks decide about s: itself, or the end of the chain that it tracks. */
static const struct server *checked_server(const struct server *s)
{
	for (unsigned depth = 0; s->tracked && depth < 64; depth++)
		s = s->tracked;
	return s;
}

/* Counts towards the other state: " 2/3" checks. */
static void progress_text(const struct server *checked, char *out, size_t size)
{
	struct server_rt *rt = checked->rt;
	*out = 0;
	pthread_mutex_lock(&rt->lock);
	const struct check *k = rt->check;
	if (k && !k->paused) {
		if (k->health >= k->rise && k->health < k->rise + k->fall - 1)
			snprintf(out, size, " %u/%u", k->health - k->rise + 1, k->fall);
		else if (k->health && k->health < k->rise)
			snprintf(out, size, " %u/%u", k->health, k->rise);
	}
	pthread_mutex_unlock(&rt->lock);
}

/* The word for a server that no administrator holds back. */
static const char *oper_word(enum server_oper oper, unsigned admin, bool checked)
{
	if (oper == SERVER_STOPPED)
		return "DOWN";
	if (oper == SERVER_STOPPING)
		return "NOLB";
	if (admin & SERVER_DRAIN)
		return "DRAIN";
	return checked ? "UP" : "no check";
}

const char *server_status_text(const struct server *s, char out[SERVER_STATUS_TEXT])
{
	const struct server *checked = checked_server(s);
	bool has_check = checked->check != NULL;
	char progress[32] = "";
	if (has_check)
		progress_text(checked, progress, sizeof(progress));
	pthread_mutex_lock(&s->rt->lock);
	unsigned admin = s->rt->admin;
	enum server_oper oper = s->rt->oper;
	pthread_mutex_unlock(&s->rt->lock);
	if (admin & SERVER_IMAINT && s->tracked && !(admin & SERVER_FMAINT))
		snprintf(out, SERVER_STATUS_TEXT, "MAINT (via %.70s/%.70s)", s->tracked->be->name,
		    s->tracked->name);
	else if (admin & SERVER_MAINT)
		snprintf(out, SERVER_STATUS_TEXT, "MAINT%s",
		    admin & SERVER_RMAINT ? " (resolution)" : "");
	else
		snprintf(
		    out, SERVER_STATUS_TEXT, "%s%s", oper_word(oper, admin, has_check), progress);
	return out;
}
