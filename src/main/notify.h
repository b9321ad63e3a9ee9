/* SPDX-License-Identifier: MIT */
/*
 * What the world around a process hears of it: systemd's notify socket, the pid file, the standard descriptors.
 */
#ifndef WEIR_SRC_MAIN_NOTIFY_H
#define WEIR_SRC_MAIN_NOTIFY_H

#include <stdbool.h>

/* Connects to $NOTIFY_SOCKET, before chroot(); without one nothing below happens. */
void notify_start(void);
/* Sends "READY=1" and the like. */
void notify(const char *state);
/* The same for a reload: the time it began is part of the message. */
void notify_reloading(void);
/* In a child: it must not speak for its parent, nor its own children. */
void notify_stop(void);

/* Writes our process number. 0 or -errno. */
int pidfile_write(const char *path);

/*
 * Forks; the parent waits until the child calls daemon_ready() or dies, and exits 0 or 1. Returns in the child
 * as leader of its own session: 0, or -errno when there is no child.
 */
int daemon_start(void);
/* Lets the parent go and turns the standard descriptors to /dev/null. */
void daemon_ready(void);

#endif
