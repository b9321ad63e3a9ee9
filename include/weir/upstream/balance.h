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
	struct expr *expr; /* hash <expr> */
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
	struct worker *worker;
	uint32_t key; /* hash, when has_key */
	bool has_key;
	const struct server *avoid; /* redispatch: not this one while there is another */
};

enum balance_result {
	BALANCE_OK,
	BALANCE_NONE, /* no usable server: 503 */
	BALANCE_FULL, /* usable ones are all at their maxconn: wait in the backend's queue */
};

struct balance_table {
	const struct balance_ops *ops;
	unsigned n;
	unsigned total_weight;
	struct server **servers; /* usable, in the order of the file */
	const uint32_t *weights; /* effective, SERVER_WEIGHT_SCALE; side by side */
	bool of_backups;	 /* made of backup servers */
	/* the algorithm's own data lies behind, in the same allocation */
	void *data;
};

struct balance_ops {
	const char *name;
	bool needs_http;     /* mode http only: uri, url_param, hdr */
	bool has_key;	     /* picks by key: balance_key() is called before */
	bool static_weights; /* weights cannot change at run time: static-rr, map-based hashes */
	/* Bytes of data for n servers; may be NULL: none. */
	size_t (*size)(const struct backend *be, const struct balance_table *t);
	/* Fills t->data; servers, weights, n are set. May be NULL. */
	void (*build)(const struct backend *be, struct balance_table *t);
	/* The choice; NULL: all full. Any worker, no lock. */
	struct server *(*pick)(
	    struct backend *be, const struct balance_table *t, struct balance_call *call);
};

/*
 * Parses "balance ..." and "hash-type ..." words. 0 or -1, told.
 */
int balance_parse(
    struct conf *conf, const struct conf_line *line, int arg, struct balance_conf *ret);
int hash_type_parse(
    struct conf *conf, const struct conf_line *line, int arg, struct hash_conf *ret);
extern const char *const balance_names[]; /* all algorithms of the manual, NULL-terminated */

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

/* Builds a new table from the present states and swaps it in. Any worker; serialised by the backend's lock. */
int balance_rebuild(struct worker *w, struct backend *be);

#endif
