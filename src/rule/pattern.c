/* SPDX-License-Identifier: MIT */
/*
 * Pattern sets: the table of match methods, parsing of patterns, and the searches. Methods that hash keep two
 * indexes, for patterns with -i and without; sets of a few are compared one by one, which is faster.
 */
#include "pattern.h"

#include <arpa/inet.h>

#include "keyset.h"
#include "rule_int.h"

#define FEW 4 /* up to here a list beats a hash */

struct patterns {
	enum match_method method;
	struct arena *arena;
	struct pattern *first;
	struct pattern **last;
	size_t count;
	bool indexed;
	struct keyset exact[2]; /* by icase; for IP: v6, v4 */
};

struct match_row {
	const char *name; /* for -m; NULL: internal */
	enum sample_type input;
	/* Fills in a pattern; NULL: the method takes none. */
	int (*parse)(struct pattern *pat, struct arena *arena, const char *text, const char *op);
	bool (*match)(const struct pattern *pat, struct rule_ctx *cx, const struct sample *s);
	bool hashed; /* STR, BEG, END, IP */
};

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

static int parse_int(struct pattern *pat, struct arena *arena, const char *text, const char *op)
{
	struct slice s = slice_str(text);
	size_t colon = slice_find(s, ':');
	int64_t low = INT64_MIN, high = INT64_MAX;
	if (colon == s.len) {
		if (!bound_parse(s, &low))
			return -1;
		high = low;
	} else {
		struct slice from = slice_sub(s, 0, colon), to = slice_sub(s, colon + 1, s.len);
		if ((from.len && !bound_parse(from, &low)) || (to.len && !bound_parse(to, &high)))
			return -1;
		if (low > high)
			return -1; /* would never match */
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
	pat->range.low = low;
	pat->range.high = high;
	return 0;
}

static int mask_bits(struct slice text, unsigned max)
{
	uint64_t bits;
	struct sample ip;
	if (slice_to_u64(text, max, &bits) == 0)
		return (int)bits;
	if (max != 32 || !rule_ip_parse(text, &ip) || ip.type != SMP_IPV4)
		return -1;
	uint32_t mask = ntohl(ip.ipv4.s_addr);
	/* Networks only: a mask with holes has no prefix length. */
	if (mask & (~mask >> 1))
		return -1;
	return __builtin_popcount(mask);
}

static void mask_bytes(uint8_t *bytes, unsigned size, unsigned bits)
{
	for (unsigned i = 0; i < size; i++) {
		unsigned keep = bits > i * 8 ? bits - i * 8 : 0;
		if (keep < 8)
			bytes[i] &= (uint8_t)(0xff00u >> keep);
	}
}

static int parse_ip(struct pattern *pat, struct arena *arena, const char *text, const char *op)
{
	struct slice s = slice_str(text);
	size_t slash = slice_find(s, '/');
	struct sample ip;
	if (!rule_ip_parse(slice_sub(s, 0, slash), &ip))
		return -1;
	unsigned max = ip.type == SMP_IPV4 ? 32 : 128;
	int bits = (int)max;
	if (slash < s.len)
		bits = mask_bits(slice_sub(s, slash + 1, s.len), max);
	if (bits < 0)
		return -1;
	memset(pat->ip.bytes, 0, sizeof(pat->ip.bytes));
	memcpy(pat->ip.bytes, &ip.ipv6, max / 8);
	mask_bytes(pat->ip.bytes, max / 8, (unsigned)bits);
	pat->ip.v4 = max == 32;
	pat->ip.bits = (uint8_t)bits;
	return 0;
}

static int parse_bin(struct pattern *pat, struct arena *arena, const char *text, const char *op)
{
	size_t len = strlen(text);
	char *out = arena_bytes(arena, len / 2 + 1);
	if (!out || len % 2)
		return -1;
	for (size_t i = 0; i < len / 2; i++) {
		int high = rule_hex_digit(text[2 * i]), low = rule_hex_digit(text[2 * i + 1]);
		if (high < 0 || low < 0)
			return -1;
		out[i] = (char)(high << 4 | low);
	}
	pat->text = slice_make(out, len / 2);
	return 0;
}

static int parse_str(struct pattern *pat, struct arena *arena, const char *text, const char *op)
{
	pat->text = slice_str(text);
	return 0;
}

/* Delimiters at the ends of "dir" and "dom" patterns do not count. */
static int parse_dir(struct pattern *pat, struct arena *arena, const char *text, const char *op)
{
	pat->text = slice_trim(slice_str(text), "/");
	return 0;
}

static int parse_dom(struct pattern *pat, struct arena *arena, const char *text, const char *op)
{
	pat->text = slice_trim(slice_str(text), "/?.:");
	return 0;
}

static int parse_method(struct pattern *pat, struct arena *arena, const char *text, const char *op)
{
	pat->text = slice_str(text);
	pat->method = http_method_of(pat->text);
	return 0;
}

/* ---- matching of one pattern ---- */

static bool match_range(const struct pattern *pat, struct rule_ctx *cx, const struct sample *s)
{
	return s->sint >= pat->range.low && s->sint <= pat->range.high;
}

static bool match_len(const struct pattern *pat, struct rule_ctx *cx, const struct sample *s)
{
	int64_t len = (int64_t)s->str.len;
	return len >= pat->range.low && len <= pat->range.high;
}

static bool match_str(const struct pattern *pat, struct rule_ctx *cx, const struct sample *s)
{
	return pat->icase ? slice_ieq(s->str, pat->text) : slice_eq(s->str, pat->text);
}

static bool match_beg(const struct pattern *pat, struct rule_ctx *cx, const struct sample *s)
{
	return pat->icase ? slice_has_iprefix(s->str, pat->text)
			  : slice_has_prefix(s->str, pat->text);
}

static bool match_end(const struct pattern *pat, struct rule_ctx *cx, const struct sample *s)
{
	if (s->str.len < pat->text.len)
		return false;
	struct slice tail = slice_sub(s->str, s->str.len - pat->text.len, pat->text.len);
	return pat->icase ? slice_ieq(tail, pat->text) : slice_eq(tail, pat->text);
}

static bool match_sub(const struct pattern *pat, struct rule_ctx *cx, const struct sample *s)
{
	size_t at = pat->icase ? slice_isearch(s->str, pat->text) : slice_search(s->str, pat->text);
	return at <= s->str.len;
}

/* The pattern as a whole part of the text, between any of the delimiters or the ends. */
static bool match_part(const struct pattern *pat, struct slice text, const char *delimiters)
{
	size_t n = pat->text.len;
	if (n == 0)
		return false;
	for (size_t i = 0; i + n <= text.len; i++) {
		if (i > 0 && !strchr(delimiters, text.ptr[i - 1]))
			continue;
		struct slice part = slice_sub(text, i, n);
		if (!(pat->icase ? slice_ieq(part, pat->text) : slice_eq(part, pat->text)))
			continue;
		if (i + n == text.len || strchr(delimiters, text.ptr[i + n]))
			return true;
	}
	return false;
}

static bool match_dir(const struct pattern *pat, struct rule_ctx *cx, const struct sample *s)
{
	return match_part(pat, s->str, "/?");
}

static bool match_dom(const struct pattern *pat, struct rule_ctx *cx, const struct sample *s)
{
	return match_part(pat, s->str, "/?.:");
}

static bool match_reg(const struct pattern *pat, struct rule_ctx *cx, const struct sample *s)
{
	return regex_match(pat->re, cx, s->str);
}

static bool match_meth(const struct pattern *pat, struct rule_ctx *cx, const struct sample *s)
{
	if (s->method != HTTP_OTHER || pat->method != HTTP_OTHER)
		return s->method == pat->method;
	return slice_ieq(s->str, pat->text);
}

static bool ip_has(const struct pattern *pat, const uint8_t *bytes, unsigned size)
{
	uint8_t masked[16];
	memcpy(masked, bytes, size);
	mask_bytes(masked, size, pat->ip.bits);
	return memcmp(masked, pat->ip.bytes, size) == 0;
}

/* An address in both families, as far as it exists in both. */
struct ip_forms {
	struct in_addr v4;
	struct in6_addr v6;
	bool has_v4;
};

static void ip_forms_of(const struct sample *s, struct ip_forms *ret)
{
	if (s->type == SMP_IPV4) {
		ret->has_v4 = true;
		ret->v4 = s->ipv4;
		memset(&ret->v6, 0, sizeof(ret->v6));
		ret->v6.s6_addr[10] = 0xff;
		ret->v6.s6_addr[11] = 0xff;
		memcpy(&ret->v6.s6_addr[12], &s->ipv4, 4);
		return;
	}
	ret->v6 = s->ipv6;
	ret->has_v4 = rule_ip6_embedded(&s->ipv6, &ret->v4);
}

static bool match_ip(const struct pattern *pat, struct rule_ctx *cx, const struct sample *s)
{
	struct ip_forms f;
	ip_forms_of(s, &f);
	if (pat->ip.v4)
		return f.has_v4 && ip_has(pat, (const uint8_t *)&f.v4, 4);
	return ip_has(pat, f.v6.s6_addr, 16);
}

static const struct match_row methods[MATCH_N] = {
	[MATCH_FOUND] = { .name = "found", .input = SMP_ANY },
	[MATCH_BOOL] = { .name = "bool", .input = SMP_BOOL },
	[MATCH_INT] = { "int", SMP_SINT, parse_int, match_range, false },
	[MATCH_IP] = { "ip", SMP_ANY, parse_ip, match_ip, true },
	[MATCH_BIN] = { "bin", SMP_BIN, parse_bin, match_str, true },
	[MATCH_LEN] = { "len", SMP_STR, parse_int, match_len, false },
	[MATCH_STR] = { "str", SMP_STR, parse_str, match_str, true },
	[MATCH_SUB] = { "sub", SMP_STR, parse_str, match_sub, false },
	[MATCH_REG] = { "reg", SMP_STR, parse_str, match_reg, false },
	[MATCH_BEG] = { "beg", SMP_STR, parse_str, match_beg, true },
	[MATCH_END] = { "end", SMP_STR, parse_str, match_end, true },
	[MATCH_DIR] = { "dir", SMP_STR, parse_dir, match_dir, false },
	[MATCH_DOM] = { "dom", SMP_STR, parse_dom, match_dom, false },
	[MATCH_METHOD] = { NULL, SMP_METH, parse_method, match_meth, false },
};

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

/* ---- sets ---- */

struct patterns *patterns_new(struct arena *arena, enum match_method method)
{
	struct patterns *p = arena_new(arena, struct patterns);
	if (!p)
		return NULL;
	p->method = method;
	p->arena = arena;
	p->last = &p->first;
	return p;
}

enum match_method patterns_method(const struct patterns *p)
{
	return p->method;
}

size_t patterns_count(const struct patterns *p)
{
	return p->count;
}

struct pattern *patterns_add(struct patterns *p, struct conf *conf, const struct conf_line *line,
    int arg, const char *text, bool icase, const char *op)
{
	const struct match_row *row = &methods[p->method];
	struct pattern *pat = arena_new(p->arena, struct pattern);
	char *copy = arena_strdup(p->arena, text);
	if (!pat || !copy) {
		conf_error(conf, line, arg, "out of memory");
		return NULL;
	}
	pat->icase = icase;
	if (p->method == MATCH_REG) {
		pat->re = regex_compile(conf, line, arg, copy, icase);
		if (!pat->re)
			return NULL;
		pat->text = slice_str(copy);
	} else if (row->parse && row->parse(pat, p->arena, copy, op) < 0) {
		conf_error(conf, line, arg, "'%s' is not a valid pattern for the match method '%s'",
		    text, row->name ? row->name : "method");
		return NULL;
	}
	*p->last = pat;
	p->last = &pat->next;
	p->count++;
	return pat;
}

static struct slice text_key(const struct pattern *p)
{
	return p->text;
}

static unsigned text_length(const struct pattern *p)
{
	return (unsigned)p->text.len;
}

static bool pick_case(const struct pattern *p, bool icase)
{
	return p->icase == icase;
}

/* Networks: v4, bits and bytes lie side by side and are the key. */
static struct slice ip_key(const struct pattern *p)
{
	return slice_make((const char *)&p->ip, sizeof(p->ip));
}

static unsigned ip_length(const struct pattern *p)
{
	return p->ip.bits;
}

static bool pick_family(const struct pattern *p, bool v4)
{
	return p->ip.v4 == v4;
}

int patterns_seal(struct patterns *p, struct conf *conf, const struct conf_line *line, int arg)
{
	if (!methods[p->method].hashed || p->count <= FEW)
		return 0;
	bool ip = p->method == MATCH_IP;
	for (unsigned i = 0; i < 2; i++) {
		int err = keyset_build(&p->exact[i], p->arena, p->first, i != 0,
		    ip ? pick_family : pick_case, !ip && i != 0, ip ? ip_key : text_key,
		    ip ? ip_length : text_length);
		if (err < 0) {
			conf_error(conf, line, arg, "out of memory");
			return -1;
		}
	}
	p->indexed = true;
	return 0;
}

static const struct pattern *find_network(
    const struct keyset *k, bool v4, const uint8_t *bytes, unsigned size)
{
	struct pattern probe;
	for (unsigned i = 0; i < k->lengths_n; i++) {
		memset(&probe.ip, 0, sizeof(probe.ip));
		memcpy(probe.ip.bytes, bytes, size);
		mask_bytes(probe.ip.bytes, size, k->lengths[i]);
		probe.ip.v4 = v4;
		probe.ip.bits = (uint8_t)k->lengths[i];
		const struct pattern *hit = keyset_find(k, ip_key(&probe), ip_key);
		if (hit)
			return hit;
	}
	return NULL;
}

static const struct pattern *find_indexed(const struct patterns *p, const struct sample *s)
{
	const struct pattern *hit = NULL;
	if (p->method == MATCH_IP) {
		struct ip_forms f;
		ip_forms_of(s, &f);
		if (f.has_v4)
			hit = find_network(&p->exact[1], true, (const uint8_t *)&f.v4, 4);
		return hit ? hit : find_network(&p->exact[0], false, f.v6.s6_addr, 16);
	}
	for (unsigned i = 0; i < 2; i++) {
		const struct keyset *k = &p->exact[i];
		if (p->method == MATCH_STR || p->method == MATCH_BIN) {
			hit = keyset_find(k, s->str, text_key);
			if (hit)
				return hit;
			continue;
		}
		for (unsigned j = 0; j < k->lengths_n; j++) {
			size_t len = k->lengths[j];
			if (len > s->str.len || (hit && len <= hit->text.len))
				continue;
			size_t from = p->method == MATCH_END ? s->str.len - len : 0;
			const struct pattern *longer =
			    keyset_find(k, slice_sub(s->str, from, len), text_key);
			if (longer)
				hit = longer;
		}
	}
	return hit;
}

const struct pattern *patterns_find(
    const struct patterns *p, struct rule_ctx *cx, const struct sample *s)
{
	const struct match_row *row = &methods[p->method];
	if (p->method == MATCH_IP && s->type != SMP_IPV4 && s->type != SMP_IPV6)
		return NULL;
	if (p->indexed)
		return find_indexed(p, s);
	const struct pattern *best = NULL;
	for (const struct pattern *pat = p->first; pat; pat = pat->next) {
		if (!row->match || !row->match(pat, cx, s))
			continue;
		if (p->method == MATCH_IP && (!best || pat->ip.bits > best->ip.bits))
			best = pat;
		else if (p->method == MATCH_BEG && (!best || pat->text.len > best->text.len))
			best = pat;
		else if (p->method != MATCH_IP && p->method != MATCH_BEG)
			return pat;
	}
	return best;
}
