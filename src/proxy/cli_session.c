/* SPDX-License-Identifier: MIT */
/*
 * "show sess" and the commands that end sessions. Streams belong to their workers: to show them the others are
 * stopped while what is to be shown is copied; to end one, its worker gets mail.
 *
 * A session's id is its worker and its serial number there, so an id that was shown never names another one.
 */
#include "cli_session.h"

#include "cli_proxy.h"
#include "stream.h"

#define URI_MAX	      128
#define SUSPICIOUS_MS 1000

static uint64_t id_of(const struct stream *s)
{
	return s->id * WORKER_MAX + s->worker->id;
}

/* "0x..." in hexadecimal. */
static bool parse_id(const char *word, uint64_t *ret)
{
	char *end;
	if (word[0] != '0' || word[1] != 'x' || !word[2])
		return false;
	*ret = strtoull(word, &end, 16);
	return *end == '\0';
}

/* ---- what is to be shown ---- */

struct sess_filter {
	bool one; /* only id */
	bool uri, all, suspicious;
	uint64_t id;
	const struct proxy *fe, *be;
	const struct server *server;
	uint64_t older_ms;
};

/* A stream as it was for an instant; config keeps the names alive. */
struct sess_copy {
	struct config *config;
	const struct proxy *fe, *be;
	const struct server *server;
	struct net_peer src;
	uint64_t id, age_ms, up, down;
	int64_t accept_wall_us;
	size_t up_waiting, down_waiting;
	int64_t expires_ms; /* from now; -1: never */
	uint32_t flags, requests, ce_flags, se_flags;
	unsigned worker, tries;
	int client_fd, server_fd;
	struct record_times times;
	struct record_flags term;
	int status;
	uint8_t state;
	char uri[URI_MAX];
};

struct sess_list {
	struct sess_copy *items;
	size_t n;
	bool failed;
};

static uint64_t age_ms(const struct stream *s, uint64_t now_us)
{
	uint64_t since = s->cli->accept_us;
	return now_us > since ? (now_us - since) / 1000 : 0;
}

/* No timer would ever wake it, its timer is overdue, or one side has failed: it should not be there. */
static bool is_suspicious(const struct stream *s, uint64_t now_us)
{
	const struct timer *t = &s->timer;
	bool failed = (s->ce->flags & EP_ERROR) || (s->se && (s->se->flags & EP_ERROR));
	return failed || !list_is_linked(&t->link) || t->expire + SUSPICIOUS_MS < now_us / 1000;
}

static bool matches(const struct stream *s, const struct sess_filter *f, uint64_t now_us)
{
	if (f->one && id_of(s) != f->id)
		return false;
	if (f->fe && strcmp(s->fe->name, f->fe->name) != 0)
		return false;
	if (f->be && (!s->be || strcmp(s->be->name, f->be->name) != 0))
		return false;
	if (f->server && (!s->srv || s->srv->rt != f->server->rt))
		return false;
	if (f->suspicious && !is_suspicious(s, now_us))
		return false;
	return age_ms(s, now_us) >= f->older_ms;
}

static void copy_stream(
    const struct stream *s, const struct sess_filter *f, uint64_t now_us, struct sess_copy *c)
{
	uint64_t now_ms = now_us / 1000;
	*c = (struct sess_copy){
		.config = config_ref(s->fe->config),
		.fe = s->fe,
		.be = s->be,
		.server = s->srv,
		.src = *s->cx.src,
		.id = id_of(s),
		.age_ms = age_ms(s, now_us),
		.up = s->up.total,
		.down = s->down.total,
		.accept_wall_us = s->cli->accept_wall_us,
		.up_waiting = s->up.bytes,
		.down_waiting = s->down.bytes,
		.expires_ms = -1,
		.flags = s->flags,
		.requests = s->cli->requests,
		.ce_flags = s->ce->flags,
		.se_flags = s->se ? s->se->flags : 0,
		.worker = s->worker->id,
		.tries = s->conn_tries,
		.client_fd = s->cli->m.conn.io.fd,
		.server_fd = s->sc ? s->sc->m.conn.io.fd : -1,
		.times = s->rec.t,
		.term = s->rec.flags,
		.status = s->rec.status,
		.state = s->state,
	};
	if (list_is_linked(&s->timer.link))
		c->expires_ms = s->timer.expire > now_ms ? (int64_t)(s->timer.expire - now_ms) : 0;
	if (f->uri || f->all)
		snprintf(c->uri, sizeof(c->uri), "%.*s",
		    (int)MIN(s->rec.uri.len, (size_t)URI_MAX - 1),
		    s->rec.uri.ptr ? s->rec.uri.ptr : "");
}

static size_t count_streams(const struct worker_group *g, struct worker *w)
{
	size_t n = 0;
	for (unsigned i = 0; i < worker_count(g); i++) {
		const struct proxy_local *l = proxy_local(worker_get(w->group, i));
		n += l ? l->streams_n : 0;
	}
	return n;
}

/* With the other workers standing. */
static void collect_standing(struct worker *w, const struct sess_filter *f, struct sess_list *ret)
{
	size_t room = count_streams(w->group, w);
	ret->items = room ? malloc(room * sizeof(ret->items[0])) : NULL;
	if (room && !ret->items) {
		ret->failed = true;
		return;
	}
	for (unsigned i = 0; i < worker_count(w->group); i++) {
		const struct proxy_local *l = proxy_local(worker_get(w->group, i));
		if (!l)
			continue;
		list_for_each_entry (s, &l->stream_list, struct stream, all) {
			if (ret->n < room && matches(s, f, w->clock.mono_us))
				copy_stream(s, f, w->clock.mono_us, &ret->items[ret->n++]);
		}
	}
}

static void collect(struct worker *w, const struct sess_filter *f, struct sess_list *ret)
{
	*ret = (struct sess_list){ .items = NULL };
	worker_pause_others(w);
	collect_standing(w, f, ret);
	worker_resume_others(w);
}

static void list_done(struct worker *w, struct sess_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		config_unref(w, l->items[i].config);
	free(l->items);
}

/* ---- writing ---- */

static const char *state_name(uint8_t state)
{
	static const char *const names[ST_N] = {
		[ST_REQ_HEAD] = "request",
		[ST_FE_CONTENT] = "content",
		[ST_FE_RULES] = "rules",
		[ST_ROUTE] = "route",
		[ST_BE_CONTENT] = "content",
		[ST_BE_RULES] = "rules",
		[ST_REQ_BODY] = "body",
		[ST_TARPIT] = "tarpit",
		[ST_ASSIGN] = "assign",
		[ST_QUEUE] = "queue",
		[ST_PAUSE] = "pause",
		[ST_AWAIT] = "await",
		[ST_CONNECT] = "connect",
		[ST_CONNECTING] = "connecting",
		[ST_RES_HEAD] = "response",
		[ST_RES_CONTENT] = "content",
		[ST_RES_RULES] = "rules",
		[ST_FORWARD] = "forward",
		[ST_TUNNEL] = "tunnel",
		[ST_REPLY] = "reply",
		[ST_DONE] = "done",
	};
	return state < ST_N && names[state] ? names[state] : "?";
}

/* "3s", "2m5s", "1h4m", "2d3h": the two largest units. */
static void add_duration(struct strbuf *out, uint64_t ms)
{
	unsigned long long s = ms / 1000;
	if (s < 60)
		strbuf_addf(out, "%llus", s);
	else if (s < 3600)
		strbuf_addf(out, "%llum%llus", s / 60, s % 60);
	else if (s < 86400)
		strbuf_addf(out, "%lluh%llum", s / 3600, s / 60 % 60);
	else
		strbuf_addf(out, "%llud%lluh", s / 86400, s / 3600 % 24);
}

static const char *proto_of(const struct net_peer *p)
{
	return p->sa.sa_family == AF_INET    ? "tcpv4"
	       : p->sa.sa_family == AF_INET6 ? "tcpv6"
					     : "unix_stream";
}

static void add_src(struct strbuf *out, const struct net_peer *p)
{
	char text[NET_ADDR_TEXT];
	strbuf_addf(out, "%s:%u", net_peer_text(p, text), net_peer_port(p));
}

static void add_expiry(struct strbuf *out, const struct sess_copy *c)
{
	if (c->expires_ms >= 0)
		add_duration(out, (uint64_t)c->expires_ms);
}

static void add_short(struct strbuf *out, const struct sess_copy *c, const struct sess_filter *f)
{
	strbuf_addf(out, "0x%llx: proto=%s src=", (unsigned long long)c->id, proto_of(&c->src));
	add_src(out, &c->src);
	strbuf_addf(out, " fe=%s be=%s srv=%s ts=%02x age=", c->fe->name,
	    c->be ? c->be->name : "<NONE>", c->server ? c->server->name : "<none>", c->worker);
	add_duration(out, c->age_ms);
	strbuf_addf(out,
	    " state=%s rq[i=%zu,t=%llu] rp[i=%zu,t=%llu] fd=[%d,%d] exp=", state_name(c->state),
	    c->up_waiting, (unsigned long long)c->up, c->down_waiting, (unsigned long long)c->down,
	    c->client_fd, c->server_fd);
	add_expiry(out, c);
	if (f->uri)
		strbuf_addf(out, " uri=%s", c->uri);
	strbuf_addc(out, '\n');
}

static void add_date(struct strbuf *out, int64_t wall_us)
{
	time_t s = (time_t)(wall_us / 1000000);
	struct tm tm;
	char text[40];
	localtime_r(&s, &tm);
	strftime(text, sizeof(text), "%d/%b/%Y:%H:%M:%S", &tm);
	strbuf_addf(out, "[%s.%06d]", text, (int)(wall_us % 1000000));
}

static const char *mode_of(const struct proxy *px)
{
	return !px ? "-" : px->mode == PROXY_HTTP ? "http" : "tcp";
}

/* Milliseconds from one point to the next, "-" where it has not come yet. */
static void add_times(struct strbuf *out, const struct record_times *t)
{
	const struct {
		const char *name;
		uint64_t at;
	} points[] = { { "handshake", t->handshake }, { "first-byte", t->idle_end },
		{ "request", t->request }, { "queue", t->queue }, { "connected", t->connected },
		{ "response", t->response } };
	uint64_t last = t->accept;
	strbuf_adds(out, "  times:");
	for (size_t i = 0; i < ARRAY_SIZE(points); i++) {
		uint64_t at = points[i].at;
		if (at < last) {
			strbuf_addf(out, " %s=-", points[i].name);
			continue;
		}
		strbuf_addf(
		    out, " %s=%llu", points[i].name, (unsigned long long)(at - last) / 1000);
		last = at;
	}
	strbuf_addc(out, '\n');
}

static void add_long(struct strbuf *out, const struct sess_copy *c)
{
	strbuf_addf(out, "0x%llx: ", (unsigned long long)c->id);
	add_date(out, c->accept_wall_us);
	strbuf_addf(out, " id=%llu proto=%s source=", (unsigned long long)c->id, proto_of(&c->src));
	add_src(out, &c->src);
	strbuf_addf(out,
	    "\n  flags=0x%x, conn_retries=%u, state=%s, worker=%u, requests=%u, age=", c->flags,
	    c->tries, state_name(c->state), c->worker, c->requests);
	add_duration(out, c->age_ms);
	strbuf_adds(out, ", exp=");
	add_expiry(out, c);
	strbuf_addf(
	    out, "\n  frontend=%s (id=%u mode=%s)\n", c->fe->name, c->fe->id, mode_of(c->fe));
	strbuf_addf(out, "  backend=%s (id=%d mode=%s)\n", c->be ? c->be->name : "<NONE>",
	    c->be ? (int)c->be->id : -1, mode_of(c->be));
	strbuf_addf(out, "  server=%s (id=%d)\n", c->server ? c->server->name : "<none>",
	    c->server ? (int)c->server->id : -1);
	strbuf_addf(out, "  client fd=%d flags=0x%x, server fd=%d flags=0x%x\n", c->client_fd,
	    c->ce_flags, c->server_fd, c->se_flags);
	strbuf_addf(out, "  req waiting=%zu total=%llu, res waiting=%zu total=%llu\n",
	    c->up_waiting, (unsigned long long)c->up, c->down_waiting, (unsigned long long)c->down);
	strbuf_addf(out, "  status=%d termination=%c%c\n", c->status, c->term.cause, c->term.phase);
	add_times(out, &c->times);
	strbuf_addf(out, "  uri=%s\n", c->uri);
}

/* ---- show sess ---- */

static bool take_filter(
    struct cli_call *call, const char *word, const char *value, struct sess_filter *f)
{
	uint64_t seconds;
	if (strcmp(word, "older") == 0) {
		if (slice_to_u64(slice_str(value), UINT32_MAX, &seconds) < 0) {
			cli_err(call, "'older' expects a number of seconds.\n");
			return false;
		}
		f->older_ms = seconds * 1000;
		return true;
	}
	if (strcmp(word, "server") == 0)
		return (f->server = cli_find_server(call, value)) != NULL;
	if (strcmp(word, "frontend") == 0)
		return (f->fe = cli_find_frontend(call, value)) != NULL;
	f->be = config_proxy(cli_process(call)->config, value, PROXY_BE);
	if (!f->be)
		cli_err(call, "No such backend.\n");
	return f->be != NULL;
}

static void show_usage(struct cli_call *call)
{
	cli_ok(call, "Usage: show sess [<id> | all | help] [<options>*]\n"
		     "  <id>           details of one session\n"
		     "  all            details of all sessions\n"
		     "  backend <b>    only sessions of this backend\n"
		     "  frontend <f>   only sessions of this frontend\n"
		     "  older <age>    only sessions older than <age> seconds\n"
		     "  server <b/s>   only sessions on this server\n"
		     "  show-uri       with the request's URI\n"
		     "  susp           only sessions that should not be there any more\n");
}

/* False: nothing more is to be done. */
static bool parse_sess(struct cli_call *call, struct sess_filter *f)
{
	char **word = call->argv + 2;
	if (strcmp(*word, "help") == 0) {
		show_usage(call);
		return false;
	}
	if (strcmp(*word, "all") == 0) {
		f->all = true;
		word++;
	} else if (parse_id(*word, &f->id)) {
		f->one = f->all = true;
		word++;
	}
	for (; **word; word++) {
		if (strcmp(*word, "show-uri") == 0) {
			f->uri = true;
		} else if (strcmp(*word, "susp") == 0) {
			f->suspicious = true;
		} else if (strcmp(*word, "older") == 0 || strcmp(*word, "server") == 0 ||
			   strcmp(*word, "frontend") == 0 || strcmp(*word, "backend") == 0) {
			if (!take_filter(call, word[0], word[1], f))
				return false;
			word++;
		} else {
			cli_err(call, "Unknown argument '%s', try 'show sess help'.\n", *word);
			return false;
		}
	}
	return true;
}

static void run_show_sess(struct cli_call *call)
{
	struct sess_filter f = { .one = false };
	struct sess_list l;
	if (!parse_sess(call, &f))
		return;
	collect(call->worker, &f, &l);
	for (size_t i = 0; i < l.n; i++) {
		if (f.all)
			add_long(call->out, &l.items[i]);
		else
			add_short(call->out, &l.items[i], &f);
	}
	if (l.failed)
		cli_err(call, "Out of memory.\n");
	else if (f.one && l.n == 0)
		cli_err(call, "Session not found.\n");
	list_done(call->worker, &l);
}

/* ---- ending sessions ---- */

struct kill_mail {
	struct mail mail;
	uint64_t id;
};

static struct stream *find_stream(const struct worker *w, uint64_t id)
{
	list_for_each_entry (s, &proxy_local(w)->stream_list, struct stream, all) {
		if (id_of(s) == id)
			return s;
	}
	return NULL;
}

static void on_kill(struct worker *w, struct mail *mail)
{
	struct kill_mail *m = container_of(mail, struct kill_mail, mail);
	struct stream *s = find_stream(w, m->id);
	if (s) /* else it ended meanwhile */
		stream_abort(s, 'K');
	free(m);
}

static void run_shutdown_session(struct cli_call *call)
{
	struct sess_filter f = { .one = true };
	struct sess_list l;
	if (!parse_id(call->argv[2], &f.id)) {
		cli_err(call, "Session id expected (use 'show sess').\n");
		return;
	}
	collect(call->worker, &f, &l);
	bool exists = l.n > 0;
	list_done(call->worker, &l);
	if (!exists) {
		cli_err(call, "No such session (use 'show sess').\n");
		return;
	}
	struct kill_mail *m = malloc(sizeof(*m));
	if (!m) {
		cli_err(call, "Out of memory.\n");
		return;
	}
	m->id = f.id;
	worker_post(
	    worker_get(call->worker->group, (unsigned)(f.id % WORKER_MAX)), &m->mail, on_kill);
}

/* The list shrinks by each end; a stream that cannot end now is left alone. */
void sessions_shut(struct worker *w, struct server_local *local, char cause)
{
	struct list doomed;
	(void)w;
	list_init(&doomed);
	list_splice_tail(&doomed, &local->streams);
	while (!list_is_empty(&doomed)) {
		struct stream *s = list_first(&doomed, struct stream, on_server);
		list_del(&s->on_server);
		list_add_tail(&local->streams, &s->on_server);
		stream_abort(s, cause);
	}
}

const struct cli_command proxy_session_commands[] = {
	{ "show sess", CLI_OPERATOR, run_show_sess, "[<id>|all|help] [<options>*]",
	    "list the sessions, or show one in detail" },
	{ "shutdown session", CLI_ADMIN, run_shutdown_session, "<id>", "end one session" },
	{ .name = NULL },
};
