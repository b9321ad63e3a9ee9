/* SPDX-License-Identifier: MIT */
/*
 * The list of names of proxies and servers that expressions mention, kept while the configuration is read.
 */
#include "weir/rule/objects.h"
#include "rule_int.h"

int rule_object_note(const struct arg_place *at, enum rule_object_kind kind, struct slice name)
{
	struct arena *arena = conf_arena(at->conf);
	struct rule_object **list = (struct rule_object **)conf_slot(at->conf, CONF_SLOT_OBJECTS);
	struct rule_object *o = arena_new(arena, struct rule_object);
	if (!o)
		return -1;
	o->kind = kind;
	o->name = arena_slice_dup(arena, name);
	o->what = arena_strdup(arena, at->what);
	o->pos = at->line->pos;
	o->next = *list;
	*list = o;
	return o->name && o->what ? 0 : -1;
}

const struct rule_object *rule_objects(struct conf *conf)
{
	return *conf_slot(conf, CONF_SLOT_OBJECTS);
}
