/* SPDX-License-Identifier: MIT */
/*
 * The last invalid request and response of each proxy, kept for "show errors" (management manual 9.3). Copies,
 * so that neither the configuration nor the connection need to live on; bounded by STORE_MAX entries of one
 * buffer each.
 */
#ifndef WEIR_PROXY_ERROR_CAPTURE_H
#define WEIR_PROXY_ERROR_CAPTURE_H

#include <pthread.h>

#include "weir/base/list.h"
#include "weir/base/strbuf.h"
#include "weir/net/addr.h"

struct proxy;
struct server;

/* Most bytes kept of one message. */
#define ERROR_CAPTURE_BYTES 16384
/* Proxies and sides that are remembered; the oldest makes room. */
#define ERROR_CAPTURE_MAX 512

struct error_event {
	const struct proxy *px;	     /* the side whose peer broke the protocol */
	const struct proxy *other;   /* the other side; NULL: none yet */
	const struct server *server; /* NULL: none */
	const struct net_peer *src;  /* the client */
	struct slice bytes; /* the message from its first byte, as far as it was received */
	size_t at;	    /* offset of the offending byte in bytes */
	size_t room;	    /* bytes the buffer could still have taken */
	const char *reason; /* static text */
	int64_t wall_us;
	bool response;
};

/* Of the process. All zero is an empty one. */
struct error_store {
	pthread_mutex_t lock;
	struct error_entry *entries; /* newest first */
	unsigned n;
	unsigned total; /* events since start */
};

/* Any worker; takes the lock, since nothing about a broken message is hot. Without memory nothing is kept. */
void error_capture(struct error_store *store, const struct error_event *ev);
void error_store_done(struct error_store *store);

#define ERROR_SHOW_REQUESTS  0x1u
#define ERROR_SHOW_RESPONSES 0x2u
/* Writes what is kept; id: of one proxy, -1 for all. which: ERROR_SHOW_*. */
void error_store_show(
    struct error_store *store, int id, unsigned which, int64_t now_wall_us, struct strbuf *out);

#endif
