/* SPDX-License-Identifier: MIT */
/*
 * Fields of protocol buffers messages, bare or behind the five bytes of a gRPC frame. Nothing is built: the path
 * of field numbers is followed through the bytes to the first field of each number.
 */
#include "tables.h"

enum wire { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

/* How a number is read from its bytes. Varints stay 64 bits wide, whatever the type says. */
enum form { FORM_PLAIN, FORM_SIGNED32, FORM_ZIGZAG, FORM_FLOAT, FORM_DOUBLE };

static const struct type {
	const char *name;
	enum wire wire;
	enum form form;
} types[] = {
	{ "int32", WIRE_VARINT, FORM_PLAIN },
	{ "int64", WIRE_VARINT, FORM_PLAIN },
	{ "uint32", WIRE_VARINT, FORM_PLAIN },
	{ "uint64", WIRE_VARINT, FORM_PLAIN },
	{ "sint32", WIRE_VARINT, FORM_ZIGZAG },
	{ "sint64", WIRE_VARINT, FORM_ZIGZAG },
	{ "bool", WIRE_VARINT, FORM_PLAIN },
	{ "enum", WIRE_VARINT, FORM_PLAIN },
	{ "fixed64", WIRE_64, FORM_PLAIN },
	{ "sfixed64", WIRE_64, FORM_PLAIN },
	{ "double", WIRE_64, FORM_DOUBLE },
	{ "fixed32", WIRE_32, FORM_PLAIN },
	{ "sfixed32", WIRE_32, FORM_SIGNED32 },
	{ "float", WIRE_32, FORM_FLOAT },
};

#define PATH_MAX_DEPTH 16

struct query {
	uint64_t path[PATH_MAX_DEPTH];
	unsigned depth;
	const struct type *type; /* NULL: the bytes of the field */
};

/* Moves behind a number of at most ten bytes. */
static bool take_varint(struct slice *s, uint64_t *ret)
{
	*ret = 0;
	for (unsigned i = 0; i < 10 && i < s->len; i++) {
		unsigned char c = (unsigned char)s->ptr[i];
		*ret |= (uint64_t)(c & 0x7f) << (7 * i);
		if (c & 0x80)
			continue;
		*s = slice_sub(*s, i + 1, s->len);
		return true;
	}
	return false;
}

/* Moves behind the value of a field; ret: its bytes, without the length in front. */
static bool take_field(struct slice *s, unsigned wire, struct slice *ret)
{
	struct slice before = *s;
	uint64_t number;
	size_t len;
	switch (wire) {
	case WIRE_VARINT:
		if (!take_varint(s, &number))
			return false;
		*ret = slice_sub(before, 0, before.len - s->len);
		return true;
	case WIRE_BYTES:
		if (!take_varint(s, &number) || number > s->len)
			return false;
		len = (size_t)number;
		break;
	case WIRE_64:
		len = 8;
		break;
	case WIRE_32:
		len = 4;
		break;
	default:
		return false;
	}
	if (len > s->len)
		return false;
	*ret = slice_sub(*s, 0, len);
	*s = slice_sub(*s, len, s->len);
	return true;
}

/*
 * The first field at the path, from its step on. A repeated message that does not have the rest of the path gives
 * way to the next one of its number; the depth of the path bounds the recursion.
 */
static bool find_field(struct slice s, const struct query *q, unsigned step, struct slice *ret)
{
	bool last = step + 1 == q->depth;
	uint64_t key;
	struct slice bytes;
	while (s.len) {
		if (!take_varint(&s, &key) || !take_field(&s, key & 7, &bytes))
			return false;
		if (key >> 3 != q->path[step])
			continue;
		if (!last) {
			if ((key & 7) == WIRE_BYTES && find_field(bytes, q, step + 1, ret))
				return true;
			continue;
		}
		if (q->type && (key & 7) != q->type->wire)
			return false;
		*ret = bytes;
		return true;
	}
	return false;
}

static uint64_t little_endian(struct slice s)
{
	uint64_t v = 0;
	for (size_t i = s.len; i-- > 0;)
		v = v << 8 | (unsigned char)s.ptr[i];
	return v;
}

/* Numbers with a fraction lose it; what no integer holds saturates. */
static int64_t whole(double d)
{
	if (d != d)
		return 0;
	if (d >= 9223372036854775807.0)
		return INT64_MAX;
	return d <= -9223372036854775808.0 ? INT64_MIN : (int64_t)d;
}

static int64_t number_of(const struct type *type, struct slice bytes)
{
	uint64_t v;
	float f;
	double d;
	if (type->wire == WIRE_VARINT)
		(void)take_varint(&bytes, &v);
	else
		v = little_endian(bytes);
	uint32_t low = (uint32_t)v;
	switch (type->form) {
	case FORM_SIGNED32:
		return (int32_t)low;
	case FORM_ZIGZAG:
		return (int64_t)(v >> 1 ^ -(v & 1));
	case FORM_FLOAT:
		memcpy(&f, &low, sizeof(f));
		return whole(f);
	case FORM_DOUBLE:
		memcpy(&d, &v, sizeof(d));
		return whole(d);
	case FORM_PLAIN:
		break;
	}
	return (int64_t)v;
}

static bool ret_field(struct sample *s, const struct query *q, struct slice bytes)
{
	return q->type ? ret_int(s, number_of(q->type, bytes)) : ret_bin(s, bytes);
}

static bool conv_protobuf(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	struct slice bytes;
	return find_field(s->str, args->data, 0, &bytes) && ret_field(s, args->data, bytes);
}

/* Frames: a byte that says whether it is compressed, four of length, the message. */
static bool conv_ungrpc(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	struct slice rest = s->str, bytes;
	while (rest.len > 5) {
		const unsigned char *p = (const unsigned char *)rest.ptr;
		size_t len = (size_t)p[1] << 24 | (size_t)p[2] << 16 | (size_t)p[3] << 8 | p[4];
		rest = slice_sub(rest, 5, rest.len);
		if (len > rest.len)
			return false;
		if (find_field(slice_sub(rest, 0, len), args->data, 0, &bytes))
			return ret_field(s, args->data, bytes);
		rest = slice_sub(rest, len, rest.len);
	}
	return false;
}

static bool path_parse(struct slice text, struct query *q)
{
	while (text.ptr) {
		struct slice one = slice_cut(&text, '.');
		if (q->depth == PATH_MAX_DEPTH ||
		    slice_to_u64(one, (1u << 29) - 1, &q->path[q->depth]) != 0)
			return false;
		q->depth++;
	}
	return true;
}

static int check_protobuf(const struct arg_place *at, struct args *args)
{
	struct query *q = arena_new(conf_arena(at->conf), struct query);
	args->data = q;
	if (!q)
		return -1;
	if (!path_parse(args->v[0].str, q)) {
		conf_error(at->conf, at->line, at->arg,
		    "%s: '%s' is no path of field numbers like 48.59.1", at->what,
		    args->v[0].str.ptr);
		return -1;
	}
	if (!args_has(args, 1))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (strcmp(types[i].name, args->v[1].str.ptr) == 0)
			q->type = &types[i];
	}
	if (q->type)
		return 0;
	conf_error(at->conf, at->line, at->arg, "%s: unknown field type '%s'", at->what,
	    args->v[1].str.ptr);
	return -1;
}

static enum sample_type out_protobuf(const struct args *args)
{
	const struct query *q = args->data;
	return q->type ? SMP_SINT : SMP_BIN;
}

#define FIELD(keyword, fn, text)                                                                   \
	{                                                                                          \
		.name = keyword, .in = SMP_BIN, .out = SMP_BIN, .args_min = 1,                     \
		.args = { ARG_STR, ARG_STR }, .eval = fn, .check = check_protobuf,                 \
		.out_of = out_protobuf, .usage = "<field_number>[,<field_type>]", .help = text     \
	}

const struct conv_row conv_proto_rows[] = {
	FIELD("protobuf", conv_protobuf,
	    "field of a protocol buffers message: its bytes, or an integer"),
	FIELD("ungrpc", conv_ungrpc, "field of the message in a gRPC frame"),
	{ .name = NULL },
};
