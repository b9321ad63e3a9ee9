/* SPDX-License-Identifier: MIT */
/*
 * Arguments in parentheses behind a fetch or converter name, compiled by the types of its row. Runs while the
 * configuration is read; results live in the configuration's arena.
 */
#include <arpa/inet.h>

#include "var.h"

/*
 * Copies one argument up to ',' or ')' without its quotes and escapes. Single quotes keep everything, double
 * quotes keep commas and parentheses; a backslash takes the next byte's meaning away and stays in front of
 * bytes that had none (so that "\d" of a regex survives).
 */
static const char *read_word(const char *p, char *out, size_t *ret_len)
{
	char quote = '\0';
	size_t n = 0;
	for (; *p; p++) {
		if (quote) {
			if (*p == quote) {
				quote = '\0';
				continue;
			}
			if (quote == '"' && *p == '\\' && p[1] && strchr("\\\"", p[1]))
				p++;
		} else if (*p == '\'' || *p == '"') {
			quote = *p;
			continue;
		} else if (*p == ',' || *p == ')') {
			break;
		} else if (*p == '\\' && p[1] && strchr("\\,()\"' #", p[1])) {
			p++;
		}
		out[n++] = *p;
	}
	out[n] = '\0';
	*ret_len = n;
	return quote ? NULL : p;
}

static void lower(char *text)
{
	for (; *text; text++)
		*text = ascii_lower(*text);
}

static bool mask4_parse(const char *text, struct in_addr *ret)
{
	uint64_t bits;
	if (slice_to_u64(slice_str(text), 32, &bits) == 0) {
		ret->s_addr = htonl(bits ? ~0u << (32 - bits) : 0);
		return true;
	}
	return inet_pton(AF_INET, text, ret) == 1;
}

static bool mask6_parse(const char *text, struct in6_addr *ret)
{
	uint64_t bits;
	if (slice_to_u64(slice_str(text), 128, &bits) != 0)
		return inet_pton(AF_INET6, text, ret) == 1;
	memset(ret, 0, sizeof(*ret));
	for (unsigned i = 0; i < bits; i++)
		ret->s6_addr[i / 8] |= (uint8_t)(0x80 >> (i % 8));
	return true;
}

static bool value_parse(struct arg *a, char *text)
{
	switch (a->type) {
	case ARG_NONE:
	case ARG_STR:
	case ARG_FRONTEND:
	case ARG_BACKEND:
	case ARG_SERVER:
		return true;
	case ARG_HDR:
		lower(text);
		a->num = http_hdr_id(text, strlen(text));
		return true;
	case ARG_SINT:
		return rule_int_parse(a->str, &a->num);
	case ARG_UINT:
		return rule_int_parse(a->str, &a->num) && a->num >= 0;
	case ARG_IP4:
		return inet_pton(AF_INET, text, &a->ipv4) == 1;
	case ARG_IP6:
		return inet_pton(AF_INET6, text, &a->ipv6) == 1;
	case ARG_MASK4:
		return mask4_parse(text, &a->ipv4);
	case ARG_MASK6:
		return mask6_parse(text, &a->ipv6);
	case ARG_SINT_VAR:
		return a->var || rule_int_parse(a->str, &a->num);
	case ARG_VAR:
	case ARG_STR_VAR:
		return true;
	}
	return false;
}

static const char *arg_type_name(enum arg_type type)
{
	switch (type) {
	case ARG_SINT:
		return "integer";
	case ARG_UINT:
		return "non-negative integer";
	case ARG_IP4:
		return "IPv4 address";
	case ARG_IP6:
		return "IPv6 address";
	case ARG_MASK4:
		return "IPv4 mask";
	case ARG_MASK6:
		return "IPv6 mask";
	case ARG_SINT_VAR:
		return "integer or name of a variable";
	default:
		return "string";
	}
}

/* Whether the argument must, or may and does, name a variable. */
static bool names_variable(const struct arg *a)
{
	return a->type == ARG_VAR ||
	       ((a->type == ARG_SINT_VAR || a->type == ARG_STR_VAR) && var_is_name(a->str));
}

static int one_arg(const struct arg_place *at, struct arg *a, enum arg_type type, char *text,
    size_t len, unsigned index)
{
	a->type = type;
	a->str = slice_make(text, len);
	if (len == 0 && type != ARG_STR && type != ARG_STR_VAR) {
		a->type = ARG_NONE;
		return 0;
	}
	if (names_variable(a)) {
		a->var = var_name_parse(at, a->str);
		return a->var ? 0 : -1;
	}
	if (type == ARG_FRONTEND || type == ARG_BACKEND || type == ARG_SERVER)
		return rule_object_note(at, RULE_FRONTEND_NAME + (type - ARG_FRONTEND), a->str);
	if (value_parse(a, text))
		return 0;
	conf_error(at->conf, at->line, at->arg, "%s: argument %u: '%s' is not a valid %s", at->what,
	    index + 1, text, arg_type_name(type));
	return -1;
}

static int list_parse(const struct arg_place *at, const char **text, const uint8_t *types,
    unsigned row_n, unsigned min, struct args *ret)
{
	struct arena *arena = conf_arena(at->conf);
	const char *p = *text + 1;
	/* "()" is no argument, or an empty string where there must be one. */
	bool nothing = *p == ')' && !(min && types[0] == ARG_STR);
	for (;;) {
		size_t len;
		char *word = arena_bytes(arena, strlen(p) + 1);
		if (!word)
			goto no_memory;
		p = read_word(p, word, &len);
		if (!p || !*p) {
			conf_error(at->conf, at->line, at->arg, "%s: %s", at->what,
			    p ? "')' is missing behind the arguments"
			      : "a quote is not closed in the arguments");
			return -1;
		}
		if (nothing) {
			p++;
			break;
		}
		if (ret->n >= row_n) {
			conf_error(at->conf, at->line, at->arg, "%s takes at most %u argument(s)",
			    at->what, row_n);
			return -1;
		}
		if (one_arg(at, &ret->v[ret->n], types[ret->n], word, len, ret->n) < 0)
			return -1;
		ret->n++;
		if (*p++ == ')')
			break;
	}
	*text = p;
	return 0;
no_memory:
	conf_error(at->conf, at->line, at->arg, "out of memory");
	return -1;
}

int rule_args_parse(const struct arg_place *at, const char **text, const uint8_t *types,
    unsigned row_n, unsigned min, struct args *ret)
{
	unsigned n = 0;
	while (n < row_n && types[n] != ARG_NONE)
		n++;
	*ret = (struct args){ .n = 0 };
	if (n) {
		ret->v = arena_array(conf_arena(at->conf), struct arg, n);
		if (!ret->v) {
			conf_error(at->conf, at->line, at->arg, "out of memory");
			return -1;
		}
	}
	if (**text == '(' && list_parse(at, text, types, n, min, ret) < 0)
		return -1;
	for (unsigned i = 0; i < min; i++) {
		if (args_has(ret, i))
			continue;
		conf_error(at->conf, at->line, at->arg, "%s needs %s%u argument(s)", at->what,
		    min < n ? "at least " : "", min);
		return -1;
	}
	return 0;
}

bool arg_int(struct rule_ctx *cx, const struct arg *a, int64_t *ret)
{
	struct sample s;
	if (!a->var) {
		*ret = a->num;
		return true;
	}
	if (!var_get_as(cx, a->var, SMP_SINT, &s))
		return false;
	*ret = s.sint;
	return true;
}

bool arg_str(struct rule_ctx *cx, const struct arg *a, struct slice *ret)
{
	struct sample s;
	if (!a->var) {
		*ret = a->str;
		return true;
	}
	if (!var_get_as(cx, a->var, SMP_STR, &s))
		return false;
	*ret = s.str;
	return true;
}
