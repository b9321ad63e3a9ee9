/* SPDX-License-Identifier: MIT */
/*
 * Rings as configured, and what feeds servers from them. The configuration side is one thread's; a connection
 * belongs to the worker that it was given to.
 */
#ifndef WEIR_SRC_PROXY_RING_CONF_H
#define WEIR_SRC_PROXY_RING_CONF_H

#include "conf_int.h"
#include "weir/proxy/log_targets.h"
#include "weir/telemetry/log_ring.h"

struct ring_conn;

/* A "ring" section, or one that a target with a stream address or a server of a log backend has of its own. */
struct ring_conf {
	struct ring_conf *next;
	const char *name, *description;
	struct conf_pos pos;
	size_t size;
	unsigned maxlen;
	enum log_header header;
	const char *file;		/* backing-file, or NULL */
	unsigned connect_ms, server_ms; /* 0: no limit */
	struct server *servers;
	struct server_defaults *server_defaults;
	struct net_addr to;	   /* len 0: none; of a ring that stands for one address */
	const struct server *only; /* of a ring that stands for one server of a log backend */
	bool is_own;		   /* not a section */
	struct log_ring *ring;	   /* from log_targets_open() on */
	struct ring_conn *conns;
};

/* A target that names a ring or a log backend; tied when all is read. */
struct log_ref {
	struct log_ref *next;
	struct log_target *target;
	const char *name;
	bool is_backend;
	struct conf_pos pos;
	struct ring_conf *ring; /* what it is tied to */
};

#define RING_MAXLEN_DEFAULT	1024
#define RING_CONNECT_MS_DEFAULT 5000
#define RING_SERVER_MS_DEFAULT	10000

/* conf_ring.c: NULL: none of that name */
struct ring_conf *ring_conf_find(const struct config *c, const char *name);
/* One that has no section: NULL when memory is short. */
struct ring_conf *ring_conf_own(
    struct config *c, const char *name, const char *description, struct conf_pos pos);
/* Remembers a target whose name is to be found later. 0 or -1, told. */
int log_ref_add(struct conf *conf, const struct conf_line *line, struct log_target *t,
    const char *name, bool is_backend);
/* Part of config_finish(): finds what targets name, gives rings' headers and lengths to them. */
void finish_rings(struct conf *conf, struct config *c);

/* log_backend.c: parts of config_finish(): behind backends */
void finish_log_backends(struct conf *conf, struct config *c);

/* ring_conn.c: one connection to each server of the ring, given to workers in turn. 0 or -ENOMEM. */
int ring_conns_new(struct process *p, struct ring_conf *rc, unsigned *turn);
void ring_conns_start(struct worker *w, struct ring_conf *rc);
/* Workers have ended. */
void ring_conns_free(struct ring_conf *rc);

#endif
