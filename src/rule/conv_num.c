/* SPDX-License-Identifier: MIT */
/*
 * Converters on integers and booleans. Results that do not fit in 64 bits saturate.
 */
#include <arpa/inet.h>

#include "tables.h"

enum op { OP_ADD, OP_SUB, OP_MUL, OP_DIV, OP_MOD, OP_AND, OP_OR, OP_XOR };

static int64_t saturated(bool negative)
{
	return negative ? INT64_MIN : INT64_MAX;
}

static bool conv_math(struct rule_ctx *cx, const struct args *args, uintptr_t op, struct sample *s)
{
	int64_t a = s->sint, b, r = 0;
	if (!arg_int(cx, &args->v[0], &b))
		return false;
	switch ((enum op)op) {
	case OP_ADD:
		if (__builtin_add_overflow(a, b, &r))
			r = saturated(a < 0);
		break;
	case OP_SUB:
		if (__builtin_sub_overflow(a, b, &r))
			r = saturated(a < 0);
		break;
	case OP_MUL:
		if (__builtin_mul_overflow(a, b, &r))
			r = saturated((a < 0) != (b < 0));
		break;
	case OP_DIV:
		if (b == 0 || (a == INT64_MIN && b == -1))
			r = INT64_MAX;
		else
			r = a / b;
		break;
	case OP_MOD:
		r = b == 0 || b == -1 ? 0 : a % b;
		break;
	case OP_AND:
		r = a & b;
		break;
	case OP_OR:
		r = a | b;
		break;
	case OP_XOR:
		r = a ^ b;
		break;
	}
	s->sint = r;
	return true;
}

static bool conv_neg(struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	s->sint = s->sint == INT64_MIN ? INT64_MAX : -s->sint;
	return true;
}

static bool conv_cpl(struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	s->sint = ~s->sint;
	return true;
}

static bool conv_bool(struct rule_ctx *cx, const struct args *args, uintptr_t not, struct sample *s)
{
	return ret_bool(s, (s->sint != 0) != (not != 0));
}

static bool conv_odd(struct rule_ctx *cx, const struct args *args, uintptr_t even, struct sample *s)
{
	return ret_bool(s, (s->sint & 1) != (int64_t)even);
}

static bool conv_htonl(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	uint32_t net = htonl((uint32_t)s->sint);
	return ret_bin(s, arena_slice(cx->arena, slice_make((const char *)&net, 4)));
}

#define MATH(keyword, op, text)                                                                    \
	{                                                                                          \
		.name = keyword, .in = SMP_SINT, .out = SMP_SINT, .args_min = 1,                   \
		.args = { ARG_SINT_VAR }, .eval = conv_math, .data = op, .usage = "<value>",       \
		.help = text                                                                       \
	}
#define UNARY(keyword, type, fn, number, text)                                                     \
	{                                                                                          \
		.name = keyword, .in = SMP_SINT, .out = type, .eval = fn, .data = number,          \
		.help = text                                                                       \
	}

const struct conv_row conv_num_rows[] = {
	MATH("add", OP_ADD, "adds"),
	MATH("sub", OP_SUB, "subtracts"),
	MATH("mul", OP_MUL, "multiplies"),
	MATH("div", OP_DIV, "divides; by 0 gives the largest integer"),
	MATH("mod", OP_MOD, "remainder; by 0 gives 0"),
	MATH("and", OP_AND, "bitwise and"),
	MATH("or", OP_OR, "bitwise or"),
	MATH("xor", OP_XOR, "bitwise exclusive or"),
	UNARY("neg", SMP_SINT, conv_neg, 0, "opposite value"),
	UNARY("cpl", SMP_SINT, conv_cpl, 0, "bitwise complement"),
	UNARY("bool", SMP_BOOL, conv_bool, 0, "whether it is not 0"),
	UNARY("not", SMP_BOOL, conv_bool, 1, "whether it is 0"),
	UNARY("odd", SMP_BOOL, conv_odd, 0, "whether it is odd"),
	UNARY("even", SMP_BOOL, conv_odd, 1, "whether it is even"),
	UNARY("htonl", SMP_BIN, conv_htonl, 0, "32-bit integer in network order"),
	{ .name = NULL },
};
