/* SPDX-License-Identifier: MIT */
/*
 * HTTP/2 in a configuration: what the global section says of it (tune.h2.*), and what is made of that for the two
 * sides. H2_UNSET: not said, the common value or the built-in one holds.
 */
#ifndef WEIR_PROXY_GLOBAL_H2_H
#define WEIR_PROXY_GLOBAL_H2_H

struct config;

#define H2_UNSET (~0u)

enum h2_side { H2_FE, H2_BE, H2_SIDES };

/* tune.h2.log-errors */
enum h2_log { H2_LOG_NONE, H2_LOG_CONNECTION, H2_LOG_STREAM };

/* Keywords of one side; units as in struct mux2_conf. */
struct global_h2_side {
	unsigned window, streams, rxbuf, total, glitches, frames_at_once, resets_at_once;
};

struct global_h2 {
	struct global_h2_side side[H2_SIDES];
	unsigned window, streams; /* of sides without their own */
	unsigned table_size, max_frame, header_list;
	unsigned resets, continuations, floods;
	enum h2_log log;
};

/* Nothing said. */
void global_h2_init(struct global_h2 *h);
/* Sets h2_fe and h2_be of the global section's values. */
void finish_h2(struct config *c);

#endif
