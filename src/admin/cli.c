/* SPDX-License-Identifier: MIT */
/*
 * The admin socket's listeners and the life of struct cli. While "stats maxconn" connections are open, or
 * descriptors are short, listeners are taken off the loop and new clients wait in the kernel's backlog. Worker
 * 0 only.
 */
#include "weir/admin/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli_impl.h"

#define ACCEPT_BATCH	16
#define ACCEPT_RETRY_MS 100
#define MAXCONN_DEFAULT 10
#define PAYLOAD_DEFAULT (128 * 1024)

static void on_accept(struct worker *w, struct io *io, uint32_t events);

static void pause_accepting(struct cli *cli)
{
	if (!cli->accepting)
		return;
	cli->accepting = false;
	list_for_each_entry (l, &cli->listeners, struct cli_listener, link)
		io_del(cli->setup.worker, &l->io);
}

static void resume_accepting(struct cli *cli)
{
	if (cli->accepting || cli->conns_n >= cli->setup.maxconn)
		return;
	cli->accepting = true;
	list_for_each_entry (l, &cli->listeners, struct cli_listener, link) {
		if (io_add_level(cli->setup.worker, &l->io, l->fd, on_accept) < 0)
			worker_timer_arm(cli->setup.worker, &cli->retry, ACCEPT_RETRY_MS);
	}
}

static void on_retry(struct worker *w, struct timer *t)
{
	struct cli *cli = container_of(t, struct cli, retry);
	(void)w;
	pause_accepting(cli);
	resume_accepting(cli);
}

static void on_accept(struct worker *w, struct io *io, uint32_t events)
{
	struct cli_listener *l = container_of(io, struct cli_listener, io);
	struct cli *cli = l->cli;
	(void)events;
	for (unsigned i = 0; i < ACCEPT_BATCH && cli->accepting; i++) {
		int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd < 0 && errno == EAGAIN)
			return;
		if (fd < 0) {
			pause_accepting(cli);
			worker_timer_arm(w, &cli->retry, ACCEPT_RETRY_MS);
			return;
		}
		if (cli_conn_start(cli, fd, &l->opts, true) < 0)
			close(fd);
		if (cli->conns_n >= cli->setup.maxconn)
			pause_accepting(cli);
	}
}

void cli_conn_gone(struct cli *cli, struct cli_conn *c)
{
	if (!c->counted)
		return;
	cli->conns_n--;
	if (!timer_is_armed(&cli->retry))
		resume_accepting(cli);
}

struct cli *cli_new(const struct cli_setup *setup)
{
	struct cli *cli = calloc(1, sizeof(*cli));
	if (!cli)
		return NULL;
	cli->setup = *setup;
	if (cli->setup.maxconn == 0)
		cli->setup.maxconn = MAXCONN_DEFAULT;
	if (cli->setup.max_payload == 0)
		cli->setup.max_payload = PAYLOAD_DEFAULT;
	cli->start_ms = worker_now_ms(setup->worker);
	cli->accepting = true;
	list_init(&cli->listeners);
	list_init(&cli->conns);
	timer_init(&cli->retry, on_retry);
	if (cli_rows_collect(cli) < 0) {
		cli_free(cli);
		return NULL;
	}
	return cli;
}

void cli_stop_listening(struct cli *cli)
{
	worker_timer_cancel(cli->setup.worker, &cli->retry);
	list_for_each_entry_safe (l, &cli->listeners, struct cli_listener, link) {
		list_del(&l->link);
		io_del(cli->setup.worker, &l->io);
		close(l->fd);
		free(l);
	}
}

void cli_free(struct cli *cli)
{
	if (!cli)
		return;
	cli_stop_listening(cli);
	list_for_each_entry_safe (c, &cli->conns, struct cli_conn, link)
		cli_conn_free(c);
	free(cli->rows);
	free(cli);
}

static int set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

int cli_listen(struct cli *cli, int fd, const struct cli_listen_opts *opts)
{
	struct cli_listener *l;
	int r = set_nonblocking(fd);
	if (r < 0)
		return r;
	l = malloc(sizeof(*l));
	if (!l)
		return -ENOMEM;
	*l = (struct cli_listener){
		.io = { .fd = -1 },
		.cli = cli,
		.fd = fd,
		.opts = *opts,
	};
	if (cli->accepting) {
		r = io_add_level(cli->setup.worker, &l->io, fd, on_accept);
		if (r < 0) {
			free(l);
			return r;
		}
	}
	list_add_tail(&cli->listeners, &l->link);
	return 0;
}

int cli_adopt(struct cli *cli, int fd, enum cli_level level)
{
	int r = set_nonblocking(fd);
	if (r < 0)
		return r;
	struct cli_listen_opts opts = { .level = level, .severity = CLI_SEVERITY_NONE };
	return cli_conn_start(cli, fd, &opts, false);
}
