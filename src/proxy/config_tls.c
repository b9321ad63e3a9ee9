/* SPDX-License-Identifier: MIT */
/*
 * From TLS options as read to what accepts connections: judges the options of each bind line together, makes the
 * certificate store, the session cache and ticket keys when something needs them, and builds the contexts. All of it
 * belongs to the configuration. One thread, at start or in a reload.
 */
#include "config_tls.h"

#include <errno.h>

#include "conf_bind.h"
#include "log_forward.h"
#include "weir/tls/session_cache.h"
#include "weir/tls/ticket_keys.h"
#include "weir/tls/transport.h"

/* Random keys for tickets are replaced that often; three of them open. */
#define TICKET_KEY_SECONDS 3600

/* ---- messages ---- */

/* What a struct tls_report of ours points to: a bind line, or a place with what stands in front of the text. */
struct teller {
	struct diag *diag;
	const struct bind_ssl *bind; /* NULL: pos and what */
	struct conf_pos pos;
	const char *what;
};

/* The option whose value the message names, else the line's address. */
static struct conf_pos place_of(const struct bind_ssl *s, const char *text)
{
	const struct bind_word *best = NULL;
	for (const struct bind_word *w = s->words; w; w = w->next)
		if (*w->value && strstr(text, w->value) &&
		    (!best || strlen(w->value) > strlen(best->value)))
			best = w;
	return best ? best->pos : s->pos;
}

static const char *line_name(const struct bind_ssl *s)
{
	return s->fe ? "bind" : "stats socket";
}

static void say(void *arg, enum diag_level level, const char *text)
{
	const struct teller *t = arg;
	if (t->bind)
		diag_add(t->diag, level, place_of(t->bind, text), "'%s %s' : %s",
		    line_name(t->bind), t->bind->address, text);
	else
		diag_add(t->diag, level, t->pos, "%s%s", t->what, text);
}

/* At the option of that name, or at the address when the line does not have it. */
static void WEIR_PRINTF(5, 6)
tell(struct conf *conf, enum diag_level level, const struct bind_ssl *s, const char *word,
    const char *fmt, ...)
{
	char text[512];
	struct conf_pos pos = s->pos;
	va_list ap;
	for (const struct bind_word *w = s->words; w; w = w->next)
		if (strcmp(w->name, word) == 0)
			pos = w->pos;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	diag_add(conf_diag(conf), level, pos, "'%s %s' : %s", line_name(s), s->address, text);
}

/* ---- what is shared ---- */

static void load_all(struct conf *conf, struct config *c)
{
	for (const struct tls_load_line *l = c->tls.loads; l; l = l->next) {
		struct teller t = { .diag = conf_diag(conf), .pos = l->pos, .what = "'load' : " };
		struct tls_report report = { .say = say, .arg = &t };
		(void)tls_store_load(c->tls.store, l->store, &l->load, &report);
	}
}

struct tls_store *tls_store_of(struct conf *conf, struct config *c)
{
	struct teller t = { .diag = conf_diag(conf), .what = "" };
	struct tls_report report = { .say = say, .arg = &t };
	if (c->tls.store || c->tls.failed)
		return c->tls.store;
	c->tls.store = tls_store_new(&c->global.ssl.store, &report);
	c->tls.failed = !c->tls.store;
	if (c->tls.store)
		load_all(conf, c);
	return c->tls.store;
}

/* The keys of that file, NULL for the random ones, shared by all binds that name it. NULL, told. */
static struct tls_ticket_keys *ticket_keys(
    struct conf *conf, struct config *c, const struct bind_ssl *s)
{
	const char *file = s->ticket_file;
	char err[256] = "";
	struct tls_keys_file **at = &c->tls.keys;
	unsigned id = 0;
	for (; *at; at = &(*at)->next, id++)
		if (file ? (*at)->file && strcmp((*at)->file, file) == 0 : !(*at)->file)
			return (*at)->keys;
	struct tls_keys_file *k = arena_new(&c->arena, struct tls_keys_file);
	if (k) {
		k->file = file;
		k->id = id;
		k->keys = file ? tls_ticket_keys_load(file, err, sizeof(err))
			       : tls_ticket_keys_new(c->global.ssl.keep_fd, TICKET_KEY_SECONDS);
	}
	if (!k || !k->keys) {
		tell(conf, DIAG_ERROR, s, "tls-ticket-keys", "%s", *err ? err : "out of memory");
		return NULL;
	}
	*at = k;
	return k->keys;
}

/* ---- a line ---- */

/* The line's own words have precedence over "ssl-default-bind-*". */
static void inherit(struct bind_ssl *s, const struct global_tls *g)
{
	struct tls_defaults *own = &s->own;
	const struct tls_defaults *base = &g->bind;
	if (!own->no_versions && !own->opt.min_ver && !own->opt.max_ver)
		own->no_versions = base->no_versions;
	tls_options_inherit(&own->opt, &base->opt);
	if (!own->tickets)
		own->tickets = base->tickets;
	if (!own->strict_sni)
		own->strict_sni = base->strict_sni;
	own->prefer_client_ciphers |= base->prefer_client_ciphers;
}

static unsigned version_bits(const struct tls_defaults *d)
{
	unsigned low = (d->opt.min_ver ? d->opt.min_ver : TLS_VER_TLS12) & 0xff;
	unsigned high = (d->opt.max_ver ? d->opt.max_ver : TLS_VER_TLS13) & 0xff;
	unsigned bits = 0;
	for (unsigned v = low; v <= high; v++)
		bits |= 1u << v;
	return bits;
}

static bool check_versions(struct conf *conf, struct bind_ssl *s)
{
	struct tls_defaults *d = &s->own;
	if (d->no_versions && (d->opt.min_ver || d->opt.max_ver)) {
		tell(conf, DIAG_WARNING, s, "ssl",
		    "no-sslv3 and no-tlsv1x are ignored; use only 'ssl-min-ver' and "
		    "'ssl-max-ver'");
		d->no_versions = 0;
	}
	if (version_bits(d) & ~d->no_versions)
		return true;
	tell(conf, DIAG_ERROR, s, "ssl", "all SSL/TLS versions are disabled");
	return false;
}

static bool check_certificates(struct conf *conf, const struct bind_ssl *s)
{
	if (s->conf.crt_n)
		return true;
	if (s->own.strict_sni > 0) {
		tell(conf, DIAG_WARNING, s, "ssl",
		    "no SSL certificate specified, connections will fail (use 'crt')");
		return true;
	}
	tell(conf, DIAG_ERROR, s, "ssl", "no SSL certificate specified (use 'crt')");
	return false;
}

static bool check_line(struct conf *conf, struct bind_ssl *s)
{
	const struct tls_options *o = &s->own.opt;
	bool ok = check_versions(conf, s);
	ok = check_certificates(conf, s) && ok;
	if (o->verify > TLS_VERIFY_NONE && !o->ca_file && !o->ca_verify_file) {
		tell(conf, DIAG_ERROR, s, "verify",
		    "verify is enabled but no CA file specified (use 'ca-file')");
		ok = false;
	}
	if (s->conf.generate && !s->conf.ca_sign_file) {
		tell(conf, DIAG_ERROR, s, "generate-certificates",
		    "cannot enable certificate generation, no CA certificate file configured (use "
		    "'ca-sign-file')");
		ok = false;
	}
	if (o->allow_0rtt && !s->config->tls.sessions)
		tell(conf, DIAG_WARNING, s, "allow-0rtt",
		    "'allow-0rtt' has no effect without the session cache, which would tell "
		    "replays");
	if (s->ticket_file && s->own.tickets < 0)
		tell(conf, DIAG_WARNING, s, "tls-ticket-keys",
		    "'tls-ticket-keys' has no effect with 'no-tls-tickets'");
	return ok;
}

static enum tls_crt_word crt_word(const char *name)
{
	return strcmp(name, "crt") == 0	       ? TLS_CRT
	       : strcmp(name, "crt-list") == 0 ? TLS_CRT_LIST
					       : TLS_CRT_DEFAULT;
}

static bool names_certificates(const struct bind_word *w)
{
	return strcmp(w->name, "crt") == 0 || strcmp(w->name, "crt-list") == 0 ||
	       strcmp(w->name, "default-crt") == 0;
}

/* All certificates of the line in their order, those of ssl-f-use behind. 0 or -1, told. */
static int collect_certificates(struct conf *conf, struct bind_ssl *s)
{
	bool uses = s->fe && s->fe->ssl_uses;
	unsigned n = uses, i = 0;
	for (const struct bind_word *w = s->words; w; w = w->next)
		n += names_certificates(w);
	struct tls_bind_crt *crts = arena_array(conf_arena(conf), struct tls_bind_crt, n + 1);
	const char *list = arena_printf(conf_arena(conf), "@%s", s->fe ? s->fe->name : "");
	if (!crts || !list)
		return no_memory(conf, NULL);
	for (const struct bind_word *w = s->words; w; w = w->next)
		if (names_certificates(w))
			crts[i++] = (struct tls_bind_crt){ crt_word(w->name), w->value };
	if (uses)
		crts[i++] = (struct tls_bind_crt){ TLS_CRT_LIST, list };
	s->conf.crts = crts;
	s->conf.crt_n = n;
	return 0;
}

static void complete_conf(struct bind_ssl *s, const struct bind_conf *b)
{
	struct tls_bind_conf *t = &s->conf;
	t->opt = s->own.opt;
	if (!t->opt.alpn && b->proto == BIND_PROTO_H1)
		t->opt.alpn = "http/1.1";
	if (!t->opt.alpn && b->proto == BIND_PROTO_H2)
		t->opt.alpn = "h2";
	t->strict_sni = s->own.strict_sni > 0;
	t->http = s->fe && s->fe->mode == PROXY_HTTP;
	t->prefer_client_ciphers = s->own.prefer_client_ciphers;
	t->no_tickets = s->own.tickets < 0;
	t->no_versions = s->own.no_versions;
	t->generate_cache = s->config->global.ssl.forged;
	t->server.cache = s->config->tls.sessions;
	t->server.tickets = s->tickets;
	t->server.lifetime_s = s->config->global.ssl.lifetime_s;
	t->server.keylog = s->config->global.ssl.keylog;
	t->server.capture = s->config->global.ssl.capture;
	t->server.keyupdates = s->config->global.ssl.keyupdates;
}

static void build(struct conf *conf, struct config *c, struct bind_ssl *s)
{
	struct teller t = { .diag = conf_diag(conf), .bind = s };
	struct tls_report report = { .say = say, .arg = &t };
	unsigned before = diag_count(t.diag, DIAG_ERROR);
	int r = tls_bind_build(&s->conf, c->tls.store, &report, &s->tls);
	if (r < 0 && diag_count(t.diag, DIAG_ERROR) == before)
		tell(conf, DIAG_ERROR, s, "ssl", "%s", strerror(-r));
}

/* The first option that does nothing without "ssl". */
static void tell_useless(struct conf *conf, const struct bind_ssl *s)
{
	const struct bind_word *w = s->words;
	while (w && !names_certificates(w))
		w = w->next;
	if (w)
		tell(conf, DIAG_WARNING, s, w->name, "'%s' has no effect without 'ssl'", w->name);
}

static void finish_line(struct conf *conf, struct config *c, struct bind_conf *b)
{
	struct bind_ssl *s = b->ssl;
	s->pos = b->pos;
	if (s->broken)
		return;
	if (!s->on) {
		tell_useless(conf, s);
		return;
	}
	inherit(s, &c->global.ssl);
	if (collect_certificates(conf, s) < 0 || !check_line(conf, s) || !tls_store_of(conf, c))
		return;
	if (s->own.tickets >= 0 && !(s->tickets = ticket_keys(conf, c, s)))
		return;
	complete_conf(s, b);
	build(conf, c, s);
}

/* ---- frontends ---- */

/* The list that "ssl-f-use" lines make. */
static void fill_list(struct conf *conf, struct config *c, const struct proxy *p)
{
	const char *name = arena_printf(conf_arena(conf), "@%s", p->name);
	struct tls_store *store = tls_store_of(conf, c);
	struct tls_crt_list *list = store && name ? tls_crt_list_named(store, name) : NULL;
	unsigned number = 0;
	if (!list && store)
		(void)no_memory(conf, NULL);
	for (const struct ssl_use *u = p->ssl_uses; u && list; u = u->next) {
		struct teller t = {
			.diag = conf_diag(conf), .pos = u->pos, .what = "'ssl-f-use' : "
		};
		struct tls_report report = { .say = say, .arg = &t };
		(void)tls_crt_list_line(store, list, u->text, ++number, &report);
	}
}

static void check_proto(struct conf *conf, const struct proxy *p, const struct bind_conf *b)
{
	static const char *const names[] = { "auto", "h1", "h2", "none" };
	if (b->proto == BIND_PROTO_AUTO || (p->mode == PROXY_TCP) == (b->proto == BIND_PROTO_NONE))
		return;
	diag_add(conf_diag(conf), DIAG_ERROR, b->pos,
	    "%s '%s' : MUX protocol '%s' is not usable in mode %s", proxy_kind(p), p->name,
	    names[b->proto], p->mode == PROXY_TCP ? "tcp" : "http");
}

/* Datagrams have no TLS: there "ssl" says nothing. */
static void finish_lines(struct conf *conf, struct config *c, struct bind_conf *first)
{
	const struct bind_ssl *last = NULL;
	for (struct bind_conf *b = first; b; b = b->next) {
		if (b->ssl && b->ssl != last && !b->datagram)
			finish_line(conf, c, b);
		last = b->ssl;
		b->tls = b->ssl && !b->datagram ? b->ssl->tls : NULL;
	}
}

static void finish_frontend(struct conf *conf, struct config *c, struct proxy *p)
{
	unsigned line = 0;
	if (p->ssl_uses)
		fill_list(conf, c, p);
	for (struct bind_conf *b = p->binds; b; b = b->next) {
		/* the addresses of a line follow each other */
		if (b->pos.line != line)
			check_proto(conf, p, b);
		line = b->pos.line;
	}
	finish_lines(conf, c, p->binds);
}

static bool speaks_tls(const struct config *c)
{
	for (const struct bind_ssl *s = c->tls.binds; s; s = s->next)
		if (s->on)
			return true;
	return false;
}

static void set_tune(struct global_conf *g)
{
	g->tls.first_record = g->ssl.first_record;
	g->tls.hard_record = g->ssl.hard_record;
	g->tls.idle_ms = g->idletimer_ms;
}

void finish_tls(struct conf *conf, struct config *c)
{
	const struct global_tls *g = &c->global.ssl;
	set_tune(&c->global);
	if (c->tls.loads)
		(void)tls_store_of(conf, c);
	if (speaks_tls(c) && g->cache_blocks && !c->tls.sessions)
		c->tls.sessions = tls_session_cache_new(g->cache_blocks);
	for (struct proxy *p = c->proxies; p; p = p->next)
		if (p->caps & PROXY_FE)
			finish_frontend(conf, c, p);
	for (struct log_forward *lf = c->log_forwards; lf; lf = lf->next)
		finish_lines(conf, c, lf->px.binds);
	finish_lines(conf, c, c->global.stats_sockets);
}

void tls_parts_free(struct config *c)
{
	for (struct bind_ssl *s = c->tls.binds; s; s = s->next)
		tls_bind_free(s->tls);
	for (struct tls_keys_file *k = c->tls.keys; k; k = k->next)
		tls_ticket_keys_unref(k->keys);
	tls_session_cache_free(c->tls.sessions);
	if (c->tls.store)
		tls_store_free(c->tls.store);
}
