/* SPDX-License-Identifier: MIT */
/*
 * HPACK (RFC 7541): header blocks to fields and back. The decoder has a table of one connection, the encoder none: it
 * uses the static table alone. Fields are handed out as slices that lie in the block, in the table or in a scratch
 * buffer of the worker, so that no field costs a malloc.
 */
#ifndef WEIR_H2_HPACK_H
#define WEIR_H2_HPACK_H

#include <sys/types.h>

#include "weir/base/slice.h"

#define HPACK_TABLE_SIZE 4096 /* before any SETTINGS, both ways */
#define HPACK_TABLE_MAX	 65536
#define HPACK_STRING_MAX 65536 /* encoded bytes of a name or a value */

/* ---- decoding ---- */

/* Where text lies that had to be put together. Grows, and is freed with free(mem); one for a worker is enough. */
struct hpack_scratch {
	char *mem;
	size_t size;
};

struct hpack_table;

struct hpack_decoder {
	struct hpack_table *table; /* NULL: nothing was put into it yet */
	uint32_t limit;		   /* of our SETTINGS; HPACK_TABLE_SIZE to HPACK_TABLE_MAX */
	uint32_t size_max : 31;	   /* what the peer uses of it */
	uint32_t in_block : 1;	   /* a field has come: no more changes of size */
};

#define HPACK_NAME_SEEN	 0x01 /* it is a valid name, and id is its number */
#define HPACK_VALUE_SEEN 0x02 /* it is a valid value */

/* What the reader of fields has found out about one, kept with it for the next time that it is referred to. */
struct hpack_memo {
	uint8_t id; /* enum http_hdr_id */
	uint8_t seen;
};

struct hpack_field {
	struct slice name, value; /* until the next call */
	struct hpack_memo memo;
	struct hpack_memo *keep; /* where to store it; NULL: nowhere */
	bool never_indexed;	 /* who sends it on must not index it either (RFC 7541 6.2.3) */
};

enum hpack_result {
	HPACK_FIELD,
	HPACK_END,  /* nothing is left */
	HPACK_MORE, /* what is left is the beginning of a field */
	HPACK_ERROR,
	HPACK_NO_MEMORY,
};

void hpack_decoder_init(struct hpack_decoder *d, uint32_t limit);
void hpack_decoder_done(struct hpack_decoder *d);
void hpack_decoder_begin(struct hpack_decoder *d); /* a header block */
/* Takes the next field off the block. Where a block comes in pieces, what is left belongs in front of the next one. */
enum hpack_result hpack_decode(struct hpack_decoder *d, struct hpack_scratch *scratch,
    struct slice *block, struct hpack_field *ret_field);
/* Bytes that the table takes. */
size_t hpack_decoder_memory(const struct hpack_decoder *d);

/* ---- encoding ---- */

enum hpack_pseudo {
	HPACK_AUTHORITY = 1, /* by the first row of the static table */
	HPACK_METHOD = 2,
	HPACK_PATH = 4,
	HPACK_SCHEME = 6,
	HPACK_STATUS = 8,
};

struct hpack_writer {
	uint8_t *at, *end;
	bool full; /* there was no room for a field: the block is of no use */
};

/* Most bytes that a field needs beside those of its name and value. */
#define HPACK_FIELD_EXTRA 24

void hpack_put_pseudo(struct hpack_writer *w, enum hpack_pseudo name, struct slice value);
/* id: of the name, which is in lower case. */
void hpack_put(
    struct hpack_writer *w, unsigned id, struct slice name, struct slice value, bool never_indexed);
/* The encoder's table is as large as that from here on; ahead of all fields of a block. */
void hpack_put_table_size(struct hpack_writer *w, uint32_t size);

/* ---- Huffman's code (RFC 7541 5.2) ---- */

/* Decodes into out, which has room for HPACK_UNCODED_MAX(len). Returns the length, or -1: not by the code. */
#define HPACK_UNCODED_MAX(len) ((len)*8 / 5 + 1)
ssize_t hpack_huffman_decode(char *out, const uint8_t *in, size_t len);
size_t hpack_huffman_len(struct slice s);
/* Encodes unless it becomes as long as s or longer: then 0. out: s.len + 8 bytes. */
size_t hpack_huffman_encode(uint8_t *out, struct slice s);

#endif
