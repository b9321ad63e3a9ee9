/* SPDX-License-Identifier: MIT */
/*
 * The log lines of sessions: at which steps they are written, at what level, and from which format for which
 * target. Client's worker.
 *
 * By default a session has one line, at its end; "option logasap" and "log-steps" choose other moments.
 */
#include "stream_facts.h"

/* ---- one line, by target ---- */

struct line_maker {
	const struct proxy *fe;
	struct rule_ctx *cx;
	const struct logfmt *format, *sd;  /* of the proxy */
	const struct log_profile *profile; /* of "do-log"; NULL: the target's */
	enum log_step step;
	bool failed;
	char *text_room; /* LOG_LEN_MAX bytes */
	/* the last texts made, as most targets want the same ones */
	const struct logfmt *text_of, *sd_of;
	struct slice text, sd_text;
	char sd_room[1024];
};

static struct slice make_text(struct line_maker *m, const struct logfmt *f)
{
	if (m->text_of != f) {
		size_t len = logfmt_write(f, m->cx, m->text_room, LOG_LEN_MAX);
		m->text = slice_make(m->text_room, len);
		m->text_of = f;
	}
	return m->text;
}

static struct slice make_sd(struct line_maker *m, const struct logfmt *f)
{
	if (f && m->sd_of != f) {
		size_t len = logfmt_write(f, m->cx, m->sd_room, sizeof(m->sd_room));
		m->sd_text = slice_make(m->sd_room, len);
		m->sd_of = f;
	}
	return f ? m->sd_text : SLICE_NULL;
}

static bool text_for(void *arg, const struct log_target *t, struct log_text *ret)
{
	struct line_maker *m = arg;
	const struct log_profile *p = m->profile ? m->profile : t->profile;
	const struct log_profile_step *step = log_profile_step(p, m->step, m->failed);
	if (step && step->drop)
		return false;
	const struct logfmt *format = step && step->format ? step->format : m->format;
	if (!format)
		return false;
	ret->text = make_text(m, format);
	ret->sd = make_sd(m, step && step->sd ? step->sd : m->sd);
	ret->tag = p ? p->tag : NULL;
	return true;
}

static void write_line(struct worker *w, struct line_maker *m, enum log_level level)
{
	m->text_room = proxy_local(w)->log_line;
	log_emit_each(w, &m->fe->logs, level, text_for, m);
}

/* ---- what a line says of its session ---- */

/* The usual lines are "info"; those of sessions that went wrong may be raised to "err". */
static enum log_level level_of(const struct stream *s, bool failed)
{
	if (s->log_level >= 0)
		return (enum log_level)s->log_level;
	return failed && (s->fe->options & PR_O_LOG_SEPARATE_ERRORS) ? LOG_LV_ERR : LOG_LV_INFO;
}

bool stream_has_failed(const struct stream *s)
{
	const struct record_flags *f = &s->rec.flags;
	bool by_flags = f->cause != '-' && f->cause != 'L';
	return by_flags || s->rec.retries || s->rec.status >= 500 || s->rec.error.len;
}

static const struct logfmt *format_of(const struct stream *s, bool failed)
{
	const struct proxy *fe = s->fe;
	if (failed && fe->error_log_format)
		return fe->error_log_format;
	return s->rec.error.len ? fe->session_error_format : fe->log_format;
}

static struct slice origin_of(const struct stream *s, enum log_step step)
{
	static const char *const names[LOG_STEP_ERROR] = {
		[LOG_STEP_ACCEPT] = "txn_accept",
		[LOG_STEP_REQUEST] = "txn_request",
		[LOG_STEP_CONNECT] = "txn_connect",
		[LOG_STEP_RESPONSE] = "txn_response",
		[LOG_STEP_CLOSE] = "txn_close",
	};
	if (step >= LOG_STEP_DO_LOG)
		return slice_str(log_step_names[step]);
	if (s->rec.error.len || s->rec.bad_request)
		return SLICE("sess_error");
	return slice_str(names[step]);
}

static void refresh_record(struct stream *s)
{
	if (!s->rec.t.close)
		s->rec.t.close = stream_now_us(s);
	s->rec.bytes_up = s->req.head_len + s->up.total;
	if (!s->rec.bytes_down && s->rec.status > 0)
		s->rec.bytes_down = s->res.head_len + s->down.total;
}

static void write_step(
    struct stream *s, enum log_step step, const struct log_profile *profile, bool failed)
{
	const struct proxy *fe = s->fe;
	struct log_record *r = &s->rec;
	const struct log_record before = *r;
	unsigned at = s->cx.at;
	struct line_maker m = { .fe = fe,
		.cx = &s->cx,
		.format = format_of(s, failed),
		.sd = fe->log_format_sd,
		.profile = profile,
		.step = step,
		.failed = failed };
	refresh_record(s);
	if (step != LOG_STEP_CLOSE) {
		stream_note_gauges(s, false);
		r->asap = true;
		if (r->status < 0 && s->cx.res)
			r->status = s->cx.res->status;
	}
	r->log_counter = atomic_fetch_add_explicit(&fe->rt->log_lines, 1, memory_order_relaxed);
	r->origin = origin_of(s, step);
	s->cx.at |= RULE_AT_LOG;
	write_line(s->worker, &m, level_of(s, failed));
	s->cx.at = at;
	if (step != LOG_STEP_CLOSE)
		*r = before; /* the session goes on */
}

/* ---- when ---- */

/* The moment of the one line of a frontend without "log-steps". */
static enum log_step only_step(const struct stream *s)
{
	if (!(s->fe->options & PR_O_LOGASAP) && !s->fe->logs_early)
		return LOG_STEP_CLOSE;
	return stream_is_http(s) ? LOG_STEP_RESPONSE : LOG_STEP_CONNECT;
}

static bool logs_at(const struct stream *s, enum log_step step)
{
	if (s->fe->log_steps)
		return s->fe->log_steps & (1u << step);
	/* a session that ends early has its line at its end */
	return !(s->flags & SF_LOGGED) && (step == LOG_STEP_CLOSE || step == only_step(s));
}

void stream_log(struct stream *s, enum log_step step)
{
	const struct proxy *fe = s->fe;
	if (likely(!fe->logs_anything) || (s->flags & SF_NOLOG) || !fe->log_format ||
	    !logs_at(s, step))
		return;
	if (s->rec.bad_request && fe->log_format_text == logfmt_text_connect)
		return; /* the line without any option announces sessions, not failures */
	bool failed = stream_has_failed(s);
	if (!failed && (fe->options & PR_O_DONTLOG_NORMAL))
		return;
	s->flags |= SF_LOGGED;
	if (s->log_level != LOG_LV_SILENT)
		write_step(s, step, NULL, failed);
}

/* ---- do-log ---- */

void stream_do_log(struct stream *s, enum rules_kind kind, const struct log_profile *profile)
{
	if (!s->fe->logs_anything || s->log_level == LOG_LV_SILENT)
		return;
	write_step(s, (enum log_step)(LOG_STEP_DO_LOG + kind), profile, stream_has_failed(s));
}

/* A client whose rules run before there is a stream: what is known of it. */
struct early_log {
	struct client *client;
	struct log_record rec;
};

static const struct log_record *early_record(void *early)
{
	return &((struct early_log *)early)->rec;
}

static const struct net_peer *early_dst(void *early)
{
	return client_dst(((struct early_log *)early)->client);
}

static struct conn *early_conn(void *early, bool server)
{
	return server ? NULL : &((struct early_log *)early)->client->m.conn;
}

static const struct rule_host early_host = {
	.record = early_record,
	.dst = early_dst,
	.conn = early_conn,
};

static void fill_early(struct early_log *e, enum log_step step)
{
	const struct client *c = e->client;
	struct slice fe = slice_str(c->fe->name);
	e->rec = (struct log_record){ .flags = { '-', '-', '-', '-' },
		.status = -1,
		.http = c->fe->mode == PROXY_HTTP,
		.t = { .accept = c->accept_us,
		    .handshake = c->handshake_us,
		    .accept_wall = c->accept_wall_us,
		    .close = c->m.conn.worker->clock.mono_us },
		.frontend = fe,
		.backend = fe,
		.listener_id = c->bind->id,
		.origin = slice_str(log_step_names[step]),
		.asap = true,
		.log_counter =
		    atomic_fetch_add_explicit(&c->fe->rt->log_lines, 1, memory_order_relaxed) };
	client_note_tls(c, &e->rec);
}

void client_do_log(struct client *c, const struct rule_ctx *cx, enum rules_kind kind,
    const struct log_profile *profile)
{
	const struct proxy *fe = c->fe;
	struct early_log early = { .client = c };
	struct rule_ctx mine = *cx;
	struct line_maker m = { .fe = fe,
		.cx = &mine,
		.format = fe->log_format,
		.sd = fe->log_format_sd,
		.profile = profile,
		.step = (enum log_step)(LOG_STEP_DO_LOG + kind) };
	if (!fe->logs_anything)
		return;
	fill_early(&early, m.step);
	mine.host = &early_host;
	mine.stream = &early;
	write_line(c->m.conn.worker, &m, LOG_LV_INFO);
}
