/* SPDX-License-Identifier: MIT */
/*
 * Names of proxies and servers in expressions, "nbsrv(app)": what they name may stand further down, so they are looked
 * up when the whole configuration was read.
 */
#ifndef WEIR_RULE_OBJECTS_H
#define WEIR_RULE_OBJECTS_H

#include "weir/conf/conf.h"

enum rule_object_kind {
	RULE_FRONTEND_NAME,
	RULE_BACKEND_NAME,
	RULE_SERVER_NAME, /* "backend/server", or "server" of the proxy that the line stands in */
};

/* One name that a line mentions. */
struct rule_object {
	struct rule_object *next;
	enum rule_object_kind kind;
	const char *name;
	const char *what; /* "fetch 'nbsrv'" */
	struct conf_pos pos;
};

/* All of them, the last one first. */
const struct rule_object *rule_objects(struct conf *conf);

#endif
