/* SPDX-License-Identifier: MIT */
/*
 * The match methods of the configuration manual, 7.1: parsing and comparing of one pattern. How many of them are
 * searched at once is pattern_set.c's business.
 */
#include "pattern_match.h"

#include <arpa/inet.h>

#include "rule_int.h"

#define SIZE_WITH(member) (offsetof(struct pattern, member) + sizeof(((struct pattern *)0)->member))
#define SIZE_TEXT	  offsetof(struct pattern, range)

/* ---- parsing ---- */

static bool bound_parse(struct slice text, int64_t *ret)
{
	if (rule_int_parse(text, ret))
		return true;
	/* "3.1": two numbers in one, as versions are compared. */
	size_t dot = slice_find(text, '.');
	int64_t major, minor;
	if (dot == text.len || !rule_int_parse(slice_sub(text, 0, dot), &major) ||
	    !rule_int_parse(slice_sub(text, dot + 1, text.len), &minor))
		return false;
	*ret = (int64_t)((uint64_t)major << 16) + minor;
	return true;
}

/* "5", "1:5", "1:", ":5". */
static bool range_parse(struct slice s, int64_t *low, int64_t *high)
{
	size_t colon = slice_find(s, ':');
	*low = INT64_MIN;
	*high = INT64_MAX;
	if (colon == s.len) {
		if (!bound_parse(s, low))
			return false;
		*high = *low;
		return true;
	}
	struct slice from = slice_sub(s, 0, colon), to = slice_sub(s, colon + 1, s.len);
	return (!from.len || bound_parse(from, low)) && (!to.len || bound_parse(to, high));
}

static int parse_int(struct pattern *p, const char *op, bool icase, char *why)
{
	int64_t low, high;
	if (!range_parse(p->key, &low, &high) || low > high) {
		snprintf(why, MATCH_WHY, "'%.*s' is not a number.", (int)MIN(p->key.len, 100),
		    p->key.ptr);
		return -1;
	}
	if (strcmp(op, "gt") == 0 || strcmp(op, "ge") == 0) {
		if (op[1] == 't' && high == INT64_MAX)
			low = INT64_MAX, high = INT64_MIN;
		else
			low = op[1] == 't' ? high + 1 : low, high = INT64_MAX;
	} else if (strcmp(op, "lt") == 0 || strcmp(op, "le") == 0) {
		if (op[1] == 't' && low == INT64_MIN)
			low = INT64_MAX, high = INT64_MIN;
		else
			high = op[1] == 't' ? low - 1 : high, low = INT64_MIN;
	}
	p->range.low = low;
	p->range.high = high;
	p->key = slice_make((const char *)&p->range.low, sizeof(p->range.low));
	return 0;
}

/* Bits of the mask, PATTERN_IP_HOLES with mask4 filled in, or -1. */
static int mask_parse(struct slice text, unsigned max, uint8_t mask4[4])
{
	uint64_t bits;
	struct sample ip;
	if (slice_to_u64(text, max, &bits) == 0)
		return (int)bits;
	if (max != 32 || !rule_ip_parse(text, &ip) || ip.type != SMP_IPV4)
		return -1;
	uint32_t mask = ntohl(ip.ipv4.s_addr);
	if (mask & (~mask >> 1)) {
		memcpy(mask4, &ip.ipv4, 4);
		return PATTERN_IP_HOLES;
	}
	return __builtin_popcount(mask);
}

void match_mask(uint8_t *bytes, unsigned size, unsigned bits)
{
	for (unsigned i = 0; i < size; i++) {
		unsigned keep = bits > i * 8 ? bits - i * 8 : 0;
		if (keep < 8)
			bytes[i] &= (uint8_t)(0xff00u >> keep);
	}
}

static int parse_ip(struct pattern *p, const char *op, bool icase, char *why)
{
	struct slice s = p->key;
	size_t slash = slice_find(s, '/');
	struct sample ip;
	int bits = -1;
	memset(&p->ip, 0, sizeof(p->ip));
	if (rule_ip_parse(slice_sub(s, 0, slash), &ip)) {
		bits = ip.type == SMP_IPV4 ? 32 : 128;
		if (slash < s.len)
			bits =
			    mask_parse(slice_sub(s, slash + 1, s.len), (unsigned)bits, p->ip.mask4);
	}
	if (bits < 0) {
		snprintf(why, MATCH_WHY, "'%.*s' is not a valid IPv4 or IPv6 address.",
		    (int)MIN(s.len, 100), s.ptr);
		return -1;
	}
	unsigned size = ip.type == SMP_IPV4 ? 4 : 16;
	memcpy(p->ip.bytes, &ip.ipv6, size);
	if (bits == PATTERN_IP_HOLES) {
		for (unsigned i = 0; i < 4; i++)
			p->ip.bytes[i] &= p->ip.mask4[i];
	} else {
		match_mask(p->ip.bytes, size, (unsigned)bits);
	}
	p->ip.v4 = size == 4;
	p->ip.bits = (uint8_t)bits;
	p->key = slice_make((const char *)&p->ip, offsetof(struct pattern_ip, mask4));
	return 0;
}

/* The bytes stand behind the pattern, which row->decoded asked room for. */
static int parse_bin(struct pattern *p, const char *op, bool icase, char *why)
{
	size_t len = p->key.len;
	char *out = (char *)p + SIZE_TEXT;
	if (len % 2) {
		snprintf(why, MATCH_WHY, "an even number of hex digit is expected");
		return -1;
	}
	for (size_t i = 0; i < len / 2; i++) {
		int high = rule_hex_digit(p->key.ptr[2 * i]);
		int low = rule_hex_digit(p->key.ptr[2 * i + 1]);
		if (high < 0 || low < 0) {
			snprintf(why, MATCH_WHY, "an hex digit is expected (found '%c')",
			    p->key.ptr[2 * i + (high >= 0)]);
			return -1;
		}
		out[i] = (char)(high << 4 | low);
	}
	p->key = slice_make(out, len / 2);
	return 0;
}

static int parse_str(struct pattern *p, const char *op, bool icase, char *why)
{
	return 0;
}

/* Delimiters at the ends of "dir" and "dom" patterns do not count. */
static int parse_dir(struct pattern *p, const char *op, bool icase, char *why)
{
	p->key = slice_trim(p->key, "/");
	return 0;
}

static int parse_dom(struct pattern *p, const char *op, bool icase, char *why)
{
	p->key = slice_trim(p->key, "/?.:");
	return 0;
}

static int parse_reg(struct pattern *p, const char *op, bool icase, char *why)
{
	p->re = regex_new(p->key, icase, why, MATCH_WHY);
	return p->re ? 0 : -1;
}

static int parse_method(struct pattern *p, const char *op, bool icase, char *why)
{
	p->method = http_method_of(p->key);
	return 0;
}

/* ---- matching of one pattern ---- */

static bool match_range(
    const struct pattern *p, bool icase, struct rule_ctx *cx, const struct sample *s)
{
	return s->sint >= p->range.low && s->sint <= p->range.high;
}

static bool match_len(
    const struct pattern *p, bool icase, struct rule_ctx *cx, const struct sample *s)
{
	int64_t len = (int64_t)s->str.len;
	return len >= p->range.low && len <= p->range.high;
}

static bool is_single(const struct pattern *p)
{
	return p->range.low == p->range.high;
}

static bool match_str(
    const struct pattern *p, bool icase, struct rule_ctx *cx, const struct sample *s)
{
	if (s->str.len != p->key.len)
		return false;
	return icase ? slice_ieq(s->str, p->key) : slice_eq(s->str, p->key);
}

static bool match_beg(
    const struct pattern *p, bool icase, struct rule_ctx *cx, const struct sample *s)
{
	return icase ? slice_has_iprefix(s->str, p->key) : slice_has_prefix(s->str, p->key);
}

static bool match_end(
    const struct pattern *p, bool icase, struct rule_ctx *cx, const struct sample *s)
{
	if (s->str.len < p->key.len)
		return false;
	struct slice tail = slice_sub(s->str, s->str.len - p->key.len, p->key.len);
	return icase ? slice_ieq(tail, p->key) : slice_eq(tail, p->key);
}

static bool match_sub(
    const struct pattern *p, bool icase, struct rule_ctx *cx, const struct sample *s)
{
	size_t at = icase ? slice_isearch(s->str, p->key) : slice_search(s->str, p->key);
	return at <= s->str.len;
}

/* The pattern as a whole part of the text, between any of the delimiters or the ends. */
static bool match_part(
    const struct pattern *p, bool icase, struct slice text, const char *delimiters)
{
	size_t n = p->key.len;
	if (n == 0)
		return false;
	for (size_t i = 0; i + n <= text.len; i++) {
		if (i > 0 && !strchr(delimiters, text.ptr[i - 1]))
			continue;
		struct slice part = slice_sub(text, i, n);
		if (!(icase ? slice_ieq(part, p->key) : slice_eq(part, p->key)))
			continue;
		if (i + n == text.len || strchr(delimiters, text.ptr[i + n]))
			return true;
	}
	return false;
}

#define DIR_DELIMITERS "/?"
#define DOM_DELIMITERS "/?.:"

static bool match_dir(
    const struct pattern *p, bool icase, struct rule_ctx *cx, const struct sample *s)
{
	return match_part(p, icase, s->str, DIR_DELIMITERS);
}

static bool match_dom(
    const struct pattern *p, bool icase, struct rule_ctx *cx, const struct sample *s)
{
	return match_part(p, icase, s->str, DOM_DELIMITERS);
}

/* An empty key is no part of anything: it must not be found by its hash either. */
static bool is_part(const struct pattern *p)
{
	return p->key.len != 0;
}

static bool match_reg(
    const struct pattern *p, bool icase, struct rule_ctx *cx, const struct sample *s)
{
	return regex_match(p->re, cx, s->str);
}

static bool match_meth(
    const struct pattern *p, bool icase, struct rule_ctx *cx, const struct sample *s)
{
	if (s->method != HTTP_OTHER || p->method != HTTP_OTHER)
		return s->method == p->method;
	return slice_ieq(s->str, p->key);
}

static bool ip_has(const struct pattern *p, const uint8_t *bytes, unsigned size)
{
	uint8_t masked[16];
	memcpy(masked, bytes, size);
	if (p->ip.bits == PATTERN_IP_HOLES) {
		for (unsigned i = 0; i < 4; i++)
			masked[i] &= p->ip.mask4[i];
	} else {
		match_mask(masked, size, p->ip.bits);
	}
	return memcmp(masked, p->ip.bytes, size) == 0;
}

void match_addr_of(const struct sample *s, struct match_addr *ret)
{
	ret->is_v6 = s->type == SMP_IPV6;
	if (ret->is_v6) {
		ret->v6 = s->ipv6;
		ret->has_v4 = rule_ip6_embedded(&s->ipv6, &ret->v4);
		return;
	}
	ret->has_v4 = true;
	ret->v4 = s->ipv4;
	memset(&ret->v6, 0, sizeof(ret->v6));
	ret->v6.s6_addr[10] = 0xff;
	ret->v6.s6_addr[11] = 0xff;
	memcpy(&ret->v6.s6_addr[12], &s->ipv4, 4);
}

static bool match_ip(
    const struct pattern *p, bool icase, struct rule_ctx *cx, const struct sample *s)
{
	struct match_addr a;
	if (s->type != SMP_IPV4 && s->type != SMP_IPV6)
		return false;
	match_addr_of(s, &a);
	if (p->ip.v4)
		return a.has_v4 && ip_has(p, (const uint8_t *)&a.v4, 4);
	return ip_has(p, a.v6.s6_addr, 16);
}

static bool is_network(const struct pattern *p)
{
	return p->ip.bits != PATTERN_IP_HOLES;
}

/* ---- the table ---- */

#define ROW(row_name, in, by, bytes, parse_fn, match_fn)                                           \
	.name = row_name, .input = in, .index = by, .size = bytes, .parse = parse_fn,              \
	.match = match_fn
#define TEXT_ROW(row_name, by, parse_fn, match_fn)                                                 \
	ROW(row_name, SMP_STR, by, SIZE_TEXT, parse_fn, match_fn)

static const struct match_row methods[MATCH_N] = {
	[MATCH_FOUND] = { .name = "found", .input = SMP_ANY, .size = SIZE_TEXT },
	[MATCH_BOOL] = { .name = "bool", .input = SMP_BOOL, .size = SIZE_TEXT },
	[MATCH_INT] = { ROW("int", SMP_SINT, MATCH_BY_KEY, SIZE_WITH(range), parse_int,
			    match_range),
	    .hashable = is_single },
	[MATCH_IP] = { ROW("ip", SMP_ANY, MATCH_BY_NETWORK, SIZE_WITH(ip), parse_ip, match_ip),
	    .hashable = is_network },
	[MATCH_BIN] = { ROW("bin", SMP_BIN, MATCH_BY_KEY, SIZE_TEXT, parse_bin, match_str),
	    .decoded = true },
	[MATCH_LEN] = { ROW("len", SMP_STR, MATCH_BY_KEY, SIZE_WITH(range), parse_int, match_len),
	    .hashable = is_single },
	[MATCH_STR] = { TEXT_ROW("str", MATCH_BY_KEY, parse_str, match_str) },
	[MATCH_SUB] = { TEXT_ROW("sub", MATCH_BY_LIST, parse_str, match_sub) },
	[MATCH_REG] = { ROW("reg", SMP_STR, MATCH_BY_LIST, SIZE_WITH(re), parse_reg, match_reg) },
	[MATCH_BEG] = { TEXT_ROW("beg", MATCH_BY_PREFIX, parse_str, match_beg) },
	[MATCH_END] = { TEXT_ROW("end", MATCH_BY_SUFFIX, parse_str, match_end) },
	[MATCH_DIR] = { TEXT_ROW("dir", MATCH_BY_PART, parse_dir, match_dir), .hashable = is_part,
	    .delimiters = DIR_DELIMITERS },
	[MATCH_DOM] = { TEXT_ROW("dom", MATCH_BY_PART, parse_dom, match_dom), .hashable = is_part,
	    .delimiters = DOM_DELIMITERS },
	[MATCH_METHOD] = { ROW(
	    NULL, SMP_METH, MATCH_BY_LIST, SIZE_WITH(method), parse_method, match_meth) },
};

const struct match_row *match_row(enum match_method m)
{
	return &methods[m];
}

enum match_method match_parse(const char *name)
{
	unsigned m = 0;
	while (m < MATCH_N && (!methods[m].name || strcmp(methods[m].name, name) != 0))
		m++;
	return (enum match_method)m;
}

const char *match_name(enum match_method m)
{
	return m < MATCH_N ? methods[m].name : NULL;
}

enum match_method match_default(enum sample_type type)
{
	switch (type) {
	case SMP_BOOL:
		return MATCH_BOOL;
	case SMP_SINT:
		return MATCH_INT;
	case SMP_IPV4:
	case SMP_IPV6:
		return MATCH_IP;
	case SMP_METH:
		return MATCH_METHOD;
	case SMP_STR:
	case SMP_ANY:
		return MATCH_STR;
	default:
		return MATCH_N;
	}
}

enum sample_type match_input(enum match_method m)
{
	return methods[m].input;
}
