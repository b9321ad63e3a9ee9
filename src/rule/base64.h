/* SPDX-License-Identifier: MIT */
/* base64 and base64url (RFC 4648 4 and 5) between caller-owned memory. */
#ifndef WEIR_RULE_BASE64_H
#define WEIR_RULE_BASE64_H

#include "weir/base/arena.h"

#define BASE64_TEXT(len)  (((len) + 2) / 3 * 4)
#define BASE64_BYTES(len) ((len) / 4 * 3 + 3)

/* Writes at most BASE64_TEXT(in.len) bytes; url: the URL-safe alphabet without padding. Returns the length. */
size_t base64_encode(struct slice in, bool url, char *out);
/*
 * Writes at most BASE64_BYTES(in.len) bytes. Padding must be there without url and may be with it. Returns the
 * length, or -EINVAL.
 */
ssize_t base64_decode(struct slice in, bool url, char *out);
/* The same into the arena; .ptr NULL when the text is wrong or memory is short. */
struct slice base64_decode_in(struct arena *arena, struct slice in, bool url);

#endif
