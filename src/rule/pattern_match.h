/* SPDX-License-Identifier: MIT */
/*
 * The match methods: how a text becomes a pattern and how one pattern is compared with a sample. No state.
 */
#ifndef WEIR_RULE_PATTERN_MATCH_H
#define WEIR_RULE_PATTERN_MATCH_H

#include "pattern.h"

#define MATCH_WHY 320

/* How a set of them is searched. */
enum match_index {
	MATCH_BY_LIST,	 /* one after the other */
	MATCH_BY_KEY,	 /* the sample is the key */
	MATCH_BY_PREFIX, /* the longest beginning of the sample that is a key */
	MATCH_BY_SUFFIX,
	MATCH_BY_PART, /* parts between delimiters */
	MATCH_BY_NETWORK,
};

struct match_row {
	const char *name; /* for -m; NULL: internal */
	enum sample_type input;
	enum match_index index;
	size_t size;  /* bytes of a struct pattern */
	bool decoded; /* half the text's length follows it */
	/* NULL: the method takes no patterns. key was set to text. 0, or -1 with a message in why. */
	int (*parse)(struct pattern *p, const char *op, bool icase, char *why);
	bool (*match)(
	    const struct pattern *p, bool icase, struct rule_ctx *cx, const struct sample *s);
	bool (*hashable)(const struct pattern *p); /* NULL: all are */
	const char *delimiters;			   /* MATCH_BY_PART */
};

const struct match_row *match_row(enum match_method m);

/* An address in both families, as far as it exists in both. */
struct match_addr {
	struct in_addr v4;
	struct in6_addr v6;
	bool has_v4, is_v6;
};
void match_addr_of(const struct sample *s, struct match_addr *ret);
/* Clears what lies behind the first bits. */
void match_mask(uint8_t *bytes, unsigned size, unsigned bits);

#endif
