/* SPDX-License-Identifier: MIT */
/*
 * Numbers, addresses and files as texts, for all files of this module.
 */
#ifndef WEIR_RULE_TEXT_H
#define WEIR_RULE_TEXT_H

#include "weir/conf/conf.h"
#include "weir/rule/sample.h"

#define RULE_INT_TEXT 24
size_t rule_int_text(char out[RULE_INT_TEXT], int64_t v);
/* Reads as far as there are digits, saturating; returns whether the whole text was a number. */
bool rule_int_parse(struct slice text, int64_t *ret);
/* IPv4 also with octets left out ("10.12", "127.1"), or IPv6. */
bool rule_ip_parse(struct slice text, struct sample *ret);
/* The IPv4 address in ::ffff:a.b.c.d, ::a.b.c.d or 2002:ab:cd::. */
bool rule_ip6_embedded(const struct in6_addr *v6, struct in_addr *ret);
int rule_hex_digit(char c);
/* Reads a whole file into the arena; NULL after conf_error(). */
char *rule_file_read(
    struct conf *conf, const struct conf_line *line, int arg, const char *path, size_t *ret_len);

#endif
