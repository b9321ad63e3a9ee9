/* SPDX-License-Identifier: MIT */
/*
 * Keywords of the global section about what the process shows: logs, the admin socket, server states.
 */
#include <grp.h>
#include <pwd.h>

#include "conf_global.h"

/* ---- logs ---- */

static int add_log(const struct conf_call *call)
{
	struct global_conf *g = call->object;
	bool global = false;
	if (call->negation == CONF_NO) {
		g->logs.targets_n = 0;
		return 0;
	}
	return log_conf_parse(call->conf, call->line, call->arg, &g->logs, &global, true);
}

static int set_send_hostname(const struct conf_call *call)
{
	struct global_conf *g = call->object;
	g->log_send_hostname = true;
	if (call->arg >= call->line->argc)
		return 0;
	g->log_hostname = arena_strdup(conf_arena(call->conf), call->line->argv[call->arg]);
	if (g->log_hostname)
		return 0;
	conf_error(call->conf, call->line, -1, "out of memory");
	return -1;
}

/* ---- admin socket ---- */

/* An admin socket is a bind line without a proxy of the configuration. */
static int add_socket(const struct conf_call *call)
{
	struct global_conf *g = call->object;
	return bind_parse(call->conf, call->line, call->arg, NULL, &g->stats_sockets_last);
}

static int set_stats_timeout(const struct conf_call *call)
{
	struct global_conf *g = call->object;
	if (conf_time_ms(call->conf, call->line, call->arg, &g->stats_timeout_ms) < 0)
		return -1;
	if (g->stats_timeout_ms)
		return 0;
	conf_error(call->conf, call->line, call->arg, "'stats timeout' must be above zero");
	return -1;
}

/* ---- defaults of unix sockets ---- */

static int unix_prefix(const struct conf_option_call *call)
{
	struct global_conf *g = call->object;
	g->unix_bind_prefix = arena_strdup(conf_arena(call->conf), call->line->argv[call->arg]);
	return g->unix_bind_prefix ? 0 : -1;
}

static int unix_mode(const struct conf_option_call *call)
{
	struct global_conf *g = call->object;
	const char *text = call->line->argv[call->arg];
	char *end;
	unsigned long mode = strtoul(text, &end, 8);
	if (!*text || *end || mode > 07777) {
		conf_error(
		    call->conf, call->line, call->arg, "'%s' is no file mode in octal", text);
		return -1;
	}
	g->unix_bind_mode = (unsigned)mode;
	return 0;
}

static int unix_user(const struct conf_option_call *call)
{
	struct global_conf *g = call->object;
	const char *name = call->line->argv[call->arg];
	struct passwd *user = getpwnam(name);
	if (!user) {
		conf_error(call->conf, call->line, call->arg, "cannot find user '%s'", name);
		return -1;
	}
	g->unix_bind_uid = (int)user->pw_uid;
	return 0;
}

static int unix_group(const struct conf_option_call *call)
{
	struct global_conf *g = call->object;
	const char *name = call->line->argv[call->arg];
	struct group *group = getgrnam(name);
	if (!group) {
		conf_error(call->conf, call->line, call->arg, "cannot find group '%s'", name);
		return -1;
	}
	g->unix_bind_gid = (int)group->gr_gid;
	return 0;
}

/* data: offset of the number in struct global_conf */
static int unix_id(const struct conf_option_call *call)
{
	int64_t id;
	if (conf_int(call->conf, call->line, call->arg, 0, INT32_MAX, &id) < 0)
		return -1;
	*(int *)((char *)call->object + call->row->data) = (int)id;
	return 0;
}

static const struct conf_option unix_options[] = {
	{ "prefix", 1, unix_prefix, 0, "<prefix>", "what is put in front of paths", 0 },
	{ "mode", 1, unix_mode, 0, "<mode>", "file mode, octal", 0 },
	{ "user", 1, unix_user, 0, "<name>", "owner", 0 },
	{ "group", 1, unix_group, 0, "<name>", "group", 0 },
	{ "uid", 1, unix_id, GLOBAL_FIELD(unix_bind_uid), "<number>", "owner's number", 0 },
	{ "gid", 1, unix_id, GLOBAL_FIELD(unix_bind_gid), "<number>", "group's number", 0 },
	{ .name = NULL },
};
static const struct conf_option *const unix_option_tables[] = { unix_options, NULL };

static int set_unix_bind(const struct conf_call *call)
{
	return conf_options(call->conf, call->line, call->arg, unix_option_tables, call->object);
}

const struct conf_keyword global_stats_keywords[] = {
	{ "log", CONF_GLOBAL, CONF_MAY_NEGATE, 1, -1, add_log, 0,
	    "<target> [len <length>] [format <format>] [sample <ranges>:<size>] <facility> "
	    "[<max level> [<min level>]]",
	    "where log lines go" },
	{ "log-tag", CONF_GLOBAL, 0, 1, 1, global_set_text, GLOBAL_FIELD(log_tag), "<text>",
	    "program name in log lines" },
	{ "log-send-hostname", CONF_GLOBAL, 0, 0, 1, set_send_hostname, 0, "[<name>]",
	    "puts a host name into log lines" },
	{ "stats socket", CONF_GLOBAL, 0, 1, -1, add_socket, 0, "<address> [<option>]*",
	    "address of an admin socket, with options of 'bind'" },
	{ "stats timeout", CONF_GLOBAL, 0, 1, 1, set_stats_timeout, 0, "<time>",
	    "longest silence of an admin connection; default 10s" },
	{ "stats maxconn", CONF_GLOBAL, 0, 1, 1, global_set_number,
	    GLOBAL_NUMBER(stats_maxconn, 1, INT32_MAX), "<number>",
	    "most admin connections at a time; default 10" },
	{ "unix-bind", CONF_GLOBAL, 0, 1, -1, set_unix_bind, 0,
	    "[prefix <prefix>] [mode <mode>] [user <name>] [uid <number>] [group <name>] "
	    "[gid <number>]",
	    "defaults of unix sockets that follow" },
	{ .name = NULL },
};
