/* SPDX-License-Identifier: MIT */
/* What the files of src/h1 share: the state of one run of the head parser. */
#ifndef WEIR_H1_PARSER_H
#define WEIR_H1_PARSER_H

#include "weir/h1/h1.h"

struct h1_parser {
	struct http_msg *m;
	const char *end;      /* of the input */
	const char *at;	      /* where the error is */
	enum h1_error error;  /* H1_ERR_NONE: the input ended too early */
	unsigned flags;	      /* H1_ACCEPT_UNSAFE ... */
	uint64_t seen;	      /* bit 1 << id for every known header that came */
	uint64_t repeated;    /* the same for those that came more than once */
	uint16_t last[HDR_N]; /* index of the last field of each id in seen */
};

#define H1_BIT(id) (1ULL << (id))

/* Notes the error; NULL, so that a parsing step can return it. */
static inline char *h1_fail(struct h1_parser *ps, enum h1_error error, const char *at)
{
	ps->error = error;
	ps->at = at;
	return NULL;
}

static inline bool h1_unsafe(const struct h1_parser *ps)
{
	return (ps->flags & H1_ACCEPT_UNSAFE) != 0;
}

/*
 * What the fields mean together: host, framing, connection, upgrade. Called once, with a complete table. False
 * with ps->error set when the message must be refused.
 */
bool h1_check_request(struct h1_parser *ps);
bool h1_check_response(struct h1_parser *ps);
/* The part of it about the target's form and the host field: host.c. */
bool h1_check_host(struct h1_parser *ps);
void h1_drop_from_trailers(struct h1_parser *ps);

#endif
