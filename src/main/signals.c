/* SPDX-License-Identifier: MIT */
/*
 * Signals of a serving process (management manual 4), read from a signalfd by worker 0, so that handlers are
 * ordinary code. All threads keep them blocked.
 */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "notify.h"
#include "program.h"
#include "weir/admin/cli.h"

#define DRAIN_POLL_MS 20

static const int handled[] = { SIGTERM, SIGINT, SIGUSR1, SIGUSR2, SIGHUP, SIGTTOU, SIGTTIN, SIGQUIT,
	SIGCHLD };

static void fill(sigset_t *set)
{
	sigemptyset(set);
	for (size_t i = 0; i < ARRAY_SIZE(handled); i++)
		sigaddset(set, handled[i]);
}

void signals_block(void)
{
	sigset_t set;
	fill(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

void signals_unblock(void)
{
	sigset_t set;
	fill(&set);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	signal(SIGPIPE, SIG_DFL);
}

/* ---- stopping ---- */

static void on_drain(struct worker *w, struct timer *t)
{
	struct program *p = container_of(t, struct program, drain_timer);
	if (!atomic_load(&p->process.jobs) && !atomic_load(&p->process.conns)) {
		worker_group_stop(p->process.workers);
		return;
	}
	worker_timer_arm(w, t, DRAIN_POLL_MS);
}

static void stop_softly(struct worker *w, struct program *p)
{
	process_soft_stop(w, &p->process);
	if (p->process.cli)
		cli_stop_listening(p->process.cli);
	worker_timer_arm(w, &p->drain_timer, 0);
}

static void on_grace_over(struct worker *w, struct timer *t)
{
	stop_softly(w, container_of(t, struct program, grace_timer));
}

static void on_hard_stop(struct worker *w, struct timer *t)
{
	struct program *p = container_of(t, struct program, hard_timer);
	log_emitf(w, &p->config->global.logs, LOG_LV_WARNING,
	    "soft-stop running for too long, performing a hard-stop.");
	worker_group_stop(p->process.workers);
}

static void begin_soft_stop(struct worker *w, struct program *p)
{
	const struct global_conf *g = &p->config->global;
	if (timer_is_armed(&p->grace_timer) || timer_is_armed(&p->drain_timer))
		return;
	notify("STOPPING=1");
	atomic_store(&p->process.stopping, true);
	if (g->hard_stop_after_ms)
		worker_timer_arm(w, &p->hard_timer, g->hard_stop_after_ms + g->grace_ms);
	if (g->grace_ms)
		worker_timer_arm(w, &p->grace_timer, g->grace_ms);
	else
		stop_softly(w, p);
}

static void stop_now(struct program *p, int signal_number)
{
	notify("STOPPING=1");
	p->exit_signal = signal_number;
	worker_group_stop(p->process.workers);
}

/* ---- pausing, for a new process that wants our ports ---- */

static void set_listening(struct worker *w, struct program *p, bool listening)
{
	for (struct proxy *px = p->config->proxies; px; px = px->next) {
		if (!(px->caps & PROXY_FE) || (px->options & PR_O_DISABLED))
			continue;
		if (listening)
			frontend_resume(w, px);
		else
			frontend_pause(w, px);
	}
	log_emitf(w, &p->config->global.logs, LOG_LV_WARNING, "%s all proxies.",
	    listening ? "Resumed" : "Paused");
}

/* ---- SIGHUP ---- */

static void dump_backend(struct worker *w, const struct proxy *px)
{
	unsigned usable = atomic_load(&px->be.rt->usable_servers);
	for (unsigned i = 0; i < px->be.servers_n; i++) {
		const struct server *s = px->be.servers[i];
		log_emitf(w, &px->logs, LOG_LV_NOTICE,
		    "SIGHUP: Server %s/%s is %s. Conn: %u act, %u load.", px->name, s->name,
		    server_is_usable(s) ? "UP" : "DOWN", atomic_load(&s->rt->served),
		    server_load(s));
	}
	log_emitf(w, &px->logs, LOG_LV_NOTICE, "SIGHUP: Backend %s has %u usable servers of %u.",
	    px->name, usable, px->be.servers_n);
}

static void dump_states(struct worker *w, struct program *p)
{
	for (struct proxy *px = p->config->proxies; px; px = px->next) {
		if (px->options & PR_O_DISABLED)
			continue;
		if (px->caps & PROXY_FE)
			log_emitf(w, &px->logs, LOG_LV_NOTICE,
			    "SIGHUP: Frontend %s has %u connections.", px->name,
			    atomic_load(&px->rt->fe_conns));
		if (px->caps & PROXY_BE)
			dump_backend(w, px);
	}
}

/* ---- delivery ---- */

static void handle(struct worker *w, struct program *p, int signal_number)
{
	switch (signal_number) {
	case SIGTERM:
	case SIGINT:
		stop_now(p, signal_number);
		break;
	case SIGUSR1:
		begin_soft_stop(w, p);
		break;
	case SIGHUP:
		dump_states(w, p);
		break;
	case SIGTTOU:
		set_listening(w, p, false);
		break;
	case SIGTTIN:
		set_listening(w, p, true);
		break;
	case SIGQUIT:
		malloc_trim(0);
		break;
	default: /* SIGUSR2 means something to a master only */
		break;
	}
}

static void on_signal(struct worker *w, struct io *io, uint32_t events)
{
	struct program *p = container_of(io, struct program, signal_io);
	struct signalfd_siginfo info;
	while (io->fd >= 0 && read(io->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		handle(w, p, (int)info.ssi_signo);
}

void signals_init(struct program *p)
{
	timer_init(&p->grace_timer, on_grace_over);
	timer_init(&p->drain_timer, on_drain);
	timer_init(&p->hard_timer, on_hard_stop);
	signals_block();
}

int signals_start(struct program *p, struct worker *w)
{
	sigset_t set;
	fill(&set);
	int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	int r = io_add_level(w, &p->signal_io, fd, on_signal);
	if (r < 0)
		close(fd);
	return r;
}

void signals_stop(struct program *p, struct worker *w)
{
	io_close(w, &p->signal_io);
	worker_timer_cancel(w, &p->grace_timer);
	worker_timer_cancel(w, &p->drain_timer);
	worker_timer_cancel(w, &p->hard_timer);
}
