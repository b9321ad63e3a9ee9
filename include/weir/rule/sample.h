/* SPDX-License-Identifier: MIT */
/*
 * Typed values that fetches produce and converters turn into others (configuration manual 7). A sample owns
 * nothing: strings lie in the message, in the configuration, or in the stream's arena.
 */
#ifndef WEIR_RULE_SAMPLE_H
#define WEIR_RULE_SAMPLE_H

#include <netinet/in.h>

#include "weir/base/slice.h"

enum sample_type {
	SMP_ANY, /* declared types only */
	SMP_BOOL,
	SMP_SINT,
	SMP_IPV4,
	SMP_IPV6,
	SMP_STR,
	SMP_BIN,
	SMP_METH,
	SMP_N,
};

struct sample {
	enum sample_type type;
	bool may_change; /* the value is not final yet: more bytes may change it */
	union {
		bool boolean;
		int64_t sint;
		struct in_addr ipv4;
		struct in6_addr ipv6;
		struct slice str; /* SMP_STR, SMP_BIN, and SMP_METH's name */
	};
	uint8_t method; /* enum http_method, with SMP_METH */
};

struct arena;

/* Whether a cast exists (the table of manual 7.1.3 ff). */
bool sample_can_cast(enum sample_type from, enum sample_type to);
/* In place. Strings that must be made come from arena. False when the value does not fit. */
bool sample_cast(struct sample *s, enum sample_type to, struct arena *arena);
const char *sample_type_name(enum sample_type type);
/* As commands and debug lines show it: "sint", "str". */
const char *sample_type_short(enum sample_type type);

#endif
