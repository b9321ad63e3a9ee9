/* SPDX-License-Identifier: MIT */
/*
 * FIX messages: "tag=value" pairs, each ended by SOH. Only the first message of the bytes is looked at. While its
 * end is missing there is no value, so that content rules wait for it.
 */
#include "tables.h"

#define SOH '\x01'

#define TAG_BEGIN    8
#define TAG_LENGTH   9
#define TAG_CHECKSUM 10
#define TAG_TYPE     35

struct pair {
	uint64_t tag;
	struct slice value;
	size_t start, end; /* in the message; end is behind SOH */
};

enum take { TAKE_PAIR, TAKE_MISSING, TAKE_WRONG };

/* The pair that begins at at. */
static enum take take_pair(struct slice msg, size_t at, struct pair *ret)
{
	struct slice rest = slice_sub(msg, at, msg.len);
	size_t eq = slice_find(rest, '='), end = slice_find(rest, SOH);
	if (end == rest.len)
		return TAKE_MISSING;
	if (eq > end || slice_to_u64(slice_sub(rest, 0, eq), UINT32_MAX, &ret->tag) != 0)
		return TAKE_WRONG;
	ret->value = slice_sub(rest, eq + 1, end - eq - 1);
	ret->start = at;
	ret->end = at + end + 1;
	return TAKE_PAIR;
}

static bool known_version(struct slice v)
{
	static const char *const versions[] = { "FIX.4.0", "FIX.4.1", "FIX.4.2", "FIX.4.3",
		"FIX.4.4", "FIXT.1.1" };
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		if (slice_eq(v, slice_str(versions[i])))
			return true;
	}
	return false;
}

/* Three digits: the sum of all bytes in front of the tag. */
static bool checksum_right(struct slice msg, const struct pair *p)
{
	unsigned sum = 0;
	uint64_t said;
	for (size_t i = 0; i < p->start; i++)
		sum += (unsigned char)msg.ptr[i];
	return p->value.len == 3 && slice_to_u64(p->value, 255, &said) == 0 && said == sum % 256;
}

static enum take validate(struct slice msg)
{
	static const uint64_t first_tags[] = { TAG_BEGIN, TAG_LENGTH, TAG_TYPE };
	uint64_t length = 0;
	size_t body = 0, at = 0;
	for (unsigned n = 0;; n++) {
		struct pair p;
		enum take took = take_pair(msg, at, &p);
		if (took != TAKE_PAIR)
			return took;
		if (n < ARRAY_SIZE(first_tags) && p.tag != first_tags[n])
			return TAKE_WRONG;
		if (n == 0 && !known_version(p.value))
			return TAKE_WRONG;
		if (n == 1) {
			body = p.end;
			if (slice_to_u64(p.value, UINT32_MAX, &length) != 0)
				return TAKE_WRONG;
		}
		if (p.tag == TAG_CHECKSUM && n > 2)
			return p.start - body == length && checksum_right(msg, &p) ? TAKE_PAIR
										   : TAKE_WRONG;
		at = p.end;
	}
}

static bool conv_is_valid(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	enum take result = validate(s->str);
	return result != TAKE_MISSING && ret_bool(s, result == TAKE_PAIR);
}

/* Nothing is validated, but the first message ends with its checksum. */
static bool conv_tag_value(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	uint64_t wanted = (uint64_t)args->v[0].num;
	struct pair p = { .end = 0 };
	while (take_pair(s->str, p.end, &p) == TAKE_PAIR) {
		if (p.tag == wanted)
			return ret_bin(s, p.value);
		if (p.tag == TAG_CHECKSUM)
			break;
	}
	return false;
}

static int check_tag(const struct arg_place *at, struct args *args)
{
	static const struct {
		const char *name;
		unsigned tag;
	} tags[] = {
		{ "BeginString", TAG_BEGIN },
		{ "BodyLength", TAG_LENGTH },
		{ "MsgType", TAG_TYPE },
		{ "SenderCompID", 49 },
		{ "TargetCompID", 56 },
		{ "CheckSum", TAG_CHECKSUM },
	};
	struct slice name = args->v[0].str;
	uint64_t number;
	if (slice_to_u64(name, INT32_MAX, &number) == 0 && number) {
		args->v[0].num = (int64_t)number;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(tags); i++) {
		if (slice_ieq(name, slice_str(tags[i].name))) {
			args->v[0].num = tags[i].tag;
			return 0;
		}
	}
	conf_error(at->conf, at->line, at->arg, "%s: '%s' is neither a tag's number nor known",
	    at->what, name.ptr);
	return -1;
}

const struct conv_row conv_fix_rows[] = {
	{ .name = "fix_is_valid",
	    .in = SMP_BIN,
	    .out = SMP_BOOL,
	    .eval = conv_is_valid,
	    .help = "whether the bytes begin with a valid FIX message" },
	{ .name = "fix_tag_value",
	    .in = SMP_BIN,
	    .out = SMP_BIN,
	    .args_min = 1,
	    .args = { ARG_STR },
	    .eval = conv_tag_value,
	    .check = check_tag,
	    .usage = "<tag>",
	    .help = "value of a tag of the FIX message" },
	{ .name = NULL },
};
