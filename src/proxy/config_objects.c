/* SPDX-License-Identifier: MIT */
/*
 * Names of proxies and servers in expressions, "nbsrv(app)", once all is read: what names nothing is an error, instead of
 * a fetch that never has a value.
 */
#include "conf_int.h"

#include "weir/rule/objects.h"

/* The proxy whose section a line stands in; NULL: a defaults section, or none. */
static const struct proxy *proxy_at(const struct config *c, struct conf_pos pos)
{
	const struct proxy *best = NULL;
	for (const struct proxy *p = c->proxies; p; p = p->next) {
		if (!p->pos.file || !pos.file || strcmp(p->pos.file, pos.file) != 0 ||
		    p->pos.line > pos.line)
			continue;
		if (!best || p->pos.line > best->pos.line)
			best = p;
	}
	return best;
}

static void unknown(
    struct conf *conf, const struct rule_object *o, const char *kind, struct slice name)
{
	diag_add(conf_diag(conf), DIAG_ERROR, o->pos, "%s: unable to find %s '%.*s'", o->what, kind,
	    SLICE_ARG(name));
}

static void check_server(struct conf *conf, const struct config *c, const struct rule_object *o)
{
	char name[256];
	const char *slash = strchr(o->name, '/');
	const struct proxy *p = proxy_at(c, o->pos);
	if (slash) {
		snprintf(name, sizeof(name), "%.*s", (int)(slash - o->name), o->name);
		p = config_backend(c, name);
		if (!p) {
			unknown(conf, o, "backend", slice_str(name));
			return;
		}
	}
	/* without a backend of its own the line serves whatever backend it runs in */
	if (!p || !(p->caps & PROXY_BE))
		return;
	const char *server = slash ? slash + 1 : o->name;
	if (!backend_server(&p->be, server))
		diag_add(conf_diag(conf), DIAG_ERROR, o->pos,
		    "%s: unable to find server '%s' in backend '%s'", o->what, server, p->name);
}

void finish_objects(struct conf *conf, struct config *c)
{
	for (const struct rule_object *o = rule_objects(conf); o; o = o->next) {
		if (o->kind == RULE_SERVER_NAME)
			check_server(conf, c, o);
		else if (o->kind == RULE_FRONTEND_NAME && !config_frontend(c, o->name))
			unknown(conf, o, "frontend", slice_str(o->name));
		else if (o->kind == RULE_BACKEND_NAME && !config_backend(c, o->name))
			unknown(conf, o, "backend", slice_str(o->name));
	}
}
