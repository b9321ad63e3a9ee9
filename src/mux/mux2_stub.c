/* SPDX-License-Identifier: MIT */
/* Stands in until HTTP/2 connections are merged. */
#include "weir/mux/mux2.h"
#define W __attribute__((weak))
W void mux2_conf_default(struct mux2_conf *conf)
{
	memset(conf, 0, sizeof(*conf));
}
W enum h2_preface h2_preface_match(struct slice b)
{
	(void)b;
	return H2_PREFACE_NO;
}
W struct mux2 *mux2_new(struct conn *c, bool s, const struct mux2_conf *f, struct mux2_counters *n,
    const struct mux2_owner_ops *o, void *w, struct slice e)
{
	return NULL;
}
W void *mux2_owner(const struct mux2 *m)
{
	return NULL;
}
W struct endpoint *mux2_open(struct mux2 *m)
{
	return NULL;
}
W unsigned mux2_can_open(const struct mux2 *m)
{
	return 0;
}
W unsigned mux2_streams(const struct mux2 *m)
{
	return 0;
}
W void mux2_goaway(struct mux2 *m)
{
}
W void mux2_close(struct mux2 *m)
{
}
W void mux2_free(struct mux2 *m)
{
}
