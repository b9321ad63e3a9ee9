/* SPDX-License-Identifier: MIT */
/*
 * The life of a serving process: memory and descriptors, sockets while there are rights, then the jail and the
 * user, then the workers, and at the end everything is taken down in reverse, so that nothing leaks.
 */
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "cpu_map.h"
#include "modules.h"
#include "notify.h"
#include "privileges.h"
#include "program.h"
#include "weir/admin/cli.h"
#include "weir/mux/mux1.h"
#include "weir/proxy/commands.h"
#include "weir/proxy/log_targets.h"
#include "weir/tls/ticket_keys.h"
#include "weir/tls/transport.h"
#include "weir/upstream/idle.h"

#define BIND_TRIES    200
#define BIND_PAUSE_MS 10

static const struct conf_pos nowhere;

/* Workers begin through a function without an argument: the program that runs them. Set before they start. */
static struct program *running;

/* ---- sockets ---- */

static void tell_old(const struct program *p, int signal_number)
{
	for (size_t i = 0; i < p->args.old_pids_n; i++)
		kill(p->args.old_pids[i], signal_number);
}

static void sleep_ms(unsigned ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };
	nanosleep(&t, NULL);
}

/*
 * A port that an old process holds alone becomes free when that process pauses (SIGTTOU). When it stays taken
 * the old processes go on as if nothing had happened (SIGTTIN).
 */
static int open_listeners(struct program *p)
{
	for (unsigned tries = 1;; tries++) {
		struct diag *diag = diag_new();
		if (!diag)
			return -1;
		int r = listeners_open(&p->process, p->config, diag);
		bool last = r == 0 || !p->args.old_pids_n || tries == BIND_TRIES;
		if (r < 0 && last)
			diag_print(diag, DIAG_ERROR, stderr);
		diag_free(diag);
		if (r < 0 && last && tries > 1)
			tell_old(p, SIGTTIN);
		if (last)
			return r;
		if (tries == 1)
			tell_old(p, SIGTTOU);
		sleep_ms(BIND_PAUSE_MS);
	}
}

/* ---- the process object ---- */

static unsigned wanted_workers(const struct program *p)
{
	const struct global_conf *g = &p->config->global;
	unsigned n = g->nbthread ? g->nbthread : MIN(cpu_count(), (unsigned)WORKER_MAX);
	if (!g->thread_hard_limit || n <= g->thread_hard_limit)
		return n;
	if (g->nbthread)
		diag_add(p->diag, DIAG_WARNING, nowhere,
		    "'nbthread %u' is above 'thread-hard-limit %u', which counts", n,
		    g->thread_hard_limit);
	return g->thread_hard_limit;
}

static int make_process(struct program *p)
{
	struct process *process = &p->process;
	const struct global_conf *g = &p->config->global;
	unsigned workers = wanted_workers(p);
	process->config = p->config;
	process->diag = p->diag;
	process->start_wall_s = time(NULL);
	process->node = g->node ? g->node : p->node;
	process->program = "weir";
	process->counters = aligned_alloc(WEIR_CACHELINE, workers * sizeof(*process->counters));
	process->workers = worker_group_new(workers, g->maxpollevents);
	if (!process->counters || !process->workers)
		return -ENOMEM;
	memset(process->counters, 0, workers * sizeof(*process->counters));
	process->start_ms = worker_now_ms(worker_get(process->workers, 0));
	if (p->args.show_cpus)
		cpu_map_print(g, workers, stderr);
	return 0;
}

static int start_checks(struct program *p)
{
	struct worker *w = worker_get(p->process.workers, 0);
	for (struct proxy *px = p->config->proxies; px; px = px->next) {
		if (!(px->caps & PROXY_BE) || px->options & PR_O_DISABLED)
			continue;
		int r = checks_start(w, &px->be);
		if (r < 0)
			return r;
	}
	return 0;
}

static void stop_checks(struct program *p)
{
	for (struct proxy *px = p->config->proxies; px; px = px->next) {
		if (px->caps & PROXY_BE && px->be.rt)
			checks_stop(worker_get(p->process.workers, 0), &px->be);
	}
}

/* ---- workers ---- */

/* Everything that waits for this process may go on now. */
static void tell_ready(struct program *p)
{
	daemon_ready();
	notify("READY=1");
	if (p->ready_fd < 0)
		return;
	if (write(p->ready_fd, "", 1) < 0)
		perror("weir: telling the master");
	close(p->ready_fd);
	p->ready_fd = -1;
}

static int start_worker(struct program *p, struct worker *w)
{
	const struct global_conf *g = &p->config->global;
	unsigned count = worker_count(p->process.workers);
	unsigned buffers = (g->buffers_limit + count - 1) / count;
	const struct mux_setup mux = { .bufsize = g->bufsize,
		.maxrewrite = g->maxrewrite,
		.buffers_limit = buffers,
		.maxpipes = (p->pipes + count - 1) / count,
		.pipesize = g->pipesize };
	int r = mux_worker_start(w, &mux);
	if (r == 0)
		r = upstream_worker_start(w);
	if (r == 0)
		r = log_worker_start(w);
	if (r == 0)
		r = proxy_worker_start(w, &p->process);
	return r;
}

/* The state of all workers is there before any of their threads runs: they look at each other's. */
static int start_workers(struct program *p)
{
	int r = 0;
	for (unsigned i = 0; r == 0 && i < worker_count(p->process.workers); i++)
		r = start_worker(p, worker_get(p->process.workers, i));
	tls_log_open(&p->process);
	if (r == 0)
		r = signals_start(p, worker_get(p->process.workers, 0));
	if (r < 0)
		diag_add(p->diag, DIAG_ERROR, nowhere, "cannot start a thread: %s", strerror(-r));
	return r;
}

/* Those from files the next process reads there. */
static void leave_ticket_keys(const struct config *c)
{
	for (struct tls_keys_file *k = c->tls.keys; k; k = k->next)
		if (!k->file)
			tls_ticket_keys_leave(k->keys);
}

static void on_worker_start(struct worker *w)
{
	struct program *p = running;
	int r = cpu_map_apply(&p->config->global, w->id);
	if (r < 0)
		fprintf(stderr, "[WARNING]  (%d) : cpu-map of thread %u: %s\n", (int)getpid(),
		    w->id + 1, strerror(-r));
	tls_log_start(w);
	log_targets_start(w, p->config);
	listeners_start(w, p->config);
	if (w->id == 0) {
		p->process.ocsp = ocsp_updater_start(w, p->config);
		leave_ticket_keys(p->config);
		tell_ready(p);
	}
}

/* All workers have ended: their state is taken down from here. */
static void stop_workers(struct program *p)
{
	ocsp_updater_stop(p->process.ocsp);
	/* a stream that ends grants its slot to the next one, by mail that nobody would open */
	for (unsigned i = 0; i < worker_count(p->process.workers); i++)
		proxy_worker_end_streams(worker_get(p->process.workers, i));
	for (unsigned i = 0; i < worker_count(p->process.workers); i++)
		worker_run_mail(worker_get(p->process.workers, i));
	for (unsigned i = 0; i < worker_count(p->process.workers); i++) {
		struct worker *w = worker_get(p->process.workers, i);
		proxy_worker_stop(w);
	}
	log_targets_stop(&p->process, p->config);
	for (unsigned i = 0; i < worker_count(p->process.workers); i++) {
		struct worker *w = worker_get(p->process.workers, i);
		log_worker_stop(w);
		upstream_worker_stop(w);
		tls_worker_stop(w);
		mux_worker_stop(w);
	}
}

/* ---- the order of things ---- */

/* What needs rights, then no rights any more. */
static int become_ready(struct program *p)
{
	const struct global_conf *g = &p->config->global;
	if (program_limits(p) < 0)
		return -1;
	if (config_attach(p->process.workers, p->config, p->diag) < 0)
		return -1;
	if (log_targets_open(&p->process, p->config, p->diag) < 0)
		return -1;
	if (open_listeners(p) < 0 || admin_open(p) < 0)
		return -1;
	if (g->pidfile && p->ready_fd < 0) {
		int r = pidfile_write(g->pidfile);
		if (r < 0) {
			diag_add(p->diag, DIAG_ERROR, nowhere, "cannot write pidfile '%s': %s",
			    g->pidfile, strerror(-r));
			return -1;
		}
	}
	notify_start();
	if (privileges_jail(g, p->diag) < 0)
		return -1;
	/* last moment at which old processes of any user may be told, first one at which we cannot fail much */
	tell_old(p, p->args.old_signal);
	if (privileges_drop(g, p->diag) < 0)
		return -1;
	/* a worker does not outlive its master; a change of user forgets this, so it comes last */
	if (p->ready_fd >= 0)
		prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
	if (start_workers(p) < 0)
		return -1;
	return start_checks(p);
}

static void tear_down(struct program *p)
{
	struct process *process = &p->process;
	if (!process->workers) {
		config_unref(NULL, p->config);
		free(process->counters);
		return;
	}
	struct worker *w = worker_get(process->workers, 0);
	stop_checks(p);
	signals_stop(p, w);
	admin_close(p);
	/* connections first: they count down in their listeners */
	stop_workers(p);
	listeners_close(p->config);
	config_unref(w, p->config);
	worker_group_free(process->workers);
	error_store_done(&process->errors);
	free(process->counters);
}

int program_try(struct program *p)
{
	struct worker_group *one = worker_group_new(1, 1);
	int r = one ? config_attach(one, p->config, p->diag) : -ENOMEM;
	program_complain(p);
	config_unref(one ? worker_get(one, 0) : NULL, p->config);
	p->config = NULL;
	worker_group_free(one);
	return r < 0 ? -1 : 0;
}

static int exit_status(const struct program *p)
{
	/* whoever asked for a master is told which signal ended it */
	return p->exit_signal && p->args.master && p->ready_fd < 0 && !getenv(PROGRAM_READY_ENV)
		   ? 128 + p->exit_signal
		   : 0;
}

int program_serve(struct program *p)
{
	char **own_environment = environ;
	int status = 1;
	if (p->config->global.daemon && daemon_start() < 0) {
		perror("weir: fork");
		config_unref(NULL, p->config);
		return 1;
	}
	pool_set_failure_rate(p->config->global.fail_alloc);
	signals_init(p);
	if (make_process(p) < 0 || become_ready(p) < 0) {
		program_complain(p);
		goto out;
	}
	/* so that "show env" shows what the configuration made of it */
	if (p->environment)
		environ = p->environment;
	running = p;
	int r = worker_group_run(p->process.workers, on_worker_start);
	environ = own_environment;
	if (r < 0)
		fprintf(stderr, "[ALERT]    (%d) : cannot start a thread: %s\n", (int)getpid(),
		    strerror(-r));
	status = r < 0 ? 1 : exit_status(p);
out:
	tear_down(p);
	return status;
}
