/* SPDX-License-Identifier: MIT */
/*
 * The admin socket of a process: all command tables, and the addresses of "stats socket" lines. Runs on worker 0.
 */
#include <unistd.h>

#include "modules.h"
#include "program.h"
#include "weir/admin/cli.h"
#include "weir/proxy/commands.h"
#include "weir/tls/bind.h"
#include "weir/tls/transport.h"
#include "weir/upstream/upstream_cli.h"

/* ---- how commands about servers find backends: in the present configuration ---- */

static struct backend *find_backend(void *ctx, const char *name)
{
	struct process *process = ctx;
	struct proxy *px = config_proxy(process->config, name, PROXY_BE);
	return px ? &px->be : NULL;
}

static struct backend *next_backend(void *ctx, struct backend *prev)
{
	struct process *process = ctx;
	struct proxy *px =
	    prev ? container_of(prev, struct proxy, be)->next : process->config->proxies;
	while (px && !(px->caps & PROXY_BE))
		px = px->next;
	return px ? &px->be : NULL;
}

/* ---- sockets ---- */

static int secure(struct conn *c, void *arg)
{
	return tls_accept(c, tls_bind_ctx(arg), &(struct tls_accept_opts){ .tune = NULL });
}

static int open_socket(struct program *p, const struct bind_conf *b)
{
	char err[256] = "";
	int fd = b->fd >= 0 ? net_listen_fd(b->fd, &b->listen, err, sizeof(err))
			    : net_listen(&b->addr, &b->listen, err, sizeof(err));
	if (fd < 0) {
		diag_add(p->diag, DIAG_ERROR, b->pos, "stats socket: %s", err);
		return -1;
	}
	int r = cli_listen(p->process.cli, fd,
	    &(struct cli_listen_opts){ .level = b->cli_level,
		.severity = b->cli_severity,
		.secure = b->tls ? secure : NULL,
		.arg = b->tls });
	if (r < 0) {
		diag_add(p->diag, DIAG_ERROR, b->pos, "stats socket: %s", strerror(-r));
		close(fd);
	}
	return r;
}

int admin_open(struct program *p)
{
	const struct global_conf *g = &p->config->global;
	int result = 0;
	p->dir =
	    (struct upstream_dir){ .find = find_backend, .next = next_backend, .ctx = &p->process };
	upstream_cli_set_dir(&p->dir);
	proxy_commands_init(&p->process);
	p->process.cli = cli_new(&(struct cli_setup){
	    .tables = module_commands,
	    .user = &p->process,
	    .worker = worker_get(p->process.workers, 0),
	    .maxconn = g->stats_maxconn,
	    .timeout_ms = g->stats_timeout_ms,
	    .max_payload = g->cli_payload,
	    .pid = (uint32_t)getpid(),
	});
	if (!p->process.cli)
		return -1;
	for (const struct bind_conf *b = g->stats_sockets; b; b = b->next) {
		if (open_socket(p, b) < 0)
			result = -1;
	}
	return result;
}

void admin_close(struct program *p)
{
	cli_free(p->process.cli);
	p->process.cli = NULL;
}
