/* SPDX-License-Identifier: MIT */
/*
 * The environment of a run: a copy of the process's, made when the run begins, that setenv and its relatives
 * change. The process's own stays as it was, so that a reload in a threaded process starts from the same
 * variables and no thread's getenv() is disturbed. One thread; strings belong to the environment.
 */
#include "internal.h"

#include <errno.h>
#include <unistd.h>

struct env_var {
	struct htab_node node;
	struct list link;
	char *value; /* behind the name, in the same block */
	size_t name_len;
	char name[];
};

static struct env_var *find(const struct conf_env *env, struct slice name)
{
	struct htab_node *node = htab_first(&env->table, hash_slice(name));
	for (; node; node = htab_next(node)) {
		struct env_var *var = container_of(node, struct env_var, node);
		if (slice_eq(slice_make(var->name, var->name_len), name))
			return var;
	}
	return NULL;
}

static void drop(struct conf_env *env, struct env_var *var)
{
	htab_remove(&env->table, &var->node);
	list_del(&var->link);
	free(var);
}

static int set(struct conf_env *env, struct slice name, struct slice value)
{
	struct env_var *var = malloc(sizeof(*var) + name.len + value.len + 2);
	if (!var)
		return -ENOMEM;
	var->name_len = name.len;
	memcpy(var->name, name.ptr, name.len);
	var->name[name.len] = '\0';
	var->value = var->name + name.len + 1;
	if (value.len)
		memcpy(var->value, value.ptr, value.len);
	var->value[value.len] = '\0';

	/* value may lie in the old variable, which goes last */
	struct env_var *old = find(env, name);
	int r = htab_insert(&env->table, &var->node, hash_slice(name));
	if (r < 0) {
		free(var);
		return r;
	}
	list_add_tail(&env->vars, &var->link);
	if (old)
		drop(env, old);
	return 0;
}

void conf_env_init(struct conf_env *env)
{
	env->table = HTAB_INIT;
	list_init(&env->vars);
	for (char **p = environ; p && *p; p++) {
		struct slice value = slice_str(*p);
		struct slice name = slice_cut(&value, '=');
		if (name.len && value.ptr)
			(void)!set(env, name, value);
	}
}

void conf_env_done(struct conf_env *env)
{
	if (!env->vars.next)
		return;
	list_for_each_entry_safe (var, &env->vars, struct env_var, link)
		drop(env, var);
	htab_done(&env->table);
}

const char *conf_env_get(const struct conf_env *env, struct slice name)
{
	struct env_var *var = find(env, name);
	return var ? var->value : NULL;
}

const char *conf_getenv(const struct conf *conf, const char *name)
{
	return conf_env_get(&conf->env, slice_str(name));
}

int conf_setenv(struct conf *conf, const char *name, const char *value)
{
	if (!*name || strchr(name, '='))
		return -EINVAL;
	return set(&conf->env, slice_str(name), slice_str(value));
}

int conf_presetenv(struct conf *conf, const char *name, const char *value)
{
	return conf_getenv(conf, name) ? 0 : conf_setenv(conf, name, value);
}

void conf_unsetenv(struct conf *conf, const char *name)
{
	struct env_var *var = find(&conf->env, slice_str(name));
	if (var)
		drop(&conf->env, var);
}

void conf_resetenv(struct conf *conf, const char *const *keep, size_t n)
{
	list_for_each_entry_safe (var, &conf->env.vars, struct env_var, link) {
		bool kept = false;
		for (size_t i = 0; i < n && !kept; i++)
			kept = strcmp(keep[i], var->name) == 0;
		if (!kept)
			drop(&conf->env, var);
	}
}

char **conf_environ(const struct conf *conf, struct arena *arena)
{
	size_t i = 0;
	char **list = arena_array(arena, char *, conf->env.table.count + 1);
	if (!list)
		return NULL;
	list_for_each_entry (var, &conf->env.vars, struct env_var, link) {
		list[i] = arena_printf(arena, "%s=%s", var->name, var->value);
		if (!list[i++])
			return NULL;
	}
	return list;
}

const char *conf_lookup_var(void *ctx, struct slice name)
{
	struct conf *conf = ctx;
	if (name.ptr[0] != '.')
		return conf_env_get(&conf->env, name);
	if (!conf->source) /* a condition of the command line */
		return NULL;
	if (slice_eq(name, SLICE(".FILE")))
		return conf->source->name;
	if (slice_eq(name, SLICE(".SECTION")))
		return conf->section_name ? conf->section_name : "";
	snprintf(conf->line_digits, sizeof(conf->line_digits), "%u", conf->lexer.line_no);
	return conf->line_digits;
}
