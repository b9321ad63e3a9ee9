/* SPDX-License-Identifier: MIT */
/*
 * What the algorithms share: the round robin sequence, the two ways from a hash to a server, and the hash
 * functions. Only src/upstream/balance/ includes it.
 */
#ifndef WEIR_UPSTREAM_BALANCE_INTERNAL_H
#define WEIR_UPSTREAM_BALANCE_INTERNAL_H

#include "weir/base/hash32.h"
#include "weir/upstream/backend.h"

extern const struct balance_ops balance_roundrobin, balance_static_rr, balance_leastconn,
    balance_first, balance_source, balance_uri, balance_url_param, balance_hdr, balance_random,
    balance_rdp_cookie, balance_hash_expr, balance_sticky, balance_log_hash;

/* The order of turns: head once, then cycle for ever. Entries are indices of the table's servers. */
struct rr_sequence {
	unsigned head_n, cycle_n;
	uint16_t order[]; /* head, then cycle; an empty head: the cycle repeats from the start */
};

/* Smooth weighted turns for n servers. NULL when memory is short. */
struct rr_sequence *rr_sequence_new(const uint32_t *weights, unsigned n);
struct server *rr_sequence_pick(
    struct backend *be, const struct balance_table *t, const struct balance_call *call);

/* The static map: total weight entries. See map.c for its order. */
struct rr_sequence *map_new(const struct balance_table *t);
struct server *map_pick(const struct balance_table *t, const struct balance_call *call);

struct hash_ring;
struct hash_ring *hash_ring_new(const struct backend *be, const struct balance_table *t);
struct server *ring_pick(
    const struct backend *be, const struct balance_table *t, const struct balance_call *call);

/* Build and pick for all algorithms that hash: by hash-type. */
int hashed_build(const struct backend *be, struct balance_table *t);
struct server *hashed_pick(
    struct backend *be, const struct balance_table *t, struct balance_call *call);

/* What "avalanche" does to a raw hash, and nothing where it is off. */
uint32_t hash_modify(const struct hash_conf *h, uint32_t hash);

unsigned weights_gcd(const uint32_t *weights, unsigned n);

/* At its limit, or others wait for it: skipped by the algorithms that choose by load or turn. */
static inline bool skip_server(const struct server *s, const struct balance_call *call)
{
	return s == call->avoid || server_is_full(s);
}

#endif
