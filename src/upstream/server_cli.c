/* SPDX-License-Identifier: MIT */
/*
 * Commands about servers (management manual 9.3): state, weight, health, address, limits. Worker 0. Their texts
 * are what scripts look for, so they keep the wording that operators know.
 */
#include <errno.h>

#include "server_cli.h"
#include "upstream_internal.h"
#include "weir/upstream/queue.h"

#define BY_COMMAND "by 'stats socket command'"

static const struct upstream_dir *dir; /* set once, before commands come */

void upstream_cli_set_dir(const struct upstream_dir *d)
{
	dir = d;
}

const struct upstream_dir *upstream_cli_dir(void)
{
	return dir;
}

/* Server by name or "#id". */
static struct server *server_named(struct backend *be, struct slice name)
{
	uint64_t id;
	bool by_id = name.len > 1 && name.ptr[0] == '#' &&
		     slice_to_u64(slice_sub(name, 1, name.len), UINT32_MAX, &id) == 0;
	for (unsigned i = 0; i < be->servers_n; i++) {
		struct server *s = be->servers[i];
		if (by_id ? s->id == id : slice_eq(slice_str(s->name), name))
			return s;
	}
	return NULL;
}

/* "backend/server"; NULL after telling what is wrong with it. */
static struct server *find_server(struct cli_call *call, const char *word)
{
	struct slice server = slice_str(word);
	struct slice backend = slice_cut(&server, '/');
	if (!server.ptr) {
		cli_err(call, "Require 'backend/server'.\n");
		return NULL;
	}
	char *name = slice_dup(backend);
	struct backend *be = name && dir ? dir->find(dir->ctx, name) : NULL;
	free(name);
	if (!be) {
		cli_err(call, "No such backend.\n");
		return NULL;
	}
	struct server *s = server_named(be, server);
	if (!s)
		cli_err(call, "No such server.\n");
	return s;
}

/* ---- administrative state ---- */

static void set_ready(struct cli_call *call, struct server *s)
{
	server_set_admin(call->worker, s, 0, SERVER_FMAINT | SERVER_FDRAIN);
}

static void set_maint(struct cli_call *call, struct server *s)
{
	server_set_admin(call->worker, s, SERVER_FMAINT, 0);
}

static void set_state(struct cli_call *call, struct server *s)
{
	const char *word = call->argv[4];
	if (strcmp(word, "ready") == 0)
		set_ready(call, s);
	else if (strcmp(word, "drain") == 0)
		server_set_admin(call->worker, s, SERVER_FDRAIN, SERVER_FMAINT);
	else if (strcmp(word, "maint") == 0)
		set_maint(call, s);
	else
		cli_err(call, "'set server <srv> state' expects 'ready', 'drain' and 'maint'.\n");
}

static void enable_server(struct cli_call *call)
{
	struct server *s = find_server(call, call->argv[2]);
	if (s)
		server_set_admin(call->worker, s, 0, SERVER_FMAINT);
}

static void disable_server(struct cli_call *call)
{
	struct server *s = find_server(call, call->argv[2]);
	if (s)
		set_maint(call, s);
}

/* ---- health ---- */

static void set_health(struct cli_call *call, struct server *s)
{
	static const struct {
		const char *word;
		enum server_oper to;
	} states[] = {
		{ "up", SERVER_RUNNING },
		{ "stopping", SERVER_STOPPING },
		{ "down", SERVER_STOPPED },
	};
	if (s->track) {
		cli_err(call, "cannot change health on a tracking server.\n");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		if (strcmp(call->argv[4], states[i].word) == 0) {
			check_force(call->worker, s, states[i].to);
			return;
		}
	}
	cli_err(call, "'set server <srv> health' expects 'up', 'stopping', or 'down'.\n");
}

static void pause_checks(struct server *s, bool paused)
{
	pthread_mutex_lock(&s->rt->lock);
	if (s->rt->check)
		s->rt->check->paused = paused;
	pthread_mutex_unlock(&s->rt->lock);
}

static void enable_health(struct cli_call *call)
{
	struct server *s = find_server(call, call->argv[2]);
	if (!s)
		return;
	if (!s->check)
		cli_err(call, "Health check was not configured on this server, cannot enable.\n");
	else
		pause_checks(s, false);
}

static void disable_health(struct cli_call *call)
{
	struct server *s = find_server(call, call->argv[2]);
	if (s)
		pause_checks(s, true);
}

/* ---- weight ---- */

static void change_weight(struct cli_call *call, struct server *s, const char *text)
{
	char err[160];
	if (server_set_weight(call->worker, s, text, err, sizeof(err)) < 0)
		cli_err(call, "%s\n", err);
}

static void set_weight(struct cli_call *call)
{
	struct server *s = find_server(call, call->argv[2]);
	if (s)
		change_weight(call, s, call->argv[3]);
}

static void set_server_weight(struct cli_call *call, struct server *s)
{
	change_weight(call, s, call->argv[4]);
}

static void get_weight(struct cli_call *call)
{
	struct server *s = find_server(call, call->argv[2]);
	if (!s)
		return;
	pthread_mutex_lock(&s->rt->lock);
	unsigned now = s->rt->uweight;
	pthread_mutex_unlock(&s->rt->lock);
	strbuf_addf(call->out, "%u (initial %u)\n", now, s->weight);
}

/* ---- address ---- */

/* What became of a new port: text for the answer, and whether it changes anything. */
struct port_change {
	enum net_port_mode mode;
	unsigned port;
	bool changes;
	char text[200];
};

static void read_port(
    const struct server *s, const struct server_dest *old, const char *word, struct port_change *c)
{
	bool mapped = *word == '+' || *word == '-';
	uint64_t value;
	struct slice digits = slice_str(word + (mapped ? 1 : 0));
	if (slice_to_u64(digits, 65535, &value) < 0) {
		bool range = slice_to_u64(digits, UINT64_MAX, &value) != -EINVAL;
		snprintf(c->text, sizeof(c->text),
		    range ? "provided port '%s' is out of range"
			  : "problem converting port '%s' to an int",
		    word);
		return;
	}
	c->mode = *word == '+' ? NET_PORT_PLUS : *word == '-' ? NET_PORT_MINUS : NET_PORT_FIXED;
	c->port = (unsigned)value;
	if (mapped && !(s->check && s->check->port)) {
		snprintf(c->text, sizeof(c->text),
		    "can't change <port> to port map because it is incompatible with current "
		    "health "
		    "check port configuration (use 'port' statement from the 'server' directive.");
		return;
	}
	c->changes = c->mode != old->port_mode || c->port != old->port;
	if (!c->changes)
		snprintf(c->text, sizeof(c->text), "no need to change the port");
	else
		snprintf(c->text, sizeof(c->text), "port changed from '%s%u' to '%s'",
		    old->port_mode == NET_PORT_PLUS    ? "+"
		    : old->port_mode == NET_PORT_MINUS ? "-"
						       : "",
		    old->port, word);
}

static void set_addr(struct cli_call *call, struct server *s)
{
	const struct server_dest *old = atomic_load(&s->rt->dest);
	struct net_addr addr;
	struct port_change port = { .mode = NET_PORT_NONE };
	char was[NET_ADDR_TEXT], is[NET_ADDR_TEXT];
	const char *word = call->argv[4];
	if (!*word) {
		cli_err(
		    call, "set server <b>/<s> addr requires an address and optionally a port.\n");
		return;
	}
	if (net_ip_parse(slice_str(word), &addr) < 0) {
		cli_err(call, "Invalid addr '%s' " BY_COMMAND "\n", word);
		return;
	}
	net_addr_text(&old->addr, was);
	net_addr_text(&addr, is);
	bool moves = strcmp(was, is) != 0;
	if (strcmp(call->argv[5], "port") == 0)
		read_port(s, old, call->argv[6], &port);
	if (moves || port.changes) {
		enum net_port_mode mode = port.changes ? port.mode : NET_PORT_NONE;
		if (server_set_addr(call->worker, s, &addr, mode, port.port) < 0) {
			cli_err(call, "out of memory\n");
			return;
		}
	}
	if (moves)
		cli_ok(call, "IP changed from '%s' to '%s'%s%s " BY_COMMAND "\n",
		    old->addr.len ? was : "(none)", is, *port.text ? ", " : "", port.text);
	else
		cli_ok(call, "no need to change the addr%s%s " BY_COMMAND "\n",
		    *port.text ? ", " : "", port.text);
}

static bool check_port(struct cli_call *call, const char *word, unsigned *ret)
{
	uint64_t v;
	int r = slice_to_u64(slice_str(word), 65535, &v);
	if (r == 0) {
		*ret = (unsigned)v;
		return true;
	}
	cli_err(call,
	    r == -EINVAL ? "provided port is not an integer\n" : "provided port is invalid\n");
	return false;
}

static bool has_check(struct cli_call *call, const struct server *s)
{
	if (!s->check)
		cli_err(call, "health checks are not enabled on this server\n");
	return s->check != NULL;
}

static void set_check_addr(struct cli_call *call, struct server *s)
{
	struct net_addr addr;
	unsigned port = 0;
	bool with_port = strcmp(call->argv[5], "port") == 0;
	if (!has_check(call, s))
		return;
	if (!*call->argv[4]) {
		cli_err(call,
		    "set server <b>/<s> check-addr requires an address and optionally a port.\n");
		return;
	}
	if (net_ip_parse(slice_str(call->argv[4]), &addr) < 0) {
		cli_err(call, "invalid addr '%s'\n", call->argv[4]);
		return;
	}
	if (with_port && !check_port(call, call->argv[6], &port))
		return;
	pthread_mutex_lock(&s->rt->lock);
	s->rt->check->addr = addr;
	if (with_port)
		s->rt->check->port = port;
	pthread_mutex_unlock(&s->rt->lock);
}

static void set_check_port(struct cli_call *call, struct server *s)
{
	unsigned port;
	if (!*call->argv[4]) {
		cli_err(call, "set server <b>/<s> check-port requires a port.\n");
		return;
	}
	if (!has_check(call, s) || !check_port(call, call->argv[4], &port))
		return;
	pthread_mutex_lock(&s->rt->lock);
	s->rt->check->port = port;
	pthread_mutex_unlock(&s->rt->lock);
}

/* ---- what this version refuses by name ---- */

static void refuse_agent(struct cli_call *call, struct server *s)
{
	(void)s;
	cli_err(call, "agent checks are not enabled on this server.\n");
}

static void refuse_fqdn(struct cli_call *call, struct server *s)
{
	(void)s;
	cli_err(call, "set server <b>/<s> fqdn failed because no resolution is configured.\n");
}

/* ---- "set server" ---- */

/* Checks go on as they were; new connections are as said, idle ones of the other kind are not taken any more. */
static void set_ssl(struct cli_call *call, struct server *s)
{
	const char *word = call->argv[4];
	bool on = strcmp(word, "on") == 0;
	if (!s->tls.prepared)
		cli_err(call,
		    "'set server <srv> ssl' cannot be set.  default-server should define ssl "
		    "settings\n");
	else if (!on && strcmp(word, "off") != 0)
		cli_err(call, "'set server <srv> ssl' expects 'on' or 'off'.\n");
	else {
		atomic_store(&s->rt->use_tls, on);
		cli_ok(call, "server ssl setting updated.\n");
	}
}

static const struct {
	const char *word;
	void (*run)(struct cli_call *call, struct server *s);
} server_settings[] = {
	{ "addr", set_addr },
	{ "agent", refuse_agent },
	{ "agent-addr", refuse_agent },
	{ "agent-port", refuse_agent },
	{ "agent-send", refuse_agent },
	{ "check-addr", set_check_addr },
	{ "check-port", set_check_port },
	{ "fqdn", refuse_fqdn },
	{ "health", set_health },
	{ "ssl", set_ssl },
	{ "state", set_state },
	{ "weight", set_server_weight },
};

static void set_server(struct cli_call *call)
{
	struct server *s = find_server(call, call->argv[2]);
	if (!s)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(server_settings); i++) {
		if (strcmp(call->argv[3], server_settings[i].word) == 0) {
			server_settings[i].run(call, s);
			return;
		}
	}
	cli_err(call,
	    "usage: set server <backend>/<server> addr | agent | agent-addr | agent-port | "
	    "agent-send | check-addr | check-port | fqdn | health | ssl | state | "
	    "weight\n");
}

/* ---- limits ---- */

static void set_maxconn(struct cli_call *call)
{
	struct server *s = find_server(call, call->argv[3]);
	int64_t v;
	if (!s)
		return;
	if (!*call->argv[4]) {
		cli_err(call, "Require <maxconn>.\n");
		return;
	}
	if (conf_parse_int(call->argv[4], &v) < 0 || v < 0 || v > INT32_MAX) {
		cli_err(call, "maxconn string empty or preceded by garbage\n");
		return;
	}
	atomic_store(&s->rt->maxconn, (unsigned)v);
	queue_kick(call->worker, s->be);
}

static void shutdown_sessions(struct cli_call *call)
{
	struct server *s = find_server(call, call->argv[3]);
	if (s)
		server_shut_sessions(call->worker, s, 'K');
}

const struct cli_command upstream_commands[] = {
	{ "disable health", CLI_ADMIN, disable_health, "<backend>/<server>", "stop health checks" },
	{ "disable server", CLI_ADMIN, disable_server, "<backend>/<server>", "force maintenance" },
	{ "enable health", CLI_ADMIN, enable_health, "<backend>/<server>",
	    "go on with health checks" },
	{ "enable server", CLI_ADMIN, enable_server, "<backend>/<server>", "leave maintenance" },
	{ "get weight", CLI_USER, get_weight, "<backend>/<server>", "present and initial weight" },
	{ "set maxconn server", CLI_ADMIN, set_maxconn, "<backend>/<server> <n>",
	    "change a server's limit" },
	{ "set server", CLI_ADMIN, set_server, "<backend>/<server> <setting> ...",
	    "change state, weight, address" },
	{ "set weight", CLI_ADMIN, set_weight, "<backend>/<server> <weight>[%]",
	    "change a server's weight" },
	{ "show servers conn", CLI_USER, server_cli_show_conn, "[<backend>]",
	    "connections per server" },
	{ "show servers state", CLI_USER, server_cli_show_state, "[<backend>]",
	    "states in the format of state files" },
	{ "shutdown sessions server", CLI_ADMIN, shutdown_sessions, "<backend>/<server>",
	    "end a server's sessions" },
	{ .name = NULL },
};
