/* SPDX-License-Identifier: MIT */
/*
 * The master (-W): one process that starts a worker process, hands signals on, and replaces the worker in a
 * reload. It keeps nothing of the configuration: workers are this program run again, so that a reload takes a
 * new binary too, and the master stays small and without state that could go wrong.
 *
 * A reload (SIGUSR2, SIGHUP): a new worker starts and lets the old ones finish (as -sf does) once it serves.
 * Until it says so the old one is current; a file that is bad, which it finds before it touches anything, or a
 * worker that cannot start changes nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "notify.h"
#include "program.h"
#include "weir/tls/ticket_keys.h"

#define MAX_RELOADS_DEFAULT 50

struct worker_process {
	struct list link;
	pid_t pid;
	unsigned reloads; /* that it has outlived */
};

struct master {
	struct program *program;
	char exe[4096];
	struct list workers; /* newest first */
	pid_t current;	     /* serves; 0: none */
	pid_t starting;	     /* has not said that it serves; 0: none */
	int ready_fd;	     /* of the starting one, or -1 */
	int keep_fd;	     /* memory that workers leave to the next one, or -1 */
	unsigned max_reloads;
	bool quiet, keep_on; /* keep_on: master-worker no-exit-on-failure */
	bool reload_again;   /* asked for during a reload */
	bool first;	     /* no worker has served yet */
	int stop_signal;     /* being stopped by; 0: no */
	bool leaving;	     /* ends with its last worker */
	int status;
};

static void say(const struct master *m, const char *level, const char *fmt, ...) WEIR_PRINTF(3, 4);
static void say(const struct master *m, const char *level, const char *fmt, ...)
{
	va_list ap;
	if (m->quiet && strcmp(level, "[ALERT]") != 0)
		return;
	fprintf(stderr, "%-10s (%d) : ", level, (int)getpid());
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

/* ---- children ---- */

static void signal_all(const struct master *m, int signal_number)
{
	list_for_each_entry_safe (wp, &m->workers, struct worker_process, link)
		kill(wp->pid, signal_number);
}

static struct worker_process *find_worker(const struct master *m, pid_t pid)
{
	list_for_each_entry_safe (wp, &m->workers, struct worker_process, link) {
		if (wp->pid == pid)
			return wp;
	}
	return NULL;
}

/* The numbers of all workers with a space between, for the one that replaces them. */
static void tell_of_old(const struct master *m)
{
	struct strbuf pids = STRBUF_INIT;
	list_for_each_entry_safe (wp, &m->workers, struct worker_process, link)
		strbuf_addf(&pids, "%s%d", pids.len ? " " : "", (int)wp->pid);
	if (!m->first)
		setenv(PROGRAM_OLD_ENV, strbuf_str(&pids), 1);
	strbuf_done(&pids);
}

static void exec_worker(const struct master *m, int ready_fd)
{
	char number[16];
	snprintf(number, sizeof(number), "%d", ready_fd);
	setenv(PROGRAM_READY_ENV, number, 1);
	if (m->keep_fd >= 0) {
		snprintf(number, sizeof(number), "%d", m->keep_fd);
		setenv(PROGRAM_KEEP_ENV, number, 1);
		fcntl(m->keep_fd, F_SETFD, 0);
	}
	tell_of_old(m);
	notify_stop();
	signals_unblock();
	execv(m->exe, m->program->argv);
	perror("weir: exec");
	_exit(1);
}

static int start_worker(struct master *m)
{
	int fds[2];
	struct worker_process *wp = calloc(1, sizeof(*wp));
	if (!wp || pipe2(fds, O_CLOEXEC) < 0) {
		free(wp);
		return -1;
	}
	pid_t pid = fork();
	if (pid == 0) {
		fcntl(fds[1], F_SETFD, 0);
		exec_worker(m, fds[1]);
	}
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		free(wp);
		return -1;
	}
	wp->pid = pid;
	list_init(&wp->link);
	list_add_head(&m->workers, &wp->link);
	m->starting = pid;
	m->ready_fd = fds[0];
	say(m, "[NOTICE]", "New worker (%d) forked", (int)pid);
	return 0;
}

/* ---- reload ---- */

static void end_reload(struct master *m)
{
	notify("READY=1");
	if (m->reload_again) {
		m->reload_again = false;
		kill(getpid(), SIGUSR2);
	}
}

static void begin_reload(struct master *m)
{
	if (m->leaving)
		return;
	if (m->starting) {
		m->reload_again = true;
		return;
	}
	say(m, "[NOTICE]", "Reloading weir");
	notify_reloading();
	if (start_worker(m) == 0)
		return;
	say(m, "[ALERT]", "reload failed: %s", strerror(errno));
	end_reload(m);
}

/* Workers that hang on to old connections are not kept for ever. */
static void count_reload(struct master *m)
{
	list_for_each_entry_safe (wp, &m->workers, struct worker_process, link) {
		if (wp->pid == m->current || ++wp->reloads <= m->max_reloads)
			continue;
		say(m, "[WARNING]", "worker (%d) has outlived %u reloads, stopping it",
		    (int)wp->pid, m->max_reloads);
		kill(wp->pid, SIGTERM);
	}
}

/* The starting worker serves, or has closed the pipe without a word. */
static void on_ready(struct master *m)
{
	char byte;
	ssize_t n = read(m->ready_fd, &byte, 1);
	if (n < 0 && errno == EINTR)
		return;
	close(m->ready_fd);
	m->ready_fd = -1;
	if (n != 1)
		return; /* it is about to end, which tells the rest */
	m->current = m->starting;
	m->starting = 0;
	say(m, "[NOTICE]", "Loading success.");
	if (m->first)
		daemon_ready();
	m->first = false;
	count_reload(m);
	end_reload(m);
}

/* ---- ends ---- */

static int status_of(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void leave(struct master *m, int status)
{
	if (m->leaving)
		return;
	m->leaving = true;
	m->status = status;
	notify("STOPPING=1");
}

static void on_current_ended(struct master *m, pid_t pid, int status)
{
	m->current = 0;
	if (m->leaving)
		return;
	if (status == 0) {
		say(m, "[NOTICE]", "Current worker (%d) exited", (int)pid);
		leave(m, 0);
		return;
	}
	say(m, "[ALERT]", "Current worker (%d) exited with code %d", (int)pid, status);
	if (m->keep_on)
		return;
	say(m, "[ALERT]", "exit-on-failure: stopping all workers");
	leave(m, status);
	signal_all(m, SIGTERM);
}

static void on_start_failed(struct master *m, pid_t pid, int status)
{
	m->starting = 0;
	if (m->ready_fd >= 0)
		close(m->ready_fd);
	m->ready_fd = -1;
	if (m->leaving)
		return;
	if (m->first) {
		say(m, "[ALERT]", "worker (%d) could not start", (int)pid);
		leave(m, status ? status : 1);
		return;
	}
	say(m, "[ALERT]", "reload failed: the new worker could not start, the old one goes on");
	end_reload(m);
}

static void on_child_ended(struct master *m, pid_t pid, int raw)
{
	struct worker_process *wp = find_worker(m, pid);
	int status = status_of(raw);
	if (!wp)
		return;
	list_del(&wp->link);
	free(wp);
	/* its last word may still be in the pipe */
	if (pid == m->starting && m->ready_fd >= 0)
		on_ready(m);
	if (pid == m->current)
		on_current_ended(m, pid, status);
	else if (pid == m->starting)
		on_start_failed(m, pid, status);
	else
		say(m, "[NOTICE]", "Former worker (%d) exited with code %d", (int)pid, status);
}

static void reap(struct master *m)
{
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		on_child_ended(m, pid, status);
}

static void on_signal(struct master *m, int signal_number)
{
	switch (signal_number) {
	case SIGCHLD:
		reap(m);
		break;
	case SIGUSR2:
	case SIGHUP:
		begin_reload(m);
		break;
	case SIGTERM:
	case SIGINT:
		m->stop_signal = signal_number;
		leave(m, 0);
		signal_all(m, SIGTERM);
		break;
	case SIGUSR1:
		leave(m, 0);
		signal_all(m, SIGUSR1);
		break;
	case SIGTTOU:
	case SIGTTIN:
		signal_all(m, signal_number);
		break;
	default:
		break;
	}
}

/* ---- the loop ---- */

static int open_signals(void)
{
	sigset_t set;
	signals_block();
	if (sigprocmask(SIG_BLOCK, NULL, &set) < 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static bool is_done(const struct master *m)
{
	return m->leaving && list_is_empty(&m->workers);
}

static void supervise(struct master *m, int signal_fd)
{
	while (!is_done(m)) {
		struct pollfd fds[2] = { { .fd = signal_fd, .events = POLLIN },
			{ .fd = m->ready_fd, .events = POLLIN } };
		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[1].revents)
			on_ready(m);
		struct signalfd_siginfo info;
		while (read(signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
			on_signal(m, (int)info.ssi_signo);
	}
}

static void take_settings(struct master *m, struct program *p)
{
	const struct global_conf *g = &p->config->global;
	m->program = p;
	m->quiet = g->quiet;
	m->keep_on = g->no_exit_on_failure;
	m->max_reloads = g->mworker_max_reloads ? g->mworker_max_reloads : MAX_RELOADS_DEFAULT;
	m->ready_fd = -1;
	m->keep_fd = tls_kept_open();
	m->first = true;
	list_init(&m->workers);
}

int program_master(struct program *p)
{
	struct master m = { 0 };
	int status = 1;
	take_settings(&m, p);
	ssize_t n = readlink("/proc/self/exe", m.exe, sizeof(m.exe) - 1);
	if (n < 0 || (p->config->global.daemon && daemon_start() < 0)) {
		config_unref(NULL, p->config);
		return 1;
	}
	notify_start();
	int signal_fd = open_signals();
	const char *pidfile = p->config->global.pidfile;
	int r = pidfile ? pidfile_write(pidfile) : 0;
	if (r < 0)
		say(&m, "[ALERT]", "cannot write pidfile '%s': %s", pidfile, strerror(-r));
	config_unref(NULL, p->config);
	p->config = NULL;
	if (r == 0 && signal_fd >= 0 && start_worker(&m) == 0) {
		supervise(&m, signal_fd);
		status = m.stop_signal ? 128 + m.stop_signal : m.status;
		say(&m, "[NOTICE]", "All workers exited. Exiting... (%d)", status);
	}
	if (signal_fd >= 0)
		close(signal_fd);
	if (m.keep_fd >= 0)
		close(m.keep_fd);
	return status;
}
