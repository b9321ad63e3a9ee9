/* SPDX-License-Identifier: MIT */
/*
 * What rules see of a stream: facts that single fetches ask for, and the moment when variables change.
 */
#ifndef WEIR_SRC_PROXY_STREAM_FACTS_H
#define WEIR_SRC_PROXY_STREAM_FACTS_H

#include "stream.h"

extern const struct rule_host stream_rule_host;
/* Parts of it. */
void stream_host_set(void *stream, enum rule_knob knob, int64_t value);
void stream_host_interim(void *stream, struct http_msg *m);
int64_t stream_fact(void *stream, enum rule_fact fact);
struct slice stream_debug(void *stream, bool server, unsigned layers);
/* Around a run, with profiling.tasks; no stop when the stream ended. */
void stream_profile_start(struct stream *s);
void stream_profile_stop(struct stream *s);
/* Whether the log calls it a failure. */
bool stream_has_failed(const struct stream *s);

/* The value of PP2_TYPE_SSL for s->srv: what is known of the client's TLS, which may be that there is none. */
#define STREAM_PP_TLS_MAX 1024
struct slice stream_pp_tls(const struct stream *s, char out[STREAM_PP_TLS_MAX]);

/* The request is over for rules: variables of scope req are gone, and those of scope res can be set. */
static inline void stream_response_vars(struct stream *s)
{
	s->cx.vars.list[VAR_REQ] = NULL;
	s->cx.vars.list[VAR_RES] = &s->res_vars;
}

#endif
