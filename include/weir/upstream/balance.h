/* SPDX-License-Identifier: MIT */
/*
 * Balancing: which server gets a request. An algorithm builds an immutable table from the usable servers and
 * picks from it without a lock; tables are built aside and swapped when a state or a weight changes. One file
 * an algorithm in src/upstream/balance/, ending in its const struct balance_ops.
 */
#ifndef WEIR_UPSTREAM_BALANCE_H
#define WEIR_UPSTREAM_BALANCE_H

#include "weir/rule/rule.h"
#include "weir/upstream/server.h"

struct backend;
struct balance_ops;

/* What "balance" says. */
struct balance_conf {
	const struct balance_ops *ops;
	/* where the key comes from */
	const char *param; /* url_param, hdr, rdp-cookie name */
	size_t param_len;
	bool check_post;
	bool use_domain_only;
	bool uri_whole, uri_path_only;
	unsigned uri_len, uri_depth; /* 0: all */
	unsigned random_draws;
	struct expr *expr; /* hash <expr>, log-hash <converters> */
};

enum hash_function {
	HASH_SDBM,
	HASH_DJB2,
	HASH_WT6,
	HASH_CRC32,
	HASH_NONE, /* the key is a number already */
};

enum hash_key_by { /* server option "hash-key" */
	HASH_KEY_ID,
	HASH_KEY_ID32,
	HASH_KEY_ADDR,
	HASH_KEY_ADDR_PORT,
	HASH_KEY_GUID,
};

struct hash_conf {
	bool consistent;
	enum hash_function function;
	bool avalanche;
	unsigned balance_factor; /* percent; 0: off */
};

/* One choice. */
struct balance_call {
	struct worker *worker; /* may be NULL */
	uint32_t key;	       /* hash, when has_key */
	bool has_key;
	const struct server *avoid; /* redispatch: not this one while there is another */
};

enum balance_result {
	BALANCE_OK,
	BALANCE_NONE, /* no usable server: 503 */
	BALANCE_FULL, /* usable ones are all at their maxconn: wait in the backend's queue */
};

/* Immutable once published; one allocation of malloc. */
struct balance_table {
	const struct balance_ops *ops;
	unsigned n;
	unsigned total_weight;	  /* sum of weights */
	struct server **servers;  /* usable, in the order of the file */
	const uint32_t *weights;  /* effective, SERVER_WEIGHT_SCALE; side by side */
	bool of_backups;	  /* made of backup servers */
	struct rr_sequence *turn; /* for requests without a key, and round robin itself */
	void *data;		  /* the algorithm's own */
};

struct balance_ops {
	const char *name;
	bool needs_http;     /* mode http only: uri, url_param, hdr */
	bool has_key;	     /* picks by key: balance_key() is called before */
	bool for_log;	     /* mode log can use it */
	bool only_log;	     /* and no other */
	bool static_weights; /* weights cannot change at run time: static-rr */
	/* The hashed key of a request, with has_key. False: it has none. See balance_key(). */
	bool (*key)(struct backend *be, struct rule_ctx *cx, uint32_t *ret_key);
	/* Builds t->data with malloc; servers, weights, n are set. 0 or -ENOMEM. May be NULL. */
	int (*build)(const struct backend *be, struct balance_table *t);
	/* The choice; NULL: all full. Any worker, no lock. */
	struct server *(*pick)(
	    struct backend *be, const struct balance_table *t, struct balance_call *call);
};

/* Whether weights of be's servers are fixed while they are up: static-rr, and hashes with a map. */
bool balance_is_static(const struct backend *be);

/*
 * Parses "balance ..." and "hash-type ..." words. 0 or -1, told.
 */
int balance_parse(
    struct conf *conf, const struct conf_line *line, int arg, struct balance_conf *ret);
int hash_type_parse(
    struct conf *conf, const struct conf_line *line, int arg, struct hash_conf *ret);
int hash_balance_factor_parse(
    struct conf *conf, const struct conf_line *line, int arg, struct hash_conf *ret);
/* The algorithm of a backend that has no "balance" line: random. */
void balance_conf_init(struct balance_conf *b);
/* One that needs no arguments, by name. */
void balance_conf_set(struct balance_conf *b, const char *name);
extern const char *const balance_names[]; /* all algorithms of the manual, NULL-terminated */
bool balance_is_supported(const char *name);
/* Words of "hash-type", NULL-terminated. */
extern const char *const hash_type_names[], *const hash_function_names[];

/*
 * The key of a request under this backend's algorithm: false when the request has none (then round robin
 * serves). cx->wait_body may be set: url_param check_post wants the body first.
 */
bool balance_key(struct backend *be, struct rule_ctx *cx, uint32_t *ret_key);
uint32_t balance_hash(const struct hash_conf *h, const void *bytes, size_t len);

/*
 * Picks a server: usable, not draining, weight above 0, backups when no other is left. On BALANCE_OK *ret is
 * set; nothing is reserved.
 */
enum balance_result balance_pick(
    struct backend *be, struct balance_call *call, struct server **ret);

/*
 * The server of a log backend that gets the next line; hash: of the line, with "log-hash". NULL: none is usable.
 * Any worker, for this turn.
 */
struct server *backend_log_pick(struct backend *be, uint32_t hash);

/*
 * Builds new tables of rt's backends from the present states and swaps them in. Any worker; serialised by the
 * backend's lock. 0, or -ENOMEM: then the old tables stay.
 */
struct backend_rt;
int balance_rebuild(struct worker *w, struct backend_rt *rt);
/* Retires the table of a backend that is being detached. */
void balance_drop(struct worker *w, struct backend *be);

#endif
