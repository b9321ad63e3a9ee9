/* SPDX-License-Identifier: MIT */
/*
 * Keywords of the global section about the process: daemon and master, threads, its identity (user, group,
 * chroot, names), and the environment that the lines behind see.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>

#include "conf_global.h"
#include "privileges.h"

/* ---- the process ---- */

static int set_master_worker(const struct conf_call *call)
{
	struct global_conf *g = call->object;
	const char *word = call->line->argv[call->arg];
	g->master_worker = call->negation != CONF_NO;
	if (!*word)
		return 0;
	if (strcmp(word, "no-exit-on-failure") != 0) {
		conf_error(call->conf, call->line, call->arg,
		    "'master-worker' takes 'no-exit-on-failure' only");
		return -1;
	}
	g->no_exit_on_failure = true;
	return 0;
}

static int set_thread_groups(const struct conf_call *call)
{
	int64_t n;
	if (conf_int(call->conf, call->line, call->arg, 1, 32, &n) < 0)
		return -1;
	if (n > 1)
		conf_notice(call->conf, call->line, call->arg,
		    "weir's threads share nothing and need no groups: there is always one");
	return 0;
}

static int allow_experimental(const struct conf_call *call)
{
	conf_allow_experimental(call->conf);
	return 0;
}

static int set_dumpable(const struct conf_call *call)
{
	static const char *const words[] = { "on", "off", "libs", NULL };
	struct global_conf *g = call->object;
	int word = call->negation == CONF_NO ? 1 : 0;
	if (call->arg < call->line->argc &&
	    conf_enum(call->conf, call->line, call->arg, words, &word) < 0)
		return -1;
	g->dumpable = word != 1;
	if (word == 2)
		conf_notice(call->conf, call->line, call->arg,
		    "libraries are not put into core files, the rest of 'libs' is done");
	return 0;
}

const struct conf_keyword global_process_keywords[] = {
	{ "daemon", CONF_GLOBAL, CONF_MAY_NEGATE, 0, 0, global_set_flag, GLOBAL_FIELD(daemon), "",
	    "runs in the background" },
	{ "master-worker", CONF_GLOBAL, CONF_MAY_NEGATE, 0, 1, set_master_worker, 0,
	    "[no-exit-on-failure]", "a master process watches over the worker process" },
	{ "mworker-max-reloads", CONF_GLOBAL, 0, 1, 1, global_set_number,
	    GLOBAL_NUMBER(mworker_max_reloads, 1, INT32_MAX), "<number>",
	    "workers that have outlived more reloads than that are stopped; default 50" },
	{ "nbthread", CONF_GLOBAL, 0, 1, 1, global_set_number,
	    GLOBAL_NUMBER(nbthread, 1, WORKER_MAX), "<number>",
	    "worker threads; as many as CPUs unless set" },
	{ "thread-hard-limit", CONF_GLOBAL, 0, 1, 1, global_set_number,
	    GLOBAL_NUMBER(thread_hard_limit, 1, INT32_MAX), "<number>",
	    "most worker threads, however the number came about" },
	{ "thread-groups", CONF_GLOBAL, 0, 1, 1, set_thread_groups, 0, "<number>",
	    "accepted: weir has one group" },
	{ "cpu-map", CONF_GLOBAL, 0, 2, -1, global_set_cpu_map, 0,
	    "[auto:]<group>[/<threads>] <cpus>...", "CPUs that worker threads may run on" },
	{ "pidfile", CONF_GLOBAL, 0, 1, 1, global_set_text, GLOBAL_FIELD(pidfile), "<file>",
	    "file that gets the process number; -p has precedence" },
	{ "quiet", CONF_GLOBAL, 0, 0, 0, global_set_flag, GLOBAL_FIELD(quiet), "",
	    "no messages at start, as -q" },
	{ "zero-warning", CONF_GLOBAL, CONF_MAY_NEGATE, 0, 0, global_set_flag,
	    GLOBAL_FIELD(zero_warning), "", "warnings are errors, as -dW" },
	{ "hard-stop-after", CONF_GLOBAL, 0, 1, 1, global_set_time,
	    GLOBAL_FIELD(hard_stop_after_ms), "<time>", "longest time that a soft stop may take" },
	{ "grace", CONF_GLOBAL, 0, 1, 1, global_set_time, GLOBAL_FIELD(grace_ms), "<time>",
	    "time between SIGUSR1 and the closing of listeners" },
	{ "set-dumpable", CONF_GLOBAL, CONF_MAY_NEGATE, 0, 1, set_dumpable, 0, "[on|off|libs]",
	    "core files although privileges were dropped" },
	{ "expose-experimental-directives", CONF_GLOBAL, 0, 0, 0, allow_experimental, 0, "",
	    "allows experimental keywords in what follows" },
	{ .name = NULL },
};

/* ---- identity ---- */

static int set_user(const struct conf_call *call)
{
	struct global_conf *g = call->object;
	const char *name = call->line->argv[call->arg];
	struct passwd *user = getpwnam(name);
	if (!user) {
		conf_error(call->conf, call->line, call->arg, "cannot find user '%s'", name);
		return -1;
	}
	g->uid = (int)user->pw_uid;
	return global_set_text(call);
}

static int set_group(const struct conf_call *call)
{
	struct global_conf *g = call->object;
	const char *name = call->line->argv[call->arg];
	struct group *group = getgrnam(name);
	if (!group) {
		conf_error(call->conf, call->line, call->arg, "cannot find group '%s'", name);
		return -1;
	}
	g->gid = (int)group->gr_gid;
	return global_set_text(call);
}

static int set_capabilities(const struct conf_call *call)
{
	const char *unknown;
	uint64_t mask;
	if (capabilities_parse(call->line->argv[call->arg], &mask, &unknown) < 0) {
		conf_error(call->conf, call->line, call->arg,
		    "unknown capability '%s'; supported are %s", unknown, capabilities_names);
		return -1;
	}
	return global_set_text(call);
}

/* Letters, digits, "-" and "_", as in host names. */
static int set_node(const struct conf_call *call)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_.";
	const char *name = call->line->argv[call->arg];
	if (!*name || name[strspn(name, allowed)]) {
		conf_error(call->conf, call->line, call->arg,
		    "'%s' is no node name: letters, digits, '-', '_' and '.' are allowed", name);
		return -1;
	}
	return global_set_text(call);
}

const struct conf_keyword global_identity_keywords[] = {
	{ "user", CONF_GLOBAL, 0, 1, 1, set_user, GLOBAL_FIELD(user_name), "<name>",
	    "user that the process becomes" },
	{ "group", CONF_GLOBAL, 0, 1, 1, set_group, GLOBAL_FIELD(group_name), "<name>",
	    "group that the process becomes" },
	{ "uid", CONF_GLOBAL, 0, 1, 1, global_set_number, GLOBAL_NUMBER(uid, 0, INT32_MAX),
	    "<number>", "user number that the process becomes" },
	{ "gid", CONF_GLOBAL, 0, 1, 1, global_set_number, GLOBAL_NUMBER(gid, 0, INT32_MAX),
	    "<number>", "group number that the process becomes" },
	{ "chroot", CONF_GLOBAL, 0, 1, 1, global_set_text, GLOBAL_FIELD(chroot), "<dir>|auto",
	    "directory that the process is locked into" },
	{ "setcap", CONF_GLOBAL, 0, 1, 1, set_capabilities, GLOBAL_FIELD(setcap),
	    "<name>[,<name>]*", "capabilities that are kept when the user changes" },
	{ "insecure-setuid-wanted", CONF_GLOBAL, CONF_MAY_NEGATE, 0, 0, global_set_flag,
	    GLOBAL_FIELD(insecure_setuid), "",
	    "programs with the setuid bit may gain rights again" },
	{ "node", CONF_GLOBAL, 0, 1, 1, set_node, GLOBAL_FIELD(node), "<name>",
	    "name of this instance in statistics; the host's unless set" },
	{ "description", CONF_GLOBAL, 0, 1, -1, global_set_words, GLOBAL_FIELD(description),
	    "<text>", "text about this instance in statistics" },
	{ "localpeer", CONF_GLOBAL, 0, 1, 1, global_set_text, GLOBAL_FIELD(localpeer), "<name>",
	    "name of the local peer; the host's unless set" },
	{ .name = NULL },
};

/* ---- environment ---- */

static int set_env(const struct conf_call *call)
{
	const char *name = call->line->argv[call->arg];
	const char *value = call->line->argv[call->arg + 1];
	int r = call->row->data ? conf_presetenv(call->conf, name, value)
				: conf_setenv(call->conf, name, value);
	if (r == 0)
		return 0;
	conf_error(
	    call->conf, call->line, call->arg, "cannot set variable '%s': %s", name, strerror(-r));
	return -1;
}

static int unset_env(const struct conf_call *call)
{
	for (int i = call->arg; i < call->line->argc; i++)
		conf_unsetenv(call->conf, call->line->argv[i]);
	return 0;
}

static int reset_env(const struct conf_call *call)
{
	conf_resetenv(call->conf, (const char *const *)call->line->argv + call->arg,
	    (size_t)(call->line->argc - call->arg));
	return 0;
}

const struct conf_keyword global_environment_keywords[] = {
	{ "setenv", CONF_GLOBAL, 0, 2, 2, set_env, 0, "<name> <value>",
	    "sets an environment variable for the lines that follow" },
	{ "presetenv", CONF_GLOBAL, 0, 2, 2, set_env, 1, "<name> <value>",
	    "the same, unless the variable exists" },
	{ "unsetenv", CONF_GLOBAL, 0, 0, -1, unset_env, 0, "[<name>]*",
	    "removes environment variables" },
	{ "resetenv", CONF_GLOBAL, 0, 0, -1, reset_env, 0, "[<name>]*",
	    "removes all environment variables but these" },
	{ .name = NULL },
};
