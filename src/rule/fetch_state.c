/* SPDX-License-Identifier: MIT */
/*
 * Fetches of constants and of the process's own state (configuration manual 7.3.2).
 */
#include <sys/random.h>
#include <unistd.h>

#include "tables.h"

static bool fetch_bool(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	return ret_bool(ret, data != 0);
}

static bool fetch_int(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	return ret_int(ret, args->v[0].num);
}

static bool fetch_str(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	return ret_str(ret, args->v[0].str);
}

static int check_bool(const struct arg_place *at, struct args *args)
{
	const char *word = args->v[0].str.ptr;
	if (strcmp(word, "true") == 0 || strcmp(word, "1") == 0)
		args->v[0].num = 1;
	else if (strcmp(word, "false") == 0 || strcmp(word, "0") == 0)
		args->v[0].num = 0;
	else {
		conf_error(at->conf, at->line, at->arg,
		    "%s: '%s' is not a boolean: 'true' or 'false' is expected", at->what, word);
		return -1;
	}
	return 0;
}

static bool fetch_bool_arg(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	return ret_bool(ret, args->v[0].num != 0);
}

static int check_bin(const struct arg_place *at, struct args *args)
{
	struct slice hex = args->v[0].str;
	char *out = arena_bytes(conf_arena(at->conf), hex.len / 2 + 1);
	if (!out || hex.len % 2)
		goto bad;
	for (size_t i = 0; i < hex.len / 2; i++) {
		int high = rule_hex_digit(hex.ptr[2 * i]), low = rule_hex_digit(hex.ptr[2 * i + 1]);
		if (high < 0 || low < 0)
			goto bad;
		out[i] = (char)(high << 4 | low);
	}
	args->v[0].str = slice_make(out, hex.len / 2);
	return 0;
bad:
	conf_error(at->conf, at->line, at->arg, "%s: '%s' is not an even number of hex digits",
	    at->what, hex.ptr);
	return -1;
}

static bool fetch_bin(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	return ret_bin(ret, args->v[0].str);
}

static bool fetch_ipv4(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	ret->type = SMP_IPV4;
	ret->ipv4 = args->v[0].ipv4;
	return true;
}

static bool fetch_ipv6(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	ret->type = SMP_IPV6;
	ret->ipv6 = args->v[0].ipv6;
	return true;
}

static bool fetch_meth(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	ret->type = SMP_METH;
	ret->str = args->v[0].str;
	ret->method = http_method_of(ret->str);
	return true;
}

/* Units of dates: 0 seconds, 1 milliseconds, 2 microseconds; args->v[unit] says which. */
static int unit_parse(const struct arg_place *at, struct args *args, unsigned i)
{
	static const char *const names[] = { "s", "ms", "us" };
	if (!args_has(args, i))
		return 0;
	for (int u = 0; u < 3; u++) {
		if (strcmp(args->v[i].str.ptr, names[u]) == 0) {
			args->v[i].num = u;
			return 0;
		}
	}
	conf_error(at->conf, at->line, at->arg, "%s: unit '%s' is none of 's', 'ms', 'us'",
	    at->what, args->v[i].str.ptr);
	return -1;
}

static int check_date(const struct arg_place *at, struct args *args)
{
	return unit_parse(at, args, 1);
}

static bool fetch_date(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	static const int64_t per_unit[] = { 1000000, 1000, 1 };
	int64_t unit = per_unit[args_has(args, 1) ? args->v[1].num : 0];
	int64_t offset = args_has(args, 0) ? args->v[0].num : 0;
	return ret_int(ret, ctx_wall_us(cx) / unit + offset);
}

static bool fetch_date_us(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	return ret_int(ret, ctx_wall_us(cx) % 1000000);
}

/* The environment is read once, when the configuration is. */
static int check_env(const struct arg_place *at, struct args *args)
{
	const char *value = getenv(args->v[0].str.ptr);
	args->data = value ? arena_strdup(conf_arena(at->conf), value) : NULL;
	return 0;
}

static bool fetch_env(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	return args->data && ret_str(ret, slice_str(args->data));
}

static int check_hostname(const struct arg_place *at, struct args *args)
{
	char name[256] = "";
	if (gethostname(name, sizeof(name) - 1) == 0)
		args->data = arena_strdup(conf_arena(at->conf), name);
	return 0;
}

/* Generator of one thread, seeded by the kernel: no lock, and nothing a peer could guess from outside. */
static uint64_t random_next(void)
{
	static _Thread_local uint64_t state; /* of this thread alone */
	if (unlikely(state == 0)) {
		if (getrandom(&state, sizeof(state), 0) != sizeof(state) || state == 0)
			state = (uint64_t)(uintptr_t)&state | 1;
	}
	state += 0x9e3779b97f4a7c15u;
	uint64_t z = state;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static bool fetch_rand(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	uint64_t r = random_next() >> 32;
	if (args_has(args, 0))
		r = r * (uint64_t)args->v[0].num >> 32;
	return ret_int(ret, (int64_t)r);
}

static int check_uuid(const struct arg_place *at, struct args *args)
{
	if (!args_has(args, 0) || args->v[0].num == 4 || args->v[0].num == 7)
		return 0;
	conf_error(at->conf, at->line, at->arg, "%s: version 4 or 7 is expected", at->what);
	return -1;
}

/* RFC 9562 versions 4 (random) and 7 (milliseconds first). */
static bool fetch_uuid(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	unsigned version = args_has(args, 0) ? (unsigned)args->v[0].num : 4;
	uint64_t high = random_next(), low = random_next();
	if (version == 7)
		high = (uint64_t)(ctx_wall_us(cx) / 1000) << 16 | (high & 0xffff);
	high = (high & ~0xf000ull) | (uint64_t)version << 12;
	low = (low & ~(3ull << 62)) | 2ull << 62;
	char text[40];
	snprintf(text, sizeof(text), "%08x-%04x-%04x-%04x-%012llx", (unsigned)(high >> 32),
	    (unsigned)(high >> 16 & 0xffff), (unsigned)(high & 0xffff), (unsigned)(low >> 48),
	    (unsigned long long)(low & 0xffffffffffffull));
	return ret_str(ret, arena_slice(cx->arena, slice_make(text, 36)));
}

static bool fetch_pid(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	return ret_int(ret, getpid());
}

static bool fetch_proc(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	return ret_int(ret, 1);
}

static bool fetch_thread(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	return ret_int(ret, cx->worker ? cx->worker->id : 0);
}

/* True once nothing more is waited for. */
static bool fetch_wait_end(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	bool open =
	    cx->at & (RULE_AT_RES_BUF | RULE_AT_RES_HTTP) ? ctx_res_open(cx) : ctx_req_open(cx);
	ret->may_change = open;
	return !open && ret_bool(ret, true);
}

const struct fetch_row fetch_state_rows[] = {
	{ .name = "always_true",
	    .out = SMP_BOOL,
	    .at = AT_ANY,
	    .eval = fetch_bool,
	    .data = 1,
	    .help = "always true" },
	{ .name = "always_false",
	    .out = SMP_BOOL,
	    .at = AT_ANY,
	    .eval = fetch_bool,
	    .help = "always false" },
	{ .name = "int",
	    .out = SMP_SINT,
	    .args_min = 1,
	    .args = { ARG_SINT },
	    .at = AT_ANY,
	    .eval = fetch_int,
	    .usage = "<integer>",
	    .help = "this integer" },
	{ .name = "str",
	    .out = SMP_STR,
	    .args_min = 1,
	    .args = { ARG_STR },
	    .at = AT_ANY,
	    .eval = fetch_str,
	    .usage = "<string>",
	    .help = "this string" },
	{ .name = "bool",
	    .out = SMP_BOOL,
	    .args_min = 1,
	    .args = { ARG_STR },
	    .at = AT_ANY,
	    .eval = fetch_bool_arg,
	    .check = check_bool,
	    .usage = "<bool>",
	    .help = "this boolean" },
	{ .name = "bin",
	    .out = SMP_BIN,
	    .args_min = 1,
	    .args = { ARG_STR },
	    .at = AT_ANY,
	    .eval = fetch_bin,
	    .check = check_bin,
	    .usage = "<hex>",
	    .help = "these bytes" },
	{ .name = "ipv4",
	    .out = SMP_IPV4,
	    .args_min = 1,
	    .args = { ARG_IP4 },
	    .at = AT_ANY,
	    .eval = fetch_ipv4,
	    .usage = "<ipv4>",
	    .help = "this IPv4 address" },
	{ .name = "ipv6",
	    .out = SMP_IPV6,
	    .args_min = 1,
	    .args = { ARG_IP6 },
	    .at = AT_ANY,
	    .eval = fetch_ipv6,
	    .usage = "<ipv6>",
	    .help = "this IPv6 address" },
	{ .name = "meth",
	    .out = SMP_METH,
	    .args_min = 1,
	    .args = { ARG_STR },
	    .at = AT_ANY,
	    .eval = fetch_meth,
	    .usage = "<method>",
	    .help = "this method" },
	{ .name = "date",
	    .out = SMP_SINT,
	    .args = { ARG_SINT, ARG_STR },
	    .at = AT_ANY,
	    .eval = fetch_date,
	    .check = check_date,
	    .usage = "[<offset>[,<unit>]]",
	    .help = "present time in seconds, or in unit s, ms, us" },
	{ .name = "date_us",
	    .out = SMP_SINT,
	    .at = AT_ANY,
	    .eval = fetch_date_us,
	    .help = "microseconds of the present second" },
	{ .name = "env",
	    .out = SMP_STR,
	    .args_min = 1,
	    .args = { ARG_STR },
	    .at = AT_ANY,
	    .eval = fetch_env,
	    .check = check_env,
	    .usage = "<name>",
	    .help = "environment variable as it was at start" },
	{ .name = "hostname",
	    .out = SMP_STR,
	    .at = AT_ANY,
	    .eval = fetch_env,
	    .check = check_hostname,
	    .help = "name of this host" },
	{ .name = "rand",
	    .out = SMP_SINT,
	    .args = { ARG_UINT },
	    .at = AT_ANY,
	    .eval = fetch_rand,
	    .usage = "[<range>]",
	    .help = "random integer below range (2^32)" },
	{ .name = "uuid",
	    .out = SMP_STR,
	    .args = { ARG_UINT },
	    .at = AT_ANY,
	    .eval = fetch_uuid,
	    .check = check_uuid,
	    .usage = "[<version>]",
	    .help = "new UUID of version 4 or 7" },
	{ .name = "pid",
	    .out = SMP_SINT,
	    .at = AT_ANY,
	    .eval = fetch_pid,
	    .help = "process number" },
	{ .name = "proc",
	    .out = SMP_SINT,
	    .at = AT_ANY,
	    .eval = fetch_proc,
	    .help = "position of the process, always 1" },
	{ .name = "thread",
	    .out = SMP_SINT,
	    .at = AT_ANY,
	    .eval = fetch_thread,
	    .help = "number of this worker thread, from 0" },
	{ .name = "wait_end",
	    .out = SMP_BOOL,
	    .at = AT_ANY,
	    .eval = fetch_wait_end,
	    .help = "true at the end of the inspection delay" },
	{ .name = NULL },
};
