/* SPDX-License-Identifier: MIT */
/*
 * A backend after its lines were read: the list of servers becomes an array, ids are given out, and what does
 * not fit together is told. Then, when all backends are known, "track" is tied. One thread.
 */
#include "server_options.h"
#include "upstream_internal.h"
#include "weir/base/arena.h"

#define SERVERS_MAX 65535u /* balance tables index them with 16 bits */

static struct conf_pos pos_of(const struct server *s)
{
	return (struct conf_pos){ .file = s->pos.file, .line = s->pos.line };
}

static bool id_taken(const struct server *list, unsigned id)
{
	for (; list; list = list->next)
		if (list->id == id)
			return true;
	return false;
}

/* Those written stay; the others get the next free number, from 1. */
static int give_ids(struct conf *conf, struct backend *be, struct server *list)
{
	unsigned next = 1;
	int r = 0;
	for (struct server *s = list; s; s = s->next) {
		if (!s->id_set)
			continue;
		for (struct server *o = list; o != s; o = o->next) {
			if (o->id_set && o->id == s->id) {
				diag_add(conf_diag(conf), DIAG_ERROR, pos_of(s),
				    "server '%s/%s' has id %u, which server '%s' has already",
				    be->name, s->name, s->id, o->name);
				r = -1;
			}
		}
	}
	for (struct server *s = list; s; s = s->next) {
		if (s->id_set)
			continue;
		s->id = 0;
		while (id_taken(list, next))
			next++;
		s->id = next++;
	}
	return r;
}

/* Balancing that the mode cannot do is replaced, with a warning. */
static void fit_balance(struct conf *conf, struct backend *be, const struct server *list)
{
	if (!be->balance.ops)
		balance_conf_init(&be->balance);
	const struct balance_ops *ops = be->balance.ops;
	if (be->log ? !ops->for_log || be->hash.consistent : ops->only_log) {
		diag_add(conf_diag(conf), DIAG_ERROR,
		    list ? pos_of(list) : (struct conf_pos){ .line = 0 },
		    be->log ? "backend '%s': 'balance %s' with this 'hash-type' cannot be used in "
			      "'mode log'"
			    : "backend '%s': 'balance %s' can only be used in 'mode log'",
		    be->name, ops->name);
		return;
	}
	if (!ops->needs_http || be->http)
		return;
	diag_add(conf_diag(conf), DIAG_WARNING,
	    list ? pos_of(list) : (struct conf_pos){ .line = 0 },
	    "backend '%s': 'balance %s' needs 'mode http'; falling back to 'balance roundrobin'",
	    be->name, be->balance.ops->name);
	balance_conf_set(&be->balance, "roundrobin");
}

/* Whether a check of s may need TLS. */
static bool checks_speak_tls(const struct server *s)
{
	return s->check && (s->check->tls || check_script_has_tls(s->check->http));
}

static int finish_check(struct conf *conf, struct backend *be, struct server *s)
{
	if (!s->check)
		return 0;
	struct check_conf *c = arena_new(conf_arena(conf), struct check_conf);
	if (!c)
		return -1;
	*c = *s->check;
	bool elsewhere = c->port || c->addr.len;
	c->send_proxy = c->send_proxy || (s->pp != SERVER_PP_NONE && !elsewhere);
	c->tls = c->tls || (s->tls.on && !elsewhere);
	c->http = be->httpchk;
	if (!check_script_is_http(c->http) && c->proto == SERVER_PROTO_H2) {
		diag_add(conf_diag(conf), DIAG_ERROR, pos_of(s),
		    "server '%s/%s': 'check-proto h2' is for checks that make requests ('option "
		    "httpchk')",
		    be->name, s->name);
		return -1;
	}
	s->check = c;
	bool is_ip = s->fqdn || s->addr.sa.sa_family == AF_INET || s->addr.sa.sa_family == AF_INET6;
	if (is_ip && !c->port && s->port_mode != NET_PORT_FIXED) {
		diag_add(conf_diag(conf), DIAG_ERROR, pos_of(s),
		    "server '%s/%s' has neither a service port nor a check port: its health checks "
		    "need one ('port')",
		    be->name, s->name);
		return -1;
	}
	if (s->addr_transparent && !c->addr.len) {
		diag_add(conf_diag(conf), DIAG_ERROR, pos_of(s),
		    "server '%s/%s' has no address of its own: its health checks need one ('addr')",
		    be->name, s->name);
		return -1;
	}
	return 0;
}

static int finish_server(struct conf *conf, struct backend *be, struct server *s)
{
	s->be = be;
	if (s->minconn > s->maxconn && s->maxconn)
		s->minconn = s->maxconn;
	if (s->minconn && !s->maxconn)
		s->maxconn = s->minconn;
	if (s->redir && !be->http) {
		diag_add(conf_diag(conf), DIAG_WARNING, pos_of(s),
		    "server '%s/%s': 'redir' is ignored, it needs 'mode http'", be->name, s->name);
		s->redir = NULL;
	}
	if (s->track && s->check) {
		diag_add(conf_diag(conf), DIAG_ERROR, pos_of(s),
		    "server '%s/%s': 'track' and 'check' exclude each other", be->name, s->name);
		return -1;
	}
	if (!be->http && (s->proto != SERVER_PROTO_AUTO || s->ws != SERVER_WS_AUTO)) {
		diag_add(conf_diag(conf), DIAG_ERROR, pos_of(s),
		    "server '%s/%s': 'proto' and 'ws' need 'mode http'", be->name, s->name);
		return -1;
	}
	if (finish_check(conf, be, s) < 0)
		return -1;
	return server_tls_finish(conf, s, be->tls_env, checks_speak_tls(s));
}

int backend_finish(struct conf *conf, struct backend *be, struct server *list)
{
	unsigned n = 0;
	int r = give_ids(conf, be, list);
	for (struct server *s = list; s; s = s->next)
		n++;
	if (n > SERVERS_MAX) {
		diag_add(conf_diag(conf), DIAG_ERROR, pos_of(list),
		    "backend '%s' has %u servers, more than the %u that are possible", be->name, n,
		    SERVERS_MAX);
		return -1;
	}
	be->httpchk = check_script_finish(conf, be->httpchk);
	if (!be->httpchk)
		return -1;
	list_init(&be->attached);
	be->servers = arena_array(conf_arena(conf), struct server *, n + 1);
	if (!be->servers)
		return -1;
	for (struct server *s = list; s; s = s->next) {
		s->idx = be->servers_n;
		be->servers[be->servers_n++] = s;
		if (finish_server(conf, be, s) < 0)
			r = -1;
	}
	fit_balance(conf, be, list);
	return r;
}

/* "[backend/]server". */
static struct server *find_tracked(
    struct conf *conf, struct backend *be, const struct upstream_dir *dir, const char *text)
{
	struct slice server = slice_str(text);
	struct slice name = slice_cut(&server, '/');
	if (!server.ptr)
		return backend_server(be, text);
	char *backend_name = arena_slice_dup(conf_arena(conf), name);
	struct backend *other = backend_name ? dir->find(dir->ctx, backend_name) : NULL;
	return other ? backend_server(other, server.ptr) : NULL;
}

static int link_server(
    struct conf *conf, struct backend *be, const struct upstream_dir *dir, struct server *s)
{
	struct server *t = find_tracked(conf, be, dir, s->track);
	if (!t) {
		diag_add(conf_diag(conf), DIAG_ERROR, pos_of(s),
		    "server '%s/%s': 'track' names server '%s', which does not exist", be->name,
		    s->name, s->track);
		return -1;
	}
	const struct server *end = t;
	unsigned depth = 0;
	while (end->track && end != s && depth++ < SERVERS_MAX) {
		const struct server *next = find_tracked(conf, end->be, dir, end->track);
		if (!next)
			break;
		end = next;
	}
	if (end == s || (end->track && depth >= SERVERS_MAX) || (!end->check && !end->track)) {
		diag_add(conf_diag(conf), DIAG_ERROR, pos_of(s),
		    end == s ? "server '%s/%s' tracks itself through '%s'"
			     : "server '%s/%s': 'track %s' ends at a server without health checks",
		    be->name, s->name, s->track);
		return -1;
	}
	s->tracked = t;
	s->next_tracker = t->trackers;
	t->trackers = s;
	return 0;
}

int backend_link(struct conf *conf, struct backend *be, const struct upstream_dir *dir)
{
	int r = 0;
	for (unsigned i = 0; i < be->servers_n; i++)
		if (be->servers[i]->track && link_server(conf, be, dir, be->servers[i]) < 0)
			r = -1;
	return r;
}
