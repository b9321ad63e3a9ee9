/* SPDX-License-Identifier: MIT */
/*
 * Names between proxies once all is read: default_backend, use_backend, use-server. What names nothing is an
 * error that tells the nearest name; rules that are never reached are warned of.
 */
#include "conf_int.h"

static const char *nth_backend(const void *names, size_t i)
{
	const struct config *c = names;
	for (const struct proxy *p = c->proxies; p; p = p->next)
		if (p->caps & PROXY_BE && i-- == 0)
			return p->name;
	return NULL;
}

static const char *nth_server(const void *names, size_t i)
{
	const struct backend *be = names;
	return i < be->servers_n ? be->servers[i]->name : NULL;
}

static void unknown_backend(struct conf *conf, const struct config *c, const struct proxy *p,
    struct conf_pos pos, const char *keyword, const char *name)
{
	const char *near = conf_nearest(name, nth_backend, c);
	const char *what = config_frontend(c, name) ? " (there is a frontend of that name)" : "";
	diag_add(conf_diag(conf), DIAG_ERROR, pos,
	    "Proxy '%s': unable to find required %s: '%s'%s%s%s%s.", p->name, keyword, name, what,
	    near && !*what ? "; did you mean '" : "", near && !*what ? near : "",
	    near && !*what ? "' ?" : "");
}

/* HTTP needs HTTP behind it; TCP in front of HTTP becomes HTTP on the way. */
static void check_modes(struct conf *conf, const struct proxy *fe, const struct proxy *be,
    struct conf_pos pos, const char *how)
{
	if (be->mode == PROXY_LOG)
		diag_add(conf_diag(conf), DIAG_ERROR, pos,
		    "%s '%s' cannot use backend '%s' (%s:%u) %s: it is in 'mode log'.",
		    proxy_kind(fe), fe->name, be->name, be->pos.file ? be->pos.file : "",
		    be->pos.line, how);
	else if (fe->mode == PROXY_HTTP && be->mode != PROXY_HTTP)
		diag_add(conf_diag(conf), DIAG_ERROR, pos,
		    "http %s '%s' (%s:%u) tries to use incompatible tcp backend '%s' (%s:%u) %s "
		    "(see "
		    "'mode').",
		    proxy_kind(fe), fe->name, fe->pos.file ? fe->pos.file : "", fe->pos.line,
		    be->name, be->pos.file ? be->pos.file : "", be->pos.line, how);
}

static void find_default(struct conf *conf, const struct config *c, struct proxy *p)
{
	if (!p->default_backend_name)
		return;
	p->default_backend = config_backend(c, p->default_backend_name);
	if (!p->default_backend)
		unknown_backend(conf, c, p, p->pos, "default_backend", p->default_backend_name);
	else
		check_modes(conf, p, p->default_backend, p->pos, "as its default backend");
}

static void find_use_backends(struct conf *conf, const struct config *c, struct proxy *p)
{
	const struct switch_rule *always = NULL;
	for (struct switch_rule *r = p->use_backend; r; r = r->next) {
		if (always)
			diag_add(conf_diag(conf), DIAG_WARNING, r->pos,
			    "this 'use_backend %s' is never reached: the one of line %u has no "
			    "condition",
			    r->name, always->pos.line);
		else if (!r->cond && !r->dynamic)
			always = r;
		if (r->dynamic)
			continue;
		r->backend = config_backend(c, r->name);
		if (!r->backend)
			unknown_backend(conf, c, p, r->pos, "use_backend", r->name);
		else
			check_modes(conf, p, r->backend, r->pos, "in a 'use_backend' rule");
	}
	if (always && p->default_backend_name)
		diag_add(conf_diag(conf), DIAG_WARNING, always->pos,
		    "'default_backend %s' is never reached: this 'use_backend %s' has no condition",
		    p->default_backend_name, always->name);
}

static void find_use_servers(struct conf *conf, struct proxy *p)
{
	for (struct switch_rule *r = p->use_server; r; r = r->next) {
		if (r->dynamic)
			continue;
		r->server = backend_server(&p->be, r->name);
		if (r->server)
			continue;
		const char *near = conf_nearest(r->name, nth_server, &p->be);
		diag_add(conf_diag(conf), DIAG_ERROR, r->pos,
		    "%s '%s' : unable to find server '%s' referenced in a 'use-server' rule%s%s%s.",
		    proxy_kind(p), p->name, r->name, near ? "; did you mean '" : "",
		    near ? near : "", near ? "' ?" : "");
	}
}

void finish_names(struct conf *conf, struct config *c)
{
	for (struct proxy *p = c->proxies; p; p = p->next) {
		if (p->options & PR_O_DISABLED)
			continue;
		if (p->caps & PROXY_FE) {
			find_default(conf, c, p);
			find_use_backends(conf, c, p);
		}
		if (p->caps & PROXY_BE)
			find_use_servers(conf, p);
	}
}
