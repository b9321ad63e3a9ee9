/* SPDX-License-Identifier: MIT */
/*
 * What single fetches ask of a stream: how often and how long it ran, how its connections ended, and a text about
 * each of them for developers. Client's worker.
 */
#include <time.h>

#include "stream_facts.h"

/* ---- profiling.tasks ---- */

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* The worker's clock was read when this turn's events came. */
void stream_profile_start(struct stream *s)
{
	uint64_t turn_ns = stream_now_us(s) * 1000;
	s->run_start_ns = now_ns();
	if (s->run_start_ns > turn_ns)
		s->lat_ns += s->run_start_ns - turn_ns;
}

void stream_profile_stop(struct stream *s)
{
	if (s->run_start_ns) /* else it was not run but ended */
		s->cpu_ns += now_ns() - s->run_start_ns;
	s->run_start_ns = 0;
}

static int64_t cpu_ns(const struct stream *s)
{
	return (int64_t)(s->cpu_ns + (s->run_start_ns ? now_ns() - s->run_start_ns : 0));
}

/* ---- facts ---- */

/* The peer went away in the middle: an error, or its end before that of its message. */
static bool is_aborted(uint32_t ep_flags, bool http)
{
	if (ep_flags & EP_ERROR)
		return true;
	return http && (ep_flags & (EP_IN_CLOSED | EP_IN_END)) == EP_IN_CLOSED;
}

static uint32_t client_flags(const struct stream *s)
{
	return s->ce->flags | (endpoint_failed(s->ce) ? EP_ERROR : 0);
}

static uint32_t server_flags(const struct stream *s)
{
	if (!s->se)
		return s->se_flags;
	return s->se->flags | (endpoint_failed(s->se) ? EP_ERROR : 0);
}

int64_t stream_fact(void *stream, enum rule_fact fact)
{
	const struct stream *s = stream;
	if (!s)
		return -1;
	switch (fact) {
	case RULE_FACT_CALLS:
		return s->calls;
	case RULE_FACT_CPU_NS:
		return cpu_ns(s);
	case RULE_FACT_LAT_NS:
		return (int64_t)s->lat_ns;
	case RULE_FACT_FIRST_REQ:
		return s->cli->requests == 0;
	case RULE_FACT_FS_ID:
		return stream_is_http(s) ? (int64_t)s->cli->requests + 1 : 0;
	case RULE_FACT_BS_ID:
		return !stream_is_http(s) ? 0 : s->sc ? s->sc->requests : s->se_requests;
	case RULE_FACT_FS_ABORTED:
		return is_aborted(client_flags(s), stream_is_http(s));
	case RULE_FACT_BS_ABORTED:
		return is_aborted(server_flags(s), stream_is_http(s));
	case RULE_FACT_FAILED:
		return stream_has_failed(s);
	case RULE_FACT_FORWARDED:
		return s->rec.t.connected != 0;
	case RULE_FACT_STOPPING:
		return atomic_load(&proxy_local(s->worker)->process->stopping);
	}
	return -1;
}

/* ---- for developers ---- */

#define LAYER_SOCKET 16u
#define LAYER_CONN   8u
#define LAYER_MUX    2u
#define LAYER_STREAM 1u

struct slice stream_debug(void *stream, bool server, unsigned layers)
{
	struct stream *s = stream;
	struct endpoint *ep = !s ? NULL : server ? s->se : s->ce;
	char text[256] = "";
	size_t n = 0;
	if (!s)
		return SLICE_NULL;
	if (!layers)
		layers = ~0u;
	if (ep && (layers & LAYER_SOCKET))
		n += (size_t)snprintf(text + n, sizeof(text) - n, "fd=%d ", ep->conn->io.fd);
	if (ep && (layers & LAYER_CONN))
		n += (size_t)snprintf(text + n, sizeof(text) - n, "conn.flg=%#x conn.err=%u ",
		    ep->conn->flags, ep->conn->error);
	if (layers & LAYER_MUX)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "mux=%s ep.flg=%#x ",
		    ep ? ep->ops->name : "none", server ? server_flags(s) : client_flags(s));
	if (layers & LAYER_STREAM)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
		    "strm.state=%u strm.flg=%#x in=%llu ", s->state, s->flags,
		    (unsigned long long)(server ? s->down.total : s->up.total));
	return arena_slice(&s->arena, slice_make(text, n ? n - 1 : 0));
}
