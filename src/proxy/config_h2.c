/* SPDX-License-Identifier: MIT */
/*
 * From "tune.h2.*" to what the HTTP/2 mux takes, for each side. Part of config_finish().
 */
#include "weir/proxy/config.h"

void global_h2_init(struct global_h2 *h)
{
	/* all its numbers are unsigned */
	memset(h, 0xff, sizeof(*h));
	h->log = H2_LOG_STREAM;
}

static unsigned pick(unsigned own, unsigned common, unsigned standard)
{
	return own != H2_UNSET ? own : common != H2_UNSET ? common : standard;
}

static unsigned pick_limit(unsigned own, unsigned standard)
{
	return pick(own, H2_UNSET, standard);
}

static void fill(struct mux2_conf *m, const struct global_conf *g, enum h2_side which)
{
	const struct global_h2 *h = &g->h2;
	const struct global_h2_side *s = &h->side[which];
	mux2_conf_default(m);
	m->table_size = pick_limit(h->table_size, m->table_size);
	m->initial_window = pick(s->window, h->window, m->initial_window);
	m->max_streams = pick(s->streams, h->streams, m->max_streams);
	/* without a limit: what the protocol allows */
	if (!m->max_streams)
		m->max_streams = INT32_MAX;
	m->max_frame = pick_limit(h->max_frame, m->max_frame);
	m->rxbuf = pick_limit(s->rxbuf, m->rxbuf);
	m->max_total = pick_limit(s->total, m->max_total);
	m->glitches = pick_limit(s->glitches, m->glitches);
	m->frames_at_once = pick_limit(s->frames_at_once, m->frames_at_once);
	m->resets_at_once = pick_limit(s->resets_at_once, m->resets_at_once);
	m->header_list = pick_limit(h->header_list, m->header_list);
	m->max_fields = g->maxhdr;
	m->resets = pick_limit(h->resets, m->resets);
	m->continuations = pick_limit(h->continuations, m->continuations);
	m->floods = pick_limit(h->floods, m->floods);
}

void finish_h2(struct config *c)
{
	fill(&c->global.h2_fe, &c->global, H2_FE);
	fill(&c->global.h2_be, &c->global, H2_BE);
}
