/* SPDX-License-Identifier: MIT */
/*
 * The Forwarded header (RFC 7239): whether a value is right, its parameters, and nodes taken apart and made.
 * Comparisons and characters are those of the RFC: no blanks around ';' and '=', quotes around everything that is
 * no token.
 */
#include <arpa/inet.h>

#include "tables.h"

enum param { PARAM_FOR, PARAM_BY, PARAM_HOST, PARAM_PROTO, PARAM_N, PARAM_OTHER = PARAM_N };

static const char *const param_names[PARAM_N] = {
	[PARAM_FOR] = "for",
	[PARAM_BY] = "by",
	[PARAM_HOST] = "host",
	[PARAM_PROTO] = "proto",
};

static bool is_alnum(char c)
{
	char l = ascii_lower(c);
	return (l >= 'a' && l <= 'z') || ascii_is_digit(c);
}

static bool is_token_char(char c)
{
	return is_alnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_obfuscated_char(char c)
{
	return is_alnum(c) || (c && strchr("._-", c));
}

static bool all_chars(struct slice s, bool (*is)(char c))
{
	for (size_t i = 0; i < s.len; i++) {
		if (!is(s.ptr[i]))
			return false;
	}
	return s.len > 0;
}

/* ---- nodes ---- */

/* "_" and at least one character more. */
static bool is_obfuscated(struct slice s)
{
	return s.len > 1 && s.ptr[0] == '_' &&
	       all_chars(slice_sub(s, 1, s.len), is_obfuscated_char);
}

static bool ip_of(struct slice text, int family, void *ret)
{
	char copy[INET6_ADDRSTRLEN];
	if (text.len == 0 || text.len >= sizeof(copy))
		return false;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	return inet_pton(family, copy, ret) == 1;
}

/* nodename [ ":" node-port ]; each of the two may be NULL. False: it is no node. */
static bool node_parse(struct slice node, struct sample *name, struct sample *port)
{
	struct sample n = { .type = SMP_STR }, p = { .type = SMP_ANY };
	size_t end = slice_find(node, ':');
	if (node.len && node.ptr[0] == '[') {
		end = slice_find(node, ']');
		n.type = SMP_IPV6;
		if (end == node.len || !ip_of(slice_sub(node, 1, end - 1), AF_INET6, &n.ipv6))
			return false;
		end++;
	} else if (ip_of(slice_sub(node, 0, end), AF_INET, &n.ipv4)) {
		n.type = SMP_IPV4;
	} else {
		n.str = slice_sub(node, 0, end);
		if (!is_obfuscated(n.str) && !slice_ieq(n.str, SLICE("unknown")))
			return false;
	}
	if (end < node.len) {
		struct slice text = slice_sub(node, end + 1, node.len);
		uint64_t number;
		if (node.ptr[end] != ':')
			return false;
		if (text.len <= 5 && slice_to_u64(text, 65535, &number) == 0)
			(void)ret_int(&p, (int64_t)number);
		else if (is_obfuscated(text))
			(void)ret_str(&p, text);
		else
			return false;
	}
	if (name)
		*name = n;
	if (port)
		*port = p;
	return true;
}

/* ---- the header ---- */

static bool host_valid(struct slice host)
{
	for (size_t i = 0; i < host.len; i++) {
		char c = host.ptr[i];
		if (!is_alnum(c) && !(c && strchr("-._~!$&'()*+,;=%[]:", c)))
			return false;
	}
	return host.len > 0;
}

static bool value_valid(enum param which, struct slice value)
{
	switch (which) {
	case PARAM_FOR:
	case PARAM_BY:
		return node_parse(value, NULL, NULL);
	case PARAM_HOST:
		return host_valid(value);
	case PARAM_PROTO:
		return slice_ieq(value, SLICE("http")) || slice_ieq(value, SLICE("https"));
	default:
		return true;
	}
}

/* A token or a quoted string at the beginning of *s; *ret without the quotes. */
static bool take_value(struct slice *s, struct slice *ret)
{
	size_t n = 0;
	if (s->len == 0 || s->ptr[0] != '"') {
		while (n < s->len && is_token_char(s->ptr[n]))
			n++;
		*ret = slice_sub(*s, 0, n);
		*s = slice_sub(*s, n, s->len);
		return n > 0;
	}
	for (n = 1; n < s->len && s->ptr[n] != '"'; n++) {
		/* Nothing that may stand here needs a backslash. */
		if ((unsigned char)s->ptr[n] < 0x20 || s->ptr[n] == '\\' || s->ptr[n] == 0x7f)
			return false;
	}
	if (n >= s->len)
		return false;
	*ret = slice_sub(*s, 1, n - 1);
	*s = slice_sub(*s, n + 1, s->len);
	return true;
}

/* One "name=value" at the beginning of *s. */
static bool take_pair(struct slice *s, enum param *ret_which, struct slice *ret)
{
	size_t eq = slice_find(*s, '=');
	struct slice name = slice_sub(*s, 0, eq);
	if (eq == s->len || !all_chars(name, is_token_char))
		return false;
	*s = slice_sub(*s, eq + 1, s->len);
	unsigned which = 0;
	while (which < PARAM_N && !slice_ieq(name, slice_str(param_names[which])))
		which++;
	*ret_which = (enum param)which;
	return take_value(s, ret) && value_valid(*ret_which, *ret);
}

/*
 * Reads a whole header value: elements between commas, each with a parameter at most once. values: the first of
 * each parameter.
 */
static bool header_parse(struct slice s, struct slice values[PARAM_N + 1])
{
	unsigned seen = 0;
	memset(values, 0, sizeof(*values) * (PARAM_N + 1));
	if (s.len == 0)
		return false;
	for (;;) {
		enum param which;
		struct slice value;
		if (!take_pair(&s, &which, &value))
			return false;
		if (which != PARAM_OTHER && (seen & 1u << which))
			return false;
		seen |= 1u << which;
		if (!values[which].ptr)
			values[which] = value;
		if (s.len && s.ptr[0] == ';') {
			s = slice_sub(s, 1, s.len);
			/* the grammar has empty pairs: a ';' may end an element */
			if (s.len && s.ptr[0] != ',')
				continue;
		}
		s = slice_trim_ows(s);
		if (s.len == 0)
			return true;
		if (s.ptr[0] != ',')
			return false;
		s = slice_trim_ows(slice_sub(s, 1, s.len));
		seen = 0;
	}
}

static bool conv_is_valid(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	struct slice values[PARAM_N + 1];
	return ret_bool(s, header_parse(s->str, values));
}

/* The number of the parameter in num. */
static int check_field(const struct arg_place *at, struct args *args)
{
	for (int i = 0; i < PARAM_N; i++) {
		if (strcmp(args->v[0].str.ptr, param_names[i]) == 0) {
			args->v[0].num = i;
			return 0;
		}
	}
	conf_error(at->conf, at->line, at->arg, "%s: '%s' is none of for, by, host, proto",
	    at->what, args->v[0].str.ptr);
	return -1;
}

static bool conv_field(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	struct slice values[PARAM_N + 1];
	return header_parse(s->str, values) && ret_str(s, values[args->v[0].num]);
}

/* ---- nodes as converters ---- */

static enum sample_type any_type(const struct args *args)
{
	return SMP_ANY;
}

/* data: the port instead of the name. */
static bool conv_node(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	struct sample part;
	if (!node_parse(s->str, data ? NULL : &part, data ? &part : NULL) || part.type == SMP_ANY)
		return false;
	part.may_change = s->may_change;
	*s = part;
	return true;
}

static bool prefixed(struct rule_ctx *cx, struct sample *s)
{
	return all_chars(s->str, is_obfuscated_char) &&
	       ret_str(s, ctx_join(cx, SLICE("_"), s->str));
}

static bool conv_name(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	bool v6 = s->type == SMP_IPV6;
	if (s->type == SMP_IPV4 || v6) {
		if (!sample_cast(s, SMP_STR, cx->arena) || !v6)
			return s->type == SMP_STR;
		struct slice open = ctx_join(cx, SLICE("["), s->str);
		return open.ptr && ret_str(s, ctx_join(cx, open, SLICE("]")));
	}
	if (!sample_cast(s, SMP_STR, cx->arena))
		return false;
	return s->str.len ? prefixed(cx, s) : ret_str(s, SLICE("unknown"));
}

static bool conv_port(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	if (s->type == SMP_SINT)
		return s->sint >= 0 && s->sint <= 65535 && sample_cast(s, SMP_STR, cx->arena);
	return sample_cast(s, SMP_STR, cx->arena) && prefixed(cx, s);
}

const struct conv_row conv_forwarded_rows[] = {
	{ .name = "rfc7239_is_valid",
	    .in = SMP_STR,
	    .out = SMP_BOOL,
	    .eval = conv_is_valid,
	    .help = "whether it is a right value of the Forwarded header" },
	{ .name = "rfc7239_field",
	    .in = SMP_STR,
	    .out = SMP_STR,
	    .args_min = 1,
	    .args = { ARG_STR },
	    .eval = conv_field,
	    .check = check_field,
	    .usage = "<field>",
	    .help = "for, by, host or proto of a Forwarded header" },
	{ .name = "rfc7239_n2nn",
	    .in = SMP_STR,
	    .out = SMP_ANY,
	    .eval = conv_node,
	    .data = 0,
	    .out_of = any_type,
	    .help = "name of a node: an address or a text" },
	{ .name = "rfc7239_n2np",
	    .in = SMP_STR,
	    .out = SMP_ANY,
	    .eval = conv_node,
	    .data = 1,
	    .out_of = any_type,
	    .help = "port of a node: an integer or a text" },
	{ .name = "rfc7239_nn",
	    .in = SMP_ANY,
	    .out = SMP_STR,
	    .eval = conv_name,
	    .help = "an address or a text as the name of a node" },
	{ .name = "rfc7239_np",
	    .in = SMP_ANY,
	    .out = SMP_STR,
	    .eval = conv_port,
	    .help = "an integer or a text as the port of a node" },
	{ .name = NULL },
};
