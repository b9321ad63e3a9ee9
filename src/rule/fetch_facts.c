/* SPDX-License-Identifier: MIT */
/*
 * Fetches about the evaluation itself and the stream behind it: named ACLs, the rules that ended or held it, what
 * it cost, how its connections ended.
 */
#include "acl.h"
#include "action.h"
#include "tables.h"
#include "weir/rule/acl_scope.h"

/* ---- acl ---- */

#define ACL_DEPTH_MAX 16 /* ACLs that name each other end somewhere */

struct acl_refs {
	unsigned n;
	struct {
		const struct acl *acl;
		bool negated;
	} v[12];
};

static int check_acl(const struct arg_place *at, struct args *args)
{
	struct acl_refs *refs = arena_new(conf_arena(at->conf), struct acl_refs);
	if (!refs)
		return -1;
	for (unsigned i = 0; i < args->n; i++) {
		const char *name = args->v[i].str.ptr;
		refs->v[i].negated = *name == '!';
		name += *name == '!';
		struct acl *a = acl_find(at->conf, at->line, acl_scope_used(at->conf), name);
		if (!a) {
			conf_error(at->conf, at->line, at->arg,
			    "%s: no such ACL: '%s'; it must be declared above", at->what, name);
			return -1;
		}
		a->used = true;
		refs->v[i].acl = a;
	}
	refs->n = args->n;
	args->data = refs;
	return 0;
}

/* True when all of them are. */
static int refs_eval(const struct acl_refs *refs, struct rule_ctx *cx)
{
	int result = 1;
	for (unsigned i = 0; i < refs->n; i++) {
		int r = acl_eval(refs->v[i].acl, cx);
		if (r >= 0 && refs->v[i].negated)
			r = !r;
		if (r == 0)
			return 0;
		if (r < 0)
			result = -1;
	}
	return result;
}

static bool fetch_acl(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	if (cx->acl_depth == ACL_DEPTH_MAX)
		return false;
	cx->acl_depth++;
	int r = refs_eval(args->data, cx);
	cx->acl_depth--;
	ret->may_change = r < 0;
	return r >= 0 && ret_bool(ret, r);
}

/* ---- rules ---- */

static bool fetch_rule_file(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	return cx->last_final && ret_str(ret, slice_str(cx->last_final->pos.file));
}

static bool fetch_rule_line(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	return cx->last_final && ret_int(ret, cx->last_final->pos.line);
}

/* data: the rule that waits, not the last final one */
static bool fetch_entity(struct rule_ctx *cx, const struct args *args, uintptr_t waiting,
    struct fetch_walk *walk, struct sample *ret)
{
	const struct rule *rule = waiting ? cx->waiting : cx->last_final;
	if (!rule || !rule->pos.file)
		return false;
	const char *text = arena_printf(cx->arena, "%s:%u", rule->pos.file, rule->pos.line);
	return text && ret_str(ret, slice_str(text));
}

/* ---- facts ---- */

static int64_t fact(const struct rule_ctx *cx, enum rule_fact what)
{
	return cx->host && cx->host->fact ? cx->host->fact(cx->stream, what) : -1;
}

static bool fetch_fact(struct rule_ctx *cx, const struct args *args, uintptr_t what,
    struct fetch_walk *walk, struct sample *ret)
{
	int64_t value = fact(cx, (enum rule_fact)what);
	return value >= 0 && ret_int(ret, value);
}

static bool fetch_fact_bool(struct rule_ctx *cx, const struct args *args, uintptr_t what,
    struct fetch_walk *walk, struct sample *ret)
{
	int64_t value = fact(cx, (enum rule_fact)what);
	return value >= 0 && ret_bool(ret, value != 0);
}

/* A time divided by the number of runs. */
static bool fetch_fact_avg(struct rule_ctx *cx, const struct args *args, uintptr_t what,
    struct fetch_walk *walk, struct sample *ret)
{
	int64_t total = fact(cx, (enum rule_fact)what), calls = fact(cx, RULE_FACT_CALLS);
	return total >= 0 && ret_int(ret, calls > 0 ? total / calls : 0);
}

static bool fetch_debug(struct rule_ctx *cx, const struct args *args, uintptr_t server,
    struct fetch_walk *walk, struct sample *ret)
{
	unsigned layers = args_has(args, 0) ? (unsigned)args->v[0].num : 0;
	if (!cx->host || !cx->host->debug)
		return false;
	return ret_str(ret, cx->host->debug(cx->stream, server != 0, layers));
}

/* ---- what weir has not: the answer that says so ---- */

static bool fetch_nothing(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	return false;
}

static bool fetch_false(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	return ret_bool(ret, false);
}

static bool fetch_zero(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	return ret_int(ret, 0);
}

static bool fetch_dash(struct rule_ctx *cx, const struct args *args, uintptr_t data,
    struct fetch_walk *walk, struct sample *ret)
{
	return ret_str(ret, SLICE("-"));
}

/* ---- load ---- */

/* data: of all workers, not only of this one */
static bool fetch_cpu_usage(struct rule_ctx *cx, const struct args *args, uintptr_t all,
    struct fetch_walk *walk, struct sample *ret)
{
	unsigned idle = 0, n;
	if (!cx->worker || !cx->worker->group)
		return false;
	if (!all)
		return ret_int(ret, 100 - (int)worker_idle_pct(cx->worker));
	n = worker_count(cx->worker->group);
	for (unsigned i = 0; i < n; i++)
		idle += worker_idle_pct(worker_get(cx->worker->group, i));
	return ret_int(ret, 100 - (int)(idle / n));
}

#define PLAIN(keyword, type, places, fn, number, text)                                             \
	{                                                                                          \
		.name = keyword, .out = type, .at = places, .eval = fn, .data = number,            \
		.help = text                                                                       \
	}
#define DEBUG(keyword, number, text)                                                               \
	{                                                                                          \
		.name = keyword, .out = SMP_STR, .args = { ARG_UINT }, .at = AT_STREAM,            \
		.eval = fetch_debug, .data = number, .usage = "[<bitmap>]", .help = text           \
	}

const struct fetch_row fetch_facts_rows[] = {
	{ .name = "acl",
	    .out = SMP_BOOL,
	    .args_min = 1,
	    .args = { ARG_STR, ARG_STR, ARG_STR, ARG_STR, ARG_STR, ARG_STR, ARG_STR, ARG_STR,
		ARG_STR, ARG_STR, ARG_STR, ARG_STR },
	    .at = AT_ANY,
	    .eval = fetch_acl,
	    .check = check_acl,
	    .usage = "[!]<name>[,...]",
	    .help = "whether all these ACLs are true" },
	PLAIN("last_rule_file", SMP_STR, AT_STREAM, fetch_rule_file, 0,
	    "file of the last final rule that matched"),
	PLAIN("last_rule_line", SMP_SINT, AT_STREAM, fetch_rule_line, 0, "its line"),
	PLAIN("last_entity", SMP_STR, AT_STREAM, fetch_entity, 0, "both, with ':' between"),
	PLAIN("waiting_entity", SMP_STR, AT_STREAM, fetch_entity, 1,
	    "file:line of the rule that was waiting when the stream ended"),
	PLAIN("cpu_calls", SMP_SINT, AT_STREAM, fetch_fact, RULE_FACT_CALLS,
	    "times this stream has run"),
	PLAIN("cpu_ns_tot", SMP_SINT, AT_STREAM, fetch_fact, RULE_FACT_CPU_NS,
	    "nanoseconds that it ran; 0 unless profiling.tasks is on"),
	PLAIN(
	    "cpu_ns_avg", SMP_SINT, AT_STREAM, fetch_fact_avg, RULE_FACT_CPU_NS, "the same, a run"),
	PLAIN("lat_ns_tot", SMP_SINT, AT_STREAM, fetch_fact, RULE_FACT_LAT_NS,
	    "nanoseconds from the turn's events to its runs; 0 unless profiling.tasks is on"),
	PLAIN(
	    "lat_ns_avg", SMP_SINT, AT_STREAM, fetch_fact_avg, RULE_FACT_LAT_NS, "the same, a run"),
	PLAIN("cpu_usage_thr", SMP_SINT, AT_ANY, fetch_cpu_usage, 0,
	    "percent of the last second that this thread was busy"),
	PLAIN("cpu_usage_grp", SMP_SINT, AT_ANY, fetch_cpu_usage, 1,
	    "the same, of all threads: there is one group"),
	PLAIN("cpu_usage_proc", SMP_SINT, AT_ANY, fetch_cpu_usage, 1, "the same, of all threads"),
	PLAIN("tgroup", SMP_SINT, AT_ANY, fetch_zero, 0, "number of the thread group, always 0"),
	PLAIN("quic_enabled", SMP_BOOL, AT_ANY, fetch_false, 0, "false: there is no QUIC"),
	PLAIN("http_first_req", SMP_BOOL, AT_HTTP, fetch_fact_bool, RULE_FACT_FIRST_REQ,
	    "whether this is the connection's first request"),
	PLAIN("fs.id", SMP_SINT, AT_STREAM, fetch_fact, RULE_FACT_FS_ID,
	    "number of the request on the client's connection, from 1; 0 in TCP mode"),
	PLAIN("bs.id", SMP_SINT, AT_STREAM, fetch_fact, RULE_FACT_BS_ID,
	    "the same on the server's connection"),
	PLAIN("fs.aborted", SMP_BOOL, AT_STREAM, fetch_fact_bool, RULE_FACT_FS_ABORTED,
	    "whether the client went away in the middle"),
	PLAIN("bs.aborted", SMP_BOOL, AT_STREAM, fetch_fact_bool, RULE_FACT_BS_ABORTED,
	    "whether the server did"),
	PLAIN("fs.rst_code", SMP_SINT, AT_STREAM, fetch_nothing, 0,
	    "code of a stream reset: none without HTTP/2"),
	PLAIN("bs.rst_code", SMP_SINT, AT_STREAM, fetch_nothing, 0,
	    "code of a stream reset: none without HTTP/2"),
	DEBUG("fs.debug_str", 0, "state of the client's connection, for developers"),
	DEBUG("bs.debug_str", 1, "state of the server's connection, for developers"),
	PLAIN("term_events", SMP_STR, AT_STREAM, fetch_dash, 0, "'-': weir keeps no such events"),
	PLAIN("internal.strm.is_htx", SMP_BOOL, AT_STREAM, fetch_false, 0,
	    "false: messages have another form in weir"),
	{ .name = NULL },
};
