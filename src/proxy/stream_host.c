/* SPDX-License-Identifier: MIT */
/*
 * What actions change of a stream beyond its messages: marks of packets, priorities, retries; and interim responses
 * of weir's own. Client's worker.
 */
#include "stream_facts.h"

void stream_host_set(void *stream, enum rule_knob knob, int64_t value)
{
	struct stream *s = stream;
	switch (knob) {
	case RULE_SET_PRIO_CLASS:
		s->prio_class = (int)value;
		break;
	case RULE_SET_PRIO_OFFSET:
		s->prio_offset_ms = (int)value;
		break;
	case RULE_SET_RETRIES:
		s->retries = (int)value;
		if (s->be)
			s->conn_tries = (unsigned)value;
		break;
	case RULE_SET_FC_TOS:
	case RULE_SET_FC_MARK:
		client_set(s->cli, knob, value);
		break;
	case RULE_SET_BC_TOS:
		s->bc_tos = (int)value;
		break;
	case RULE_SET_BC_MARK:
		s->bc_mark = (uint32_t)value;
		s->flags |= SF_BC_MARK;
		break;
	case RULE_SET_NO_L7_RETRY:
		s->flags |= SF_NO_L7_RETRY;
		break;
	}
}

/* A client of HTTP/1.0 knows no interim responses (RFC 9110 15.2). */
void stream_host_interim(void *stream, struct http_msg *m)
{
	struct stream *s = stream;
	if (!stream_is_http(s) || s->req.version < 11 || (s->flags & SF_REPLIED) ||
	    (s->ce->flags & EP_OUT_PENDING))
		return;
	if (s->ce->ops->send_head(s->ce, m, false) < 0)
		return;
	s->ce->ops->send(s->ce, NULL, 0, false, false);
	counter_add(&fe_counters(s)->rsp_1xx, 1);
}
