/* SPDX-License-Identifier: MIT */
/*
 * Replies that rules make: the words of "return", "deny" and "tarpit" compiled, and struct rule_reply built from
 * them for one request.
 */
#ifndef WEIR_RULE_REPLY_H
#define WEIR_RULE_REPLY_H

#include "action.h"

/* Reads all words up to the condition. status: the default one. NULL after conf_error(). */
struct reply_spec *reply_parse(struct action_parse *p, unsigned status, bool plain_by_default);

#endif
