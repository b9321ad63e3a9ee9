/* SPDX-License-Identifier: MIT */
/*
 * Which backend a stream goes to: use_backend rules in order, then default_backend, then the proxy itself when
 * it is a listen section. Client's worker.
 */
#include "stream.h"
#include "weir/rule/memo.h"

#define NAME_MAX_LEN 256

static struct proxy *by_dynamic_name(struct stream *s, const struct switch_rule *r)
{
	char name[NAME_MAX_LEN];
	size_t len = logfmt_write(r->dynamic, &s->cx, name, sizeof(name) - 1);
	name[len] = '\0';
	return config_backend(s->fe->config, name);
}

/* Rules pass over a backend that is disabled or unpublished, unless "force-be-switch" says otherwise. */
static bool may_switch(struct stream *s, const struct proxy *be)
{
	if (likely(!(be->options & PR_O_DISABLED) &&
		   !atomic_load_explicit(&be->unpublished, memory_order_relaxed)))
		return true;
	if (be == s->fe)
		return true;
	for (const struct switch_rule *r = s->fe->force_be_switch; r; r = r->next) {
		if (cond_eval(r->cond, &s->cx) == 1)
			return true;
	}
	return false;
}

static const struct switch_rule *first_met(struct stream *s, const struct switch_rule *r)
{
	struct rule_memo memo;
	if (!r)
		return NULL;
	rule_memo_start(&s->cx, &memo);
	while (r && r->cond && cond_eval(r->cond, &s->cx) != 1)
		r = r->next;
	rule_memo_stop(&s->cx);
	return r;
}

static struct proxy *choose(struct stream *s)
{
	const struct switch_rule *r = first_met(s, s->fe->use_backend);
	for (; r; r = first_met(s, r->next)) {
		struct proxy *be = r->dynamic ? by_dynamic_name(s, r) : r->backend;
		if (!be)
			break; /* a name that no backend has: the default one */
		if (may_switch(s, be))
			return be;
	}
	if (s->fe->default_backend && may_switch(s, s->fe->default_backend))
		return s->fe->default_backend;
	return s->fe->caps & PROXY_BE ? s->fe : NULL;
}

/* The backend's timeouts where it sets them. */
static void merge_timeouts(struct stream *s)
{
	const struct proxy_timeouts *be = &s->be->timeout;
	struct proxy_timeouts *t = &s->timeout;
	if (s->be == s->fe)
		return; /* and rules may have set them */
	t->server = be->server ? be->server : t->server;
	t->connect = be->connect ? be->connect : t->connect;
	t->queue = be->queue ? be->queue : t->queue;
	t->tunnel = be->tunnel ? be->tunnel : t->tunnel;
	t->server_fin = be->server_fin ? be->server_fin : t->server_fin;
	t->tarpit = be->tarpit ? be->tarpit : t->tarpit;
}

void stream_count_backend(struct stream *s)
{
	struct backend_rt *rt = s->be->be.rt;
	struct counters *c = backend_counters(&s->be->be, s->worker);
	gauge_raise(
	    &rt->g.sess_max, atomic_fetch_add_explicit(&rt->served, 1, memory_order_relaxed) + 1);
	counter_add(&c->sess_tot, 1);
	counters_rate_add(rt->counters, worker_count(s->worker->group), s->worker->id,
	    offsetof(struct counters, sess_rate), &rt->g.sess_rate_max, worker_now_ms(s->worker));
	s->flags |= SF_COUNTED_BE;
}

enum step step_route(struct stream *s)
{
	if (stream_is_http(s))
		stream_show_body(s);
	s->be = choose(s);
	if (!s->be)
		return stream_error(s, 503, 'S', 'C');
	/* what HTTP made of it cannot go to a server as TCP */
	if (stream_is_http(s) && s->be->mode != PROXY_HTTP) {
		s->be = NULL;
		return stream_error(s, 503, 'S', 'C');
	}
	s->rec.backend = slice_str(s->be->name);
	merge_timeouts(s);
	stream_count_backend(s);
	if (s->be != s->fe)
		s->retries = -1;
	s->conn_tries = (unsigned)stream_retries(s);
	s->cx.at |= RULE_AT_BACKEND;
	if (!stream_is_http(s) && s->be->mode == PROXY_HTTP)
		return stream_switch_to_http(s);
	stream_enter(s, ST_BE_CONTENT);
	return STEP_AGAIN;
}
