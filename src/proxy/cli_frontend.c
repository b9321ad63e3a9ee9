/* SPDX-License-Identifier: MIT */
/*
 * Commands that list proxies and change the state and limits of proxies and of the process. Worker 0; the
 * listeners of the other workers follow by mail (listener.c).
 */
#include "cli_proxy.h"

/* ---- states ---- */

static enum proxy_state state_of(const struct proxy *fe)
{
	return (enum proxy_state)atomic_load(&fe->rt->state);
}

static void run_disable_frontend(struct cli_call *call)
{
	struct proxy *fe = cli_find_frontend(call, call->argv[2]);
	if (!fe)
		return;
	if (state_of(fe) == PROXY_STOPPED)
		cli_err(call, "Frontend was previously shut down, cannot disable.\n");
	else if (state_of(fe) == PROXY_PAUSED)
		cli_err(call, "All sockets are already disabled.\n");
	else
		frontend_pause(call->worker, fe);
}

static void run_enable_frontend(struct cli_call *call)
{
	struct proxy *fe = cli_find_frontend(call, call->argv[2]);
	if (!fe)
		return;
	if (state_of(fe) == PROXY_STOPPED)
		cli_err(call, "Frontend was previously shut down, cannot enable.\n");
	else if (state_of(fe) == PROXY_RUNNING)
		cli_err(call, "All sockets are already enabled.\n");
	else if (frontend_resume(call->worker, fe) < 0)
		cli_err(call, "Failed to resume frontend, check logs for precise cause.\n");
}

static void run_shutdown_frontend(struct cli_call *call)
{
	struct proxy *fe = cli_find_frontend(call, call->argv[2]);
	if (!fe)
		return;
	if (state_of(fe) == PROXY_STOPPED)
		cli_err(call, "Frontend was already shut down.\n");
	else
		frontend_shutdown(call->worker, fe);
}

static void set_unpublished(struct cli_call *call, bool value)
{
	const char *name = call->argv[2];
	struct proxy *be = NULL;
	if (!*name) {
		cli_err(call, "A backend name is expected.\n");
		return;
	}
	be = config_proxy(cli_process(call)->config, name, PROXY_BE);
	if (!be)
		cli_err(call, "No such backend.\n");
	else
		atomic_store(&be->unpublished, value);
}

static void run_publish(struct cli_call *call)
{
	set_unpublished(call, false);
}

static void run_unpublish(struct cli_call *call)
{
	set_unpublished(call, true);
}

/* ---- limits ---- */

static bool parse_number(struct cli_call *call, const char *word, unsigned *ret)
{
	uint64_t value;
	if (!*word) {
		cli_err(call, "Expects an integer value.\n");
		return false;
	}
	if (slice_to_u64(slice_str(word), INT32_MAX, &value) < 0) {
		cli_err(call, "Value out of range.\n");
		return false;
	}
	*ret = (unsigned)value;
	return true;
}

static void run_set_maxconn_frontend(struct cli_call *call)
{
	struct proxy *fe = cli_find_frontend(call, call->argv[3]);
	unsigned value;
	if (!fe || !parse_number(call, call->argv[4], &value))
		return;
	atomic_store(&fe->rt->maxconn, value);
	listeners_wake(call->worker);
}

/* Up to what it was at start, for descriptors were reserved for that; 0 goes back to it. */
static void run_set_maxconn_global(struct cli_call *call)
{
	struct process *p = cli_process(call);
	unsigned value;
	if (!parse_number(call, call->argv[3], &value))
		return;
	if (!p->hard_maxconn)
		p->hard_maxconn = atomic_load(&p->maxconn);
	if (value > p->hard_maxconn) {
		cli_err(call, "Value out of range.\n");
		return;
	}
	atomic_store(&p->maxconn, value ? value : p->hard_maxconn);
	listeners_wake(call->worker);
}

static void run_set_rate_limit(struct cli_call *call)
{
	static const char *const known[] = { "connections", "sessions", "ssl-sessions",
		"http-compression" };
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (strcmp(call->argv[2], known[i]) == 0 && strcmp(call->argv[3], "global") == 0) {
			cli_err(call,
			    "'set rate-limit %s global' is not supported by this version; "
			    "use 'rate-limit sessions' in frontends.\n",
			    known[i]);
			return;
		}
	}
	cli_err(call, "'set rate-limit' expects connections, sessions, ssl-sessions or "
		      "http-compression, 'global' and a value.\n");
}

/* ---- lists ---- */

static void run_show_backend(struct cli_call *call)
{
	strbuf_adds(call->out, "# name\n");
	for (const struct proxy *px = cli_process(call)->config->proxies; px; px = px->next) {
		if (px->caps & PROXY_BE)
			strbuf_addf(call->out, "%s\n", px->name);
	}
}

const struct cli_command proxy_frontend_commands[] = {
	{ "disable frontend", CLI_ADMIN, run_disable_frontend, "<frontend>",
	    "stop accepting connections, until enabled again" },
	{ "enable frontend", CLI_ADMIN, run_enable_frontend, "<frontend>",
	    "accept connections again" },
	{ "publish backend", CLI_OPERATOR, run_publish, "<backend>",
	    "let rules switch to a backend again" },
	{ "set maxconn frontend", CLI_ADMIN, run_set_maxconn_frontend, "<frontend> <value>",
	    "change a frontend's limit of connections" },
	{ "set maxconn global", CLI_ADMIN, run_set_maxconn_global, "<value>",
	    "change the process's limit of connections" },
	{ "set rate-limit", CLI_ADMIN, run_set_rate_limit, "<setting> global <value>",
	    "change a rate limit of the process" },
	{ "show backend", CLI_USER, run_show_backend, NULL, "list the backends" },
	{ "shutdown frontend", CLI_ADMIN, run_shutdown_frontend, "<frontend>",
	    "close a frontend's listeners for good" },
	{ "unpublish backend", CLI_OPERATOR, run_unpublish, "<backend>",
	    "let rules pass over a backend; its checks go on" },
	{ .name = NULL },
};
