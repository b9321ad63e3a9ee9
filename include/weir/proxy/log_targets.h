/* SPDX-License-Identifier: MIT */
/*
 * Where log lines go when the target is neither a datagram nor a descriptor: rings with the servers that are fed
 * from them, and log backends; and the log-forward sections, which take lines from others. All of it belongs to
 * one configuration.
 */
#ifndef WEIR_PROXY_LOG_TARGETS_H
#define WEIR_PROXY_LOG_TARGETS_H

#include "weir/admin/cli.h"
#include "weir/proxy/process.h"

extern const struct conf_section section_ring, section_log_forward;

/* "show events", "show ring". */
extern const struct cli_command proxy_ring_commands[];

/*
 * Makes the rings of c and ties targets to them, opens the sockets of log-forward sections. Main thread, before
 * privileges go. 0 or -1, told to diag.
 */
int log_targets_open(struct process *p, struct config *c, struct diag *diag);
/* On each worker's thread: begins to feed servers and to receive. */
void log_targets_start(struct worker *w, struct config *c);
/* A soft stop: nothing more is received. Any worker. */
void log_targets_soft_stop(struct worker *w, struct config *c);
/* All workers have ended: what can be sent at once is sent, connections are closed. */
void log_targets_stop(struct process *p, struct config *c);
/* Frees rings. No line is written any more. Part of config_unref(). */
void log_targets_free(struct config *c);

#endif
