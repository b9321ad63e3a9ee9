/* SPDX-License-Identifier: MIT */
/*
 * Log targets and the sending of lines (configuration manual: "log"; management manual 8). The text of a line
 * is made elsewhere; here it gets its header and goes to each target. Never blocks: a line that the kernel
 * does not take at once is dropped and counted.
 */
#ifndef WEIR_TELEMETRY_LOG_H
#define WEIR_TELEMETRY_LOG_H

#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "weir/base/arena.h"
#include "weir/base/slice.h"
#include "weir/event/worker.h"

enum log_level { /* RFC 5424 6.2.1 */
	LOG_LV_EMERG,
	LOG_LV_ALERT,
	LOG_LV_CRIT,
	LOG_LV_ERR,
	LOG_LV_WARNING,
	LOG_LV_NOTICE,
	LOG_LV_INFO,
	LOG_LV_DEBUG,
	LOG_LV_SILENT, /* set-log-level silent: no line */
};

enum log_header {
	LOG_HEADER_RFC3164, /* <PRI>Mon DD HH:MM:SS [host ]tag[pid]: text */
	LOG_HEADER_RFC5424,
	LOG_HEADER_LOCAL,    /* as RFC 3164 without host name */
	LOG_HEADER_PRIORITY, /* <PRI>text */
	LOG_HEADER_SHORT,    /* <N>text */
	LOG_HEADER_TIMED,    /* <N>ISO date text */
	LOG_HEADER_ISO,	     /* ISO date text */
	LOG_HEADER_RAW,	     /* text */
};

#define LOG_LEN_MAX	 65535
#define LOG_LEN_DEFAULT	 1024
#define LOG_PORT_DEFAULT 514

/* Numbers of lines within a sample, from 1. */
struct log_range {
	unsigned low;
	unsigned high;
};

struct log_profile; /* of the layer that makes the lines */
struct log_target;

/*
 * How lines reach a target that is neither an address nor a descriptor: the parts of one line without newline.
 * Worker thread; never blocks. False: the line is lost, and not counted yet.
 */
typedef bool log_deliver_fn(
    struct worker *w, struct log_target *t, const struct iovec *iov, unsigned n);

/* One target. Immutable after the configuration is built, but for its counters. */
struct log_target {
	struct sockaddr_storage addr; /* when fd < 0 and deliver is NULL */
	socklen_t addr_len;
	int fd; /* stdout, stderr, fd@N; -1: addr */
	log_deliver_fn *deliver;
	void *deliver_to; /* of deliver: a struct log_ring *, NULL until it is there ... */
	enum log_header header;
	bool header_set;	  /* "format" was written */
	uint8_t facility;	  /* 0..23 */
	enum log_level max_level; /* least urgent that is sent */
	enum log_level min_level; /* more urgent ones are sent as this */
	unsigned len;		  /* bytes of a whole line; longer ones are cut */
	unsigned sample_low, sample_high, sample_size; /* "sample 1-2:10"; size 0: all */
	const struct log_range *sample_more; /* ranges behind the first: "sample 1,5-6:10" */
	unsigned sample_more_n;
	const struct log_profile *profile; /* what lines for it are made of; NULL: as all */
	atomic_uint sample_at;		   /* lines seen of the present sample */
	atomic_ullong dropped;
	atomic_bool nonblocking; /* fd was made so */
};

/* What a proxy or the process logs to and as whom. */
struct log_set {
	struct log_target **targets; /* several sets may share one */
	unsigned targets_n;
	const char *tag;      /* "weir" */
	const char *hostname; /* NULL: none in the header */
};

/* -1 when unknown. */
int log_facility_parse(const char *name);
int log_level_parse(const char *name);
int log_header_parse(const char *name);
/* Reads "1,3-4:10" into the target; further ranges come from the arena. 0, -EINVAL or -ENOMEM. */
WEIR_NODISCARD int log_sample_parse(struct log_target *t, struct slice arg, struct arena *a);
const char *log_facility_name(int facility);
const char *log_level_name(enum log_level level);

/* Per-worker state (sockets, a buffer) in WORKER_SLOT_TELEMETRY. 0 or -errno. */
int log_worker_start(struct worker *w);
void log_worker_stop(struct worker *w);

/* Sends text (no newline) to every target of the set that takes this level. Worker thread. */
void log_emit(struct worker *w, const struct log_set *set, enum log_level level, struct slice text);
/* The same with structured data for RFC 5424 ("log-format-sd"). */
void log_emit_sd(struct worker *w, const struct log_set *set, enum log_level level, struct slice sd,
    struct slice text);

/* What one target gets: text without newline; tag NULL: the set's. */
struct log_text {
	struct slice text, sd;
	const char *tag;
};
/* Makes it for a target; false: this one gets nothing. */
typedef bool log_text_fn(void *arg, const struct log_target *t, struct log_text *ret);
/* A line of its own for each target that takes this level. Worker thread. */
void log_emit_each(struct worker *w, const struct log_set *set, enum log_level level,
    log_text_fn *make, void *arg);
void log_emitf(struct worker *w, const struct log_set *set, enum log_level level, const char *fmt,
    ...) WEIR_PRINTF(4, 5);
/* Into the ring deliver_to. */
log_deliver_fn log_deliver_ring;
/* One line, with a newline behind it, as a datagram from this worker's socket. Worker thread. False: lost. */
bool log_send_datagram(struct worker *w, const struct sockaddr *addr, socklen_t addr_len,
    const struct iovec *iov, unsigned n);
/* Counts lines that are lost behind a target: those a ring's server missed. Any thread. */
void log_count_dropped(uint64_t n);
/* Lines dropped since start, over all targets and workers. */
uint64_t log_dropped(void);

#endif
