/* SPDX-License-Identifier: MIT */
/*
 * Payload between the two endpoints, both directions, until the messages end (HTTP) or both sides have closed
 * (tunnels and TCP). Nothing is copied in user space: slices of one side's receive buffer go to the other
 * side's send, and long payload goes through a pipe. A filter would sit between recv and send. Client's worker.
 */
#include "stream.h"

/* Rounds of receive and send in one go before other streams get their turn. */
#define FORWARD_ROUNDS 8

static bool wants_input(const struct endpoint *src)
{
	return !(src->flags & (EP_IN_END | EP_IN_CLOSED | EP_IN_BAD | EP_ERROR));
}

/* One direction of a stream. */
struct flow {
	struct endpoint *src, *dst;
	struct inflow *in;
	struct bulk *bulk;
	uint64_t *src_ms, *dst_ms; /* last activity */
};

/* One round by way of the buffer. True when another may bring more. */
static bool copy_round(const struct flow *f, uint64_t now)
{
	struct endpoint *src = f->src, *dst = f->dst;
	struct inflow *in = f->in;
	if (inflow_is_empty(in) && wants_input(src) && src->ops->recv(src))
		*f->src_ms = now;
	bool end = (src->flags & EP_IN_END) != 0;
	if (inflow_is_empty(in) && !end && !(dst->flags & EP_OUT_PENDING))
		return false;
	size_t taken = dst->ops->send(dst, in->seg + in->first, in->n - in->first, end, false);
	if (taken) {
		src->ops->consume(src, taken);
		*f->dst_ms = now;
	}
	return !(dst->flags & (EP_ERROR | EP_OUT_BLOCKED | EP_OUT_END));
}

/* One round by way of a pipe. */
static bool bulk_round(const struct flow *f, uint64_t now)
{
	if (bulk_move(f->bulk, f->src, f->dst))
		*f->src_ms = *f->dst_ms = now;
	if (bulk_holds(f->bulk) || (f->dst->flags & (EP_ERROR | EP_OUT_BLOCKED)))
		return false;
	return (f->src->flags & EP_IN_END) || (f->src->conn->flags & CONN_READABLE);
}

/* False when the sink failed. */
static bool push(struct stream *s, const struct flow *f)
{
	uint64_t now = worker_now_ms(s->worker);
	for (unsigned round = 0; round < FORWARD_ROUNDS; round++) {
		bool more =
		    bulk_wanted(f->bulk, f->src, f->dst) ? bulk_round(f, now) : copy_round(f, now);
		if (!more)
			return !(f->dst->flags & EP_ERROR);
	}
	task_wake(s->worker, &s->again);
	return true;
}

bool stream_push_up(struct stream *s)
{
	const struct flow up = { s->ce, s->se, &s->up, &s->up_bulk, &s->client_ms, &s->server_ms };
	return push(s, &up);
}

bool stream_push_down(struct stream *s)
{
	const struct flow down = { s->se, s->ce, &s->down, &s->down_bulk, &s->server_ms,
		&s->client_ms };
	return push(s, &down);
}

/* ---- the end of it ---- */

/* All payload that came in has gone out. */
static bool is_drained(const struct inflow *in, const struct bulk *b)
{
	return inflow_is_empty(in) && !bulk_holds(b);
}

static enum step aborted(struct stream *s, char cause)
{
	struct counters *fe = fe_counters(s), *be = backend_counters(&s->be->be, s->worker);
	struct counters *srv = server_counters(s->srv, s->worker);
	bool client = cause == 'C' || cause == 'c';
	counter_add(client ? &fe->cli_aborts : &fe->srv_aborts, 1);
	counter_add(client ? &be->cli_aborts : &be->srv_aborts, 1);
	counter_add(client ? &srv->cli_aborts : &srv->srv_aborts, 1);
	stream_flag(s, cause, 'D');
	s->flags |= SF_CLOSE_CLIENT | SF_CLOSE_SERVER;
	return STEP_DONE;
}

/* Which side kept us waiting: the one whose clock ran out first. */
static char late_side(const struct stream *s)
{
	const struct proxy_timeouts *t = &s->timeout;
	uint64_t now = worker_now_ms(s->worker);
	unsigned client = t->client, server = t->server;
	if (s->state == ST_TUNNEL && t->tunnel)
		client = server = t->tunnel;
	bool client_late = client && now - s->client_ms >= client;
	bool server_late = server && now - s->server_ms >= server;
	if (client_late && server_late)
		return s->client_ms <= s->server_ms ? 'c' : 's';
	return client_late ? 'c' : 's';
}

enum step step_forward(struct stream *s)
{
	struct endpoint *ce = s->ce, *se = s->se;
	if (!(se->flags & (EP_OUT_END | EP_ERROR)))
		stream_push_up(s);
	if (!stream_push_down(s))
		return aborted(s, 'C');
	if (ce->flags & EP_OUT_END) {
		if (!(ce->flags & EP_IN_END)) /* an answer before the request was complete */
			s->flags |= SF_CLOSE_CLIENT | SF_CLOSE_SERVER;
		return STEP_DONE;
	}
	if (is_drained(&s->down, &s->down_bulk) && (se->flags & EP_IN_BAD))
		return aborted(s, 'P');
	if (is_drained(&s->down, &s->down_bulk) && !(se->flags & EP_IN_END) &&
	    (se->flags & (EP_IN_CLOSED | EP_ERROR)))
		return aborted(s, 'S');
	if (endpoint_failed(ce))
		return aborted(s, 'C');
	if (ce->flags & EP_IN_BAD)
		return aborted(s, 'P');
	if (s->flags & SF_TIMEOUT)
		return aborted(s, late_side(s));
	return STEP_WAIT;
}

/* ---- raw ---- */

/* A FIN from one side, everything before it forwarded: pass it on. */
static void pass_fin(
    struct stream *s, struct endpoint *src, struct endpoint *dst, bool drained, uint32_t done)
{
	if ((s->flags & done) || !drained || !(src->flags & EP_IN_CLOSED) ||
	    (dst->flags & EP_OUT_PENDING) || (dst->conn->flags & CONN_UNSENT))
		return;
	s->flags |= done;
	dst->ops->shut(dst);
}

enum step step_tunnel(struct stream *s)
{
	struct endpoint *ce = s->ce, *se = s->se;
	bool up = stream_push_up(s), down = true;
	enum step end;
	if (unlikely(s->flags & SF_RES_INSPECT) && !stream_inspect_response(s, &end))
		return end;
	if (!(s->flags & SF_RES_INSPECT))
		down = stream_push_down(s);
	/* the side that fails ends the other too; what it sent before was forwarded above */
	if (!up || ((se->flags & EP_ERROR) && is_drained(&s->down, &s->down_bulk)))
		return aborted(s, 'S');
	if (!down || ((ce->flags & EP_ERROR) && is_drained(&s->up, &s->up_bulk)))
		return aborted(s, 'C');
	if ((ce->flags | se->flags) & EP_NO_MEMORY) { /* no event will come for what was not read */
		stream_flag(s, 'R', 'D');
		s->flags |= SF_CLOSE_CLIENT | SF_CLOSE_SERVER;
		return STEP_DONE;
	}
	pass_fin(s, ce, se, is_drained(&s->up, &s->up_bulk), SF_UP_SHUT);
	pass_fin(s, se, ce, is_drained(&s->down, &s->down_bulk), SF_DOWN_SHUT);
	if ((s->flags & (SF_UP_SHUT | SF_DOWN_SHUT)) == (SF_UP_SHUT | SF_DOWN_SHUT)) {
		s->flags |= SF_CLOSE_CLIENT | SF_CLOSE_SERVER;
		return STEP_DONE;
	}
	if ((s->flags & (SF_TIMEOUT | SF_RES_INSPECT)) == SF_TIMEOUT)
		return aborted(s, late_side(s));
	return STEP_WAIT;
}
