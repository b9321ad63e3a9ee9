/* SPDX-License-Identifier: MIT */
/*
 * The life of a configuration's log targets: rings are made before workers start and freed with the
 * configuration; their connections live as long as the workers run.
 */
#include "log_forward.h"
#include "ring_conf.h"

#include <errno.h>

static int open_ring(struct process *p, struct ring_conf *rc, unsigned *turn, struct diag *diag)
{
	int r = log_ring_new(rc->size, rc->file, &rc->ring);
	if (r < 0) {
		diag_add(diag, DIAG_ERROR, rc->pos, "ring '%s' : %s%s%s", rc->name,
		    rc->file ? rc->file : "", rc->file ? ": " : "", strerror(-r));
		return -1;
	}
	for (struct server *s = rc->servers; s; s = s->next) {
		struct net_spec spec = {
			.kind = NET_KIND_IP, .family = s->prefer_family, .name = slice_str(s->fqdn)
		};
		if (!s->rt && s->fqdn && net_resolve(&spec, &s->addr) < 0) {
			diag_add(diag, DIAG_ERROR,
			    (struct conf_pos){ .file = s->pos.file, .line = s->pos.line },
			    "ring '%s' : server '%s' : could not resolve '%s'", rc->name, s->name,
			    s->fqdn);
			return -1;
		}
		bool is_ip = s->addr.sa.sa_family != AF_UNIX;
		if (!s->rt && is_ip)
			net_addr_set_port(&s->addr, s->port ? s->port : LOG_PORT_DEFAULT);
	}
	r = ring_conns_new(p, rc, turn);
	if (r < 0)
		diag_add(diag, DIAG_ERROR, rc->pos, "ring '%s' : %s", rc->name,
		    r == -EBUSY ? "too many servers" : strerror(-r));
	return r < 0 ? -1 : 0;
}

int log_targets_open(struct process *p, struct config *c, struct diag *diag)
{
	unsigned turn = 0;
	int result = 0;
	for (struct ring_conf *rc = c->rings; rc; rc = rc->next)
		if (open_ring(p, rc, &turn, diag) < 0)
			result = -1;
	for (struct log_ref *ref = c->log_refs; ref; ref = ref->next)
		if (ref->ring)
			ref->target->deliver_to = ref->ring->ring;
	for (struct log_forward *lf = c->log_forwards; lf; lf = lf->next)
		if (log_forward_open(p, lf, diag) < 0)
			result = -1;
	return result;
}

void log_targets_start(struct worker *w, struct config *c)
{
	for (struct ring_conf *rc = c->rings; rc; rc = rc->next)
		ring_conns_start(w, rc);
	for (struct log_forward *lf = c->log_forwards; lf; lf = lf->next)
		log_forward_start(w, lf);
}

void log_targets_soft_stop(struct worker *w, struct config *c)
{
	for (struct log_forward *lf = c->log_forwards; lf; lf = lf->next)
		log_forward_soft_stop(w, lf);
}

void log_targets_stop(struct process *p, struct config *c)
{
	(void)p;
	for (struct log_forward *lf = c->log_forwards; lf; lf = lf->next)
		log_forward_stop(lf);
	for (struct ring_conf *rc = c->rings; rc; rc = rc->next)
		ring_conns_free(rc);
}

void log_targets_free(struct config *c)
{
	for (struct ring_conf *rc = c->rings; rc; rc = rc->next) {
		log_ring_free(rc->ring);
		rc->ring = NULL;
	}
}
