/* SPDX-License-Identifier: MIT */
/*
 * Values of the message that the conditions of one run look at again and again ("hdr(host)", "path"): each is made
 * once. Lives on the stack of who evaluates conditions one after the other; between start and stop nothing may
 * change the message. Without a memo every condition makes its values anew.
 */
#ifndef WEIR_RULE_MEMO_H
#define WEIR_RULE_MEMO_H

#include "weir/rule/rule.h"

#define RULE_MEMO_N 4

struct rule_memo_value {
	struct sample s;
	enum { MEMO_NONE, MEMO_ONE, MEMO_MANY } values; /* MEMO_MANY: they have to be walked */
};

struct rule_memo {
	const struct expr *of[RULE_MEMO_N]; /* NULL: nothing yet */
	struct rule_memo_value value[RULE_MEMO_N];
};

static inline void rule_memo_start(struct rule_ctx *cx, struct rule_memo *m)
{
	for (unsigned i = 0; i < RULE_MEMO_N; i++)
		m->of[i] = NULL;
	cx->memo = m;
}

static inline void rule_memo_stop(struct rule_ctx *cx)
{
	cx->memo = NULL;
}

#endif
