/* SPDX-License-Identifier: MIT */
/*
 * The fields of one header block as they are decoded, checked by RFC 9113 8, and what they are as a message. Fields
 * are stored as "name: value CRLF", so that HTTP/1 copies them in one piece. Lives in a buffer of its own until it
 * is copied into an arena, behind the block's last field.
 */
#ifndef WEIR_H2_HEAD_H
#define WEIR_H2_HEAD_H

#include "weir/base/arena.h"
#include "weir/h2/hpack.h"
#include "weir/http/http.h"

enum h2_head_kind { H2_REQUEST, H2_RESPONSE, H2_TRAILERS };

struct h2_head {
	char *mem;	       /* text from the front, the table behind it */
	struct http_hdr *hdrs; /* in mem */
	uint32_t len, cap;     /* of the text */
	uint16_t hdrs_n, hdrs_max;
	uint8_t kind;
	uint8_t pseudo; /* which pseudo fields have come */
	bool in_fields; /* a regular field has come: pseudo fields must not follow */
	bool has_host, has_length, too_large, expect;
	uint16_t cookies;
	uint16_t status;
	const char *why; /* what is wrong with it, static text; NULL: nothing */
	struct slice method, scheme, authority, path, protocol;
	uint64_t length;
	/* of h2_head_finish() */
	struct slice target;
};

/* h: the beginning of size bytes, of the rest of which the text may fill text_max. */
void h2_head_init(
    struct h2_head *h, enum h2_head_kind kind, size_t size, uint32_t text_max, unsigned max_fields);
/* What it finds out about the field is left in its memo. */
void h2_head_field(struct h2_head *h, struct hpack_field *f);
/* Behind the last field: what can only be said of the whole. False: why, or too_large. */
bool h2_head_finish(struct h2_head *h);
/*
 * Fills m, whose table is the caller's, with copies in arena. end: no payload follows; st_flags: H2_ST_* of its
 * stream. 0, -ENOMEM, or -ENOBUFS where the table is too small.
 */
WEIR_NODISCARD int h2_head_copy(
    const struct h2_head *h, struct arena *arena, bool end, unsigned st_flags, struct http_msg *m);

#endif
