/* SPDX-License-Identifier: MIT */
/*
 * What commands look things up with: proxies and servers by the words of an operator. The directory that the
 * commands of the upstream module use is the process's, hence file-static, and follows its present
 * configuration. Worker 0.
 */
#include "cli_proxy.h"

#include "cli_session.h"
#include "weir/upstream/upstream_cli.h"

struct proxy *cli_find_frontend(struct cli_call *call, const char *name)
{
	struct proxy *fe = NULL;
	if (!*name) {
		cli_err(call, "A frontend name is expected.\n");
		return NULL;
	}
	fe = config_proxy(cli_process(call)->config, name, PROXY_FE);
	if (!fe || !fe->rt) {
		cli_err(call, "No such frontend.\n");
		return NULL;
	}
	return fe;
}

struct server *cli_find_server(struct cli_call *call, const char *word)
{
	char name[256];
	const char *slash = strchr(word, '/');
	if (!slash || (size_t)(slash - word) >= sizeof(name)) {
		cli_err(call, "Require 'backend/server'.\n");
		return NULL;
	}
	snprintf(name, sizeof(name), "%.*s", (int)(slash - word), word);
	const struct proxy *be = config_proxy(cli_process(call)->config, name, PROXY_BE);
	struct server *s = be && be->be.rt ? backend_server(&be->be, slash + 1) : NULL;
	if (!s)
		cli_err(call, "No such server.\n");
	return s;
}

/* ---- for the upstream module ---- */

static struct upstream_dir directory;

static bool is_backend(const struct proxy *px)
{
	return (px->caps & PROXY_BE) && px->be.rt;
}

static struct backend *find_backend(void *ctx, const char *name)
{
	const struct process *p = ctx;
	struct proxy *px = config_proxy(p->config, name, PROXY_BE);
	return px && is_backend(px) ? &px->be : NULL;
}

static struct backend *next_backend(void *ctx, struct backend *prev)
{
	const struct process *p = ctx;
	struct proxy *px = prev ? container_of(prev, struct proxy, be)->next : p->config->proxies;
	while (px && !is_backend(px))
		px = px->next;
	return px ? &px->be : NULL;
}

void proxy_commands_init(struct process *p)
{
	directory = (struct upstream_dir){ .find = find_backend, .next = next_backend, .ctx = p };
	upstream_cli_set_dir(&directory);
	server_set_shut_hook(sessions_shut);
}
