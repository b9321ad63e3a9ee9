/* SPDX-License-Identifier: MIT */
/*
 * Commands that look inside: memory pools, what each worker does, messages of the start, broken messages. What
 * belongs to a worker is read while the others stand. Worker 0.
 */
#include <inttypes.h>

#include "cli_memory.h"
#include "weir/mux/mux1.h"
#include "weir/net/splice.h"

/* ---- pools ---- */

static void add_pool(struct memory_sum *m, const struct pool *p)
{
	struct pool_sum *s = m->pools;
	while (s < m->pools + m->n && strcmp(s->name, p->name) != 0)
		s++;
	if (s == m->pools + m->n) {
		if (m->n == POOL_KINDS_MAX)
			return;
		*s = (struct pool_sum){ .name = p->name, .size = p->size };
		m->n++;
	}
	s->used += p->used;
	s->free += p->free_n;
	s->failed += p->failed;
	m->allocated += (uint64_t)(p->used + p->free_n) * p->size;
	m->used += (uint64_t)p->used * p->size;
	m->failed += p->failed;
}

void cli_memory_sum(const struct cli_call *call, struct memory_sum *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (unsigned i = 0; i < worker_count(call->worker->group); i++) {
		const struct worker *w = worker_get(call->worker->group, i);
		const struct proxy_local *l = proxy_local(w);
		const struct mux_local *m = mux_local(w);
		if (l) {
			add_pool(ret, &l->clients);
			add_pool(ret, &l->streams);
			add_pool(ret, &l->blocks);
		}
		if (!m)
			continue;
		add_pool(ret, &m->buf);
		add_pool(ret, &m->large);
		if (m->pipes) {
			ret->pipes_used += m->pipes->used;
			ret->pipes_free += m->pipes->free_n;
		}
	}
}

static void run_show_pools(struct cli_call *call)
{
	struct memory_sum m;
	worker_pause_others(call->worker);
	cli_memory_sum(call, &m);
	worker_resume_others(call->worker);
	strbuf_adds(call->out, "Dumping pools usage.\n");
	for (unsigned i = 0; i < m.n; i++) {
		const struct pool_sum *s = &m.pools[i];
		uint64_t all = s->used + s->free;
		strbuf_addf(call->out,
		    "  - Pool %s (%zu bytes) : %" PRIu64 " allocated (%" PRIu64 " bytes), %" PRIu64
		    " used, %" PRIu64 " failures\n",
		    s->name, s->size, all, all * s->size, s->used, s->failed);
	}
	strbuf_addf(call->out, "Total: %u pools, %" PRIu64 " bytes allocated, %" PRIu64 " used.\n",
	    m.n, m.allocated, m.used);
}

/* ---- activity ---- */

struct activity {
	uint64_t loops, accepted, requests, bytes_out, fd_errors, busy_us, streams, pool_failures;
};

struct activity_row {
	const char *name;
	size_t offset;
};

static const struct activity_row activity_rows[] = {
	{ "loops", offsetof(struct activity, loops) },
	{ "accepted", offsetof(struct activity, accepted) },
	{ "requests", offsetof(struct activity, requests) },
	{ "bytes_out", offsetof(struct activity, bytes_out) },
	{ "fd_errors", offsetof(struct activity, fd_errors) },
	{ "pool_fail", offsetof(struct activity, pool_failures) },
	{ "streams", offsetof(struct activity, streams) },
	{ "cpu_us_1s", offsetof(struct activity, busy_us) },
};

/* w stands, or is this one. */
static void read_activity(const struct process *p, const struct worker *w, struct activity *a)
{
	const struct process_counters *c = &p->counters[w->id];
	const struct proxy_local *l = proxy_local(w);
	*a = (struct activity){
		.loops = atomic_load(&w->turn) / 2,
		.accepted = __atomic_load_n(&c->conns, __ATOMIC_RELAXED),
		.requests = __atomic_load_n(&c->reqs, __ATOMIC_RELAXED),
		.bytes_out = __atomic_load_n(&c->bytes_out, __ATOMIC_RELAXED),
		.fd_errors = __atomic_load_n(&c->fd_errors, __ATOMIC_RELAXED),
		.busy_us = w->busy_us,
	};
	if (!l)
		return;
	a->streams = l->streams_n;
	a->pool_failures = l->clients.failed + l->streams.failed + l->blocks.failed;
}

static void add_activity_row(struct strbuf *out, const struct activity_row *row,
    const struct activity *a, unsigned workers, int only)
{
	uint64_t value[WORKER_MAX], sum = 0;
	for (unsigned i = 0; i < workers; i++) {
		memcpy(&value[i], (const char *)&a[i] + row->offset, sizeof(value[i]));
		sum += value[i];
	}
	if (only > 0) {
		strbuf_addf(out, "%s: %" PRIu64 "\n", row->name, value[only - 1]);
		return;
	}
	strbuf_addf(out, "%s: %" PRIu64, row->name, sum);
	if (only < 0) {
		strbuf_adds(out, " [");
		for (unsigned i = 0; i < workers; i++)
			strbuf_addf(out, " %" PRIu64, value[i]);
		strbuf_adds(out, " ]");
	}
	strbuf_addc(out, '\n');
}

/* show activity [-1 | 0 | thread]: -1 sum and each worker, 0 the sum alone, n one worker. */
static void run_show_activity(struct cli_call *call)
{
	struct activity a[WORKER_MAX];
	unsigned workers = worker_count(call->worker->group);
	uint64_t which = 0;
	const char *word = call->argv[2];
	int only = -1;
	if (*word && strcmp(word, "-1") != 0) {
		if (slice_to_u64(slice_str(word), workers, &which) < 0) {
			cli_err(call, "Expects -1, 0 or the number of a thread.\n");
			return;
		}
		only = (int)which;
	}
	worker_pause_others(call->worker);
	for (unsigned i = 0; i < workers; i++)
		read_activity(cli_process(call), worker_get(call->worker->group, i), &a[i]);
	worker_resume_others(call->worker);
	strbuf_addf(call->out, "thread_id: %u (1..%u)\n", call->worker->id + 1, workers);
	strbuf_addf(call->out, "date_now: %" PRId64 ".%06d\n",
	    call->worker->clock.wall_us / 1000000, (int)(call->worker->clock.wall_us % 1000000));
	for (size_t i = 0; i < ARRAY_SIZE(activity_rows); i++)
		add_activity_row(call->out, &activity_rows[i], a, workers, only);
}

/* ---- messages ---- */

static void run_show_startup_logs(struct cli_call *call)
{
	const struct process *p = cli_process(call);
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	if (!f) {
		cli_err(call, "Out of memory.\n");
		return;
	}
	if (p->diag)
		diag_print(p->diag, DIAG_NOTICE, f);
	fclose(f);
	strbuf_add(call->out, text, len);
	free(text);
}

static void run_show_errors(struct cli_call *call)
{
	struct process *p = cli_process(call);
	unsigned which = ERROR_SHOW_REQUESTS | ERROR_SHOW_RESPONSES;
	char **word = call->argv + 2;
	int id = -1;
	if (**word && strcmp(*word, "request") != 0 && strcmp(*word, "response") != 0) {
		uint64_t number;
		const struct proxy *px = NULL;
		if (strcmp(*word, "-1") == 0)
			id = -1;
		else if (slice_to_u64(slice_str(*word), INT32_MAX, &number) == 0)
			id = (int)number;
		else if ((px = config_proxy(p->config, *word, PROXY_FE | PROXY_BE)))
			id = (int)px->id;
		else {
			cli_err(call, "No such proxy.\n");
			return;
		}
		word++;
	}
	if (strcmp(*word, "request") == 0)
		which = ERROR_SHOW_REQUESTS;
	else if (strcmp(*word, "response") == 0)
		which = ERROR_SHOW_RESPONSES;
	error_store_show(&p->errors, id, which, call->worker->clock.wall_us, call->out);
}

const struct cli_command proxy_debug_commands[] = {
	{ "show activity", CLI_OPERATOR, run_show_activity, "[-1|0|<thread>]",
	    "show what each worker thread has done" },
	{ "show errors", CLI_OPERATOR, run_show_errors, "[<iid>|<proxy>] [request|response]",
	    "show the last invalid request and response of each proxy" },
	{ "show pools", CLI_OPERATOR, run_show_pools, NULL, "show the memory pools" },
	{ "show startup-logs", CLI_OPERATOR, run_show_startup_logs, NULL,
	    "show the messages of the start" },
	{ .name = NULL },
};
