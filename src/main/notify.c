/* SPDX-License-Identifier: MIT */
/*
 * sd_notify without its library: one datagram a state. The socket is kept open, for it cannot be reached
 * from inside a chroot.
 */
#include "notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* One a process: the channel to its service manager and to the shell that started it. */
static int notify_fd = -1;
static int ready_fd = -1;
static int null_fd = -1; /* opened early: there may be no /dev in the jail */

static int open_socket(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	size_t len = path ? strlen(path) : 0;
	if (len < 2 || len >= sizeof(addr.sun_path) || (*path != '/' && *path != '@'))
		return -1;
	memcpy(addr.sun_path, path, len);
	if (*path == '@')
		addr.sun_path[0] = '\0';
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&addr,
			   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

void notify_start(void)
{
	if (notify_fd < 0)
		notify_fd = open_socket();
}

void notify(const char *state)
{
	if (notify_fd < 0)
		return;
	char message[256];
	int len = snprintf(message, sizeof(message), "%s\nMAINPID=%d\n", state, (int)getpid());
	if (send(notify_fd, message, (size_t)len, MSG_NOSIGNAL) < 0)
		return; /* nobody listens any more, which is no reason to stop serving */
}

void notify_reloading(void)
{
	struct timespec now;
	char state[96];
	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%lld",
	    (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	notify(state);
}

void notify_stop(void)
{
	if (notify_fd >= 0)
		close(notify_fd);
	notify_fd = -1;
	unsetenv("NOTIFY_SOCKET");
}

int pidfile_write(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	int r = dprintf(fd, "%d\n", (int)getpid()) < 0 ? -errno : 0;
	close(fd);
	return r;
}

int daemon_start(void)
{
	int pipe_fds[2];
	char byte;
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return -errno;
	pid_t pid = fork();
	if (pid < 0) {
		int error = errno;
		close(pipe_fds[0]);
		close(pipe_fds[1]);
		return -error;
	}
	if (pid == 0) {
		close(pipe_fds[0]);
		ready_fd = pipe_fds[1];
		null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		setsid();
		return 0;
	}
	close(pipe_fds[1]);
	ssize_t n;
	do {
		n = read(pipe_fds[0], &byte, 1);
	} while (n < 0 && errno == EINTR);
	_exit(n == 1 ? 0 : 1);
}

void daemon_ready(void)
{
	if (ready_fd < 0)
		return;
	for (int fd = 0; fd <= 2 && null_fd >= 0; fd++)
		dup2(null_fd, fd);
	if (null_fd > 2)
		close(null_fd);
	null_fd = -1;
	if (write(ready_fd, "", 1) < 0)
		perror("weir: telling the parent process");
	close(ready_fd);
	ready_fd = -1;
}
