/* SPDX-License-Identifier: MIT */
/*
 * Numeric ids of proxies and listeners: those that were written stay, the others are given in the order of the
 * files. Servers get theirs from the upstream module.
 */
#include "conf_int.h"

static struct proxy *proxy_with_id(const struct config *c, unsigned id, const struct proxy *until)
{
	for (struct proxy *p = c->proxies; p && p != until; p = p->next)
		if (p->id_set && p->id == id)
			return p;
	return NULL;
}

/*
 * The counter goes on from the last id that was given and passes one more for each that was written, so that
 * ids show the place in the file where they can.
 */
static void number_proxies(struct conf *conf, struct config *c)
{
	/* With an admin socket its own frontend, "GLOBAL", is the first. */
	unsigned next = c->global.stats_sockets ? 2 : 1;
	for (struct proxy *p = c->proxies; p; p = p->next) {
		const struct proxy *other = p->id_set ? proxy_with_id(c, p->id, p) : NULL;
		if (other)
			proxy_error(conf, p,
			    "%s %s reuses same custom id as %s %s (declared at %s:%u).",
			    proxy_kind(p), p->name, proxy_kind(other), other->name,
			    other->pos.file ? other->pos.file : "", other->pos.line);
		if (!p->id_set) {
			while (proxy_with_id(c, next, NULL))
				next++;
			p->id = next;
		}
		next++;
	}
}

static const struct bind_conf *bind_with_id(
    const struct bind_conf *first, unsigned id, const struct bind_conf *until)
{
	for (; first && first != until; first = first->next)
		if (first->id == id)
			return first;
	return NULL;
}

static void number_binds(struct conf *conf, struct bind_conf *first)
{
	unsigned next = 1;
	for (const struct bind_conf *b = first; b; b = b->next) {
		const struct bind_conf *other = b->id ? bind_with_id(first, b->id, b) : NULL;
		if (other)
			diag_add(conf_diag(conf), DIAG_ERROR, b->pos,
			    "'bind' : 'id' : custom id %u already used at %s:%u", b->id,
			    other->pos.file ? other->pos.file : "", other->pos.line);
	}
	for (struct bind_conf *b = first; b; b = b->next) {
		if (!b->id) {
			while (bind_with_id(first, next, NULL))
				next++;
			b->id = next;
		}
		next++;
	}
}

void finish_ids(struct conf *conf, struct config *c)
{
	number_proxies(conf, c);
	for (struct proxy *p = c->proxies; p; p = p->next)
		number_binds(conf, p->binds);
	number_binds(conf, c->global.stats_sockets);
}
