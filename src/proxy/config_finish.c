/* SPDX-License-Identifier: MIT */
/*
 * The last step of reading a configuration: what can only be said once all of it is there. The order matters:
 * ids and logs first, as backends keep them; then backends with their servers; then names between proxies; then
 * what the modes allow; at last what is derived for the hot path.
 */
#include "conf_int.h"

#include <limits.h>
#include <unistd.h>

#include "config_tls.h"
#include "log_forward.h"
#include "ring_conf.h"
#include "weir/rule/acl_scope.h"

#define BACKLOG_DEFAULT 4096

/* ---- TLS towards servers ---- */

struct store_source {
	struct conf *conf;
	struct config *config;
};

static struct tls_store *open_store(void *source)
{
	const struct store_source *s = source;
	return tls_store_of(s->conf, s->config);
}

/* What the global section says of it, where servers find it. source stays until all are finished. */
static void set_server_tls(struct store_source *source)
{
	struct config *c = source->config;
	const struct global_tls *g = &c->global.ssl;
	c->server_tls = (struct server_tls_env){
		.open_store = open_store,
		.source = source,
		.words = {
			.opt = g->server.opt,
			.tickets = g->server.tickets,
			.no_versions = (uint8_t)g->server.no_versions,
		},
		.verify_none = g->server_verify_none,
		.keylog = g->keylog,
		.tune = &c->global.tls,
	};
}

/* ---- backends ---- */

/* "dispatch" and "option transparent" are a server of their own when the backend has none. */
static void add_only_server(struct conf *conf, struct proxy *p)
{
	char addr[NET_ADDR_TEXT];
	char word[] = "server", name[] = "dispatch", none[] = "";
	char *argv[] = { word, name, addr, none, none, none, none, none, none, none, none };
	unsigned cols[ARRAY_SIZE(argv)] = { 0 };
	struct conf_line line = { .pos = p->pos, .argc = 3, .argv = argv, .cols = cols };

	if (p->servers || !(p->has_dispatch || p->options & PR_O_TRANSPARENT))
		return;
	if (p->has_dispatch)
		net_addr_text_port(&p->dispatch, addr);
	else
		snprintf(addr, sizeof(addr), "*");
	(void)server_parse(conf, &line, 1, p->server_defaults, &p->servers);
}

/* What the backend says of all connections to its servers, where these say nothing themselves. */
static void spread_connect_options(const struct config *c, const struct proxy *p, struct server *s)
{
	struct net_connect_opts *o = &s->connect;
	if (p->has_source && !o->source && !o->interface && s->source_use == SOURCE_PLAIN &&
	    !o->source_port_low) {
		o->source = p->source.source;
		o->source_port_low = p->source.source_port_low;
		o->source_port_high = p->source.source_port_high;
		o->interface = p->source.interface;
		o->transparent = p->source.transparent;
		s->source_use = p->source_use;
		s->source_hdr = p->source_hdr;
		s->source_hdr_occ = p->source_hdr_occ;
	}
	if (p->options & PR_O_SRVTCPKA) {
		o->keepalive = true;
		o->ka_count = p->srvtcpka_cnt;
		o->ka_idle_s = p->srvtcpka_idle_s;
		o->ka_intvl_s = p->srvtcpka_intvl_s;
	}
	o->smart_connect = p->options & PR_O_TCP_SMART_CONNECT;
	o->rcvbuf = c->global.rcvbuf_server;
	o->sndbuf = c->global.sndbuf_server;
}

/* "node" of the global section, or what the system calls this host. */
static const char *node_name(struct conf *conf, struct config *c)
{
	char name[HOST_NAME_MAX + 1] = "";
	if (!c->global.node && gethostname(name, sizeof(name) - 1) == 0)
		return arena_strdup(conf_arena(conf), name);
	return c->global.node;
}

static void finish_backend(struct conf *conf, struct config *c, struct proxy *p)
{
	struct backend *be = &p->be;
	be->name = p->name;
	be->id = p->id;
	be->http = p->mode == PROXY_HTTP;
	be->log = p->mode == PROXY_LOG;
	be->allbackups = p->options & PR_O_ALLBACKUPS;
	be->log_health_checks = p->options & PR_O_LOG_HEALTH;
	be->logs = &p->logs;
	be->httpchk = p->build->check == CHECK_BY_HTTP	? p->httpchk
		      : p->build->check == CHECK_BY_TCP ? p->tcpchk
							: NULL;
	be->h2 = &c->global.h2_be;
	be->tls_env = &c->server_tls;
	be->node = node_name(conf, c);
	be->check_timeout_ms = p->timeout.check;
	be->connect_timeout_ms = p->timeout.connect;
	be->spread_checks = c->global.spread_checks;
	if (!p->timeout.queue)
		p->timeout.queue = p->timeout.connect;
	add_only_server(conf, p);
	for (struct server *s = p->servers; s; s = s->next)
		spread_connect_options(c, p, s);
	(void)backend_finish(conf, be, p->servers);
}

static struct backend *find_backend(void *ctx, const char *name)
{
	struct proxy *p = config_proxy(ctx, name, PROXY_BE);
	return p ? &p->be : NULL;
}

static struct backend *next_backend(void *ctx, struct backend *prev)
{
	struct config *c = ctx;
	struct proxy *p = prev ? container_of(prev, struct proxy, be)->next : c->proxies;
	while (p && !(p->caps & PROXY_BE))
		p = p->next;
	return p ? &p->be : NULL;
}

static void finish_backends(struct conf *conf, struct config *c)
{
	struct upstream_dir dir = { .find = find_backend, .next = next_backend, .ctx = c };
	for (struct proxy *p = c->proxies; p; p = p->next)
		if (p->caps & PROXY_BE)
			finish_backend(conf, c, p);
	for (struct proxy *p = c->proxies; p; p = p->next)
		if (p->caps & PROXY_BE)
			(void)backend_link(conf, &p->be, &dir);
}

/* ---- derived values ---- */

static bool may_reach(const struct proxy *fe, const struct proxy *be)
{
	if (fe == be || fe->default_backend == be)
		return true;
	for (const struct switch_rule *r = fe->use_backend; r; r = r->next)
		if (r->dynamic || r->backend == be)
			return true;
	return false;
}

/* The manual's default: a tenth of what the frontends that may use the backend let in. */
static void set_fullconn(const struct config *c, struct proxy *be)
{
	uint64_t sum = 0;
	if (be->be.fullconn)
		return;
	for (const struct proxy *fe = c->proxies; fe; fe = fe->next)
		if (fe->caps & PROXY_FE && may_reach(fe, be))
			sum += fe->maxconn ? fe->maxconn : c->global.maxconn;
	be->be.fullconn = (unsigned)MIN((sum + 9) / 10, (uint64_t)INT_MAX);
}

static void finish_listeners(const struct config *c, struct proxy *p)
{
	for (struct bind_conf *b = p->binds; b; b = b->next) {
		struct net_listen_opts *o = &b->listen;
		if (!o->backlog)
			o->backlog = (int)(p->backlog	       ? p->backlog
					   : p->maxconn	       ? p->maxconn
					   : c->global.maxconn ? c->global.maxconn
							       : BACKLOG_DEFAULT);
		if (p->options & PR_O_CLITCPKA) {
			o->keepalive = true;
			o->ka_count = p->clitcpka_cnt;
			o->ka_idle_s = p->clitcpka_idle_s;
			o->ka_intvl_s = p->clitcpka_intvl_s;
		}
		o->rcvbuf = c->global.rcvbuf_client;
		o->sndbuf = c->global.sndbuf_client;
	}
}

static void derive(const struct config *c, struct proxy *p)
{
	const struct forwarded_conf *f = &p->forwarded;
	bool forwards_dst = p->options & PR_O_FORWARDED && (f->by || f->by_port);
	p->needs_dst = forwards_dst || p->options & (PR_O_ORIGINALTO | PR_O_TRANSPARENT);
	for (unsigned i = 0; i < p->be.servers_n; i++)
		if (p->be.servers[i]->pp != SERVER_PP_NONE || p->be.servers[i]->addr_transparent)
			p->needs_dst = true;
	p->has_req_rules = p->rules[RULES_HTTP_REQ].count > 0;
	p->has_res_rules = p->rules[RULES_HTTP_RES].count > 0;
	if (p->caps & PROXY_BE)
		set_fullconn(c, p);
	if (p->caps & PROXY_FE)
		finish_listeners(c, p);
	p->build = NULL;
}

int config_finish(struct conf *conf, struct config *c)
{
	unsigned before = diag_count(conf_diag(conf), DIAG_ERROR);
	struct store_source source = { .conf = conf, .config = c };
	set_server_tls(&source);
	finish_h2(c);
	finish_ids(conf, c);
	finish_rings(conf, c);
	finish_logs(conf, c);
	finish_log_forwards(conf, c);
	finish_backends(conf, c);
	finish_log_backends(conf, c);
	finish_names(conf, c);
	finish_objects(conf, c);
	finish_errors(conf, c);
	finish_modes(conf, c);
	finish_tls(conf, c);
	(void)userlists_finish(conf); /* errors are counted below */
	for (struct proxy *p = c->proxies; p; p = p->next)
		acl_scope_finish(conf, p->acls);
	for (struct proxy *p = c->proxies; p; p = p->next)
		derive(c, p);
	c->defaults = NULL;
	c->server_tls.source = NULL;
	c->patterns = patterns_finish(conf);
	return diag_count(conf_diag(conf), DIAG_ERROR) == before ? 0 : -1;
}
