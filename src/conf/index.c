/* SPDX-License-Identifier: MIT */
/*
 * The index of keyword rows: one hash over all tables of all sections, built once a run, so that a line costs
 * one or two look-ups however many keywords there are. A row that several sections share is in it once, with
 * a bit for each section. Tables of options are added when they are first used.
 */
#include "internal.h"

#include <errno.h>

#define SECTIONS_MAX 64
/* Longer words are no keyword; keeps the two-word name on the stack. */
#define NAME_MAX_LEN 96

static struct conf_ref *find_row(const struct conf_index *index, const struct conf_keyword *row)
{
	struct htab_node *node = htab_first(&index->table, hash_slice(slice_str(row->name)));
	for (; node; node = htab_next(node)) {
		struct conf_ref *ref = container_of(node, struct conf_ref, node);
		if (ref->row == row)
			return ref;
	}
	return NULL;
}

static int add_row(struct conf_index *index, const struct conf_keyword *row, uint64_t sections)
{
	struct conf_ref *ref = find_row(index, row);
	if (ref) {
		ref->sections |= sections;
		return 0;
	}
	if (index->ref_n == index->ref_cap) {
		size_t cap = MAX(index->ref_cap * 2, 64);
		struct conf_ref **refs = reallocarray(index->refs, cap, sizeof(struct conf_ref *));
		if (!refs)
			return -ENOMEM;
		index->refs = refs;
		index->ref_cap = cap;
	}
	ref = calloc(1, sizeof(*ref));
	if (!ref)
		return -ENOMEM;
	ref->row = row;
	ref->sections = sections;
	int r = htab_insert(&index->table, &ref->node, hash_slice(slice_str(row->name)));
	if (r < 0) {
		free(ref);
		return r;
	}
	index->refs[index->ref_n++] = ref;
	return 0;
}

static int add_tables(struct conf_index *index, const struct conf_keyword *const *tables,
    unsigned scope, uint64_t bit)
{
	for (; tables && *tables; tables++) {
		for (const struct conf_keyword *row = *tables; row->name; row++) {
			int r = add_row(index, row, row->scope & scope ? bit : 0);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

int conf_index_build(struct conf *conf)
{
	int r = add_tables(&conf->index, conf->setup.keywords, 0, 0);
	const struct conf_section *const *sections = conf->setup.sections;
	for (unsigned i = 0; r == 0 && sections && sections[i] && i < SECTIONS_MAX; i++)
		r = add_tables(&conf->index, sections[i]->tables, sections[i]->scope, 1ULL << i);
	return r;
}

void conf_index_done(struct conf_index *index)
{
	for (size_t i = 0; i < index->ref_n; i++)
		free(index->refs[i]);
	free(index->refs);
	htab_done(&index->table);
	for (size_t i = 0; index->options.buckets && i <= index->options.mask; i++) {
		struct htab_node *node = index->options.buckets[i];
		while (node) {
			struct htab_node *next = node->next;
			free(container_of(node, struct conf_option_ref, node));
			node = next;
		}
	}
	htab_done(&index->options);
}

const struct conf_section *conf_section_find(const struct conf *conf, const char *name)
{
	for (unsigned i = 0; conf->setup.sections && conf->setup.sections[i]; i++)
		if (strcmp(conf->setup.sections[i]->name, name) == 0)
			return conf->setup.sections[i];
	return NULL;
}

static uint64_t bit_of(const struct conf *conf, const struct conf_section *section)
{
	for (unsigned i = 0; conf->setup.sections[i] && i < SECTIONS_MAX; i++)
		if (conf->setup.sections[i] == section)
			return 1ULL << i;
	return 0;
}

/* Fills found->row, or adds to found->elsewhere the other sections that know the name. */
static void look_up(
    const struct conf *conf, const char *name, uint64_t section, struct conf_found *found)
{
	struct htab_node *node = htab_first(&conf->index.table, hash_slice(slice_str(name)));
	for (; node; node = htab_next(node)) {
		const struct conf_ref *ref = container_of(node, struct conf_ref, node);
		if (strcmp(ref->row->name, name) != 0)
			continue;
		if (ref->sections & section) {
			found->row = ref->row;
			return;
		}
		found->elsewhere |= ref->sections;
	}
}

struct conf_found conf_index_find(
    struct conf *conf, const struct conf_line *line, int arg, const struct conf_section *section)
{
	char pair[2 * NAME_MAX_LEN + 2];
	struct conf_found found = { .words = 2 };
	uint64_t bit = section ? bit_of(conf, section) : 0;
	const char *first = line->argv[arg];
	const char *second = line->argv[arg + 1];

	if (arg >= line->argc || strlen(first) > NAME_MAX_LEN)
		return found;
	if (arg + 1 < line->argc && strlen(second) <= NAME_MAX_LEN) {
		/* "set-var(x)" is the keyword "set-var" */
		snprintf(pair, sizeof(pair), "%s %.*s", first, (int)strcspn(second, "("), second);
		look_up(conf, pair, bit, &found);
		if (found.row)
			return found;
	}
	uint64_t pair_elsewhere = found.elsewhere;
	found.elsewhere = 0;
	look_up(conf, first, bit, &found);
	found.words = 1;
	if (!found.row && pair_elsewhere) {
		found.elsewhere = pair_elsewhere;
		found.words = 2;
	}
	return found;
}

/* ---- options ---- */

static uint64_t option_hash(const struct conf_option *const *tables, const char *name)
{
	return hash_slice(slice_str(name)) ^ hash_bytes(&tables, sizeof(tables));
}

static int add_option(struct conf_index *index, const struct conf_option *const *tables,
    const struct conf_option *row, const char *key)
{
	struct conf_option_ref *ref = calloc(1, sizeof(*ref));
	if (!ref)
		return -ENOMEM;
	ref->row = row;
	ref->tables = tables;
	int r = htab_insert(&index->options, &ref->node, option_hash(tables, key));
	if (r < 0)
		free(ref);
	return r;
}

/* The row of that name; with a NULL row behind "" when the tables are in the index at all. */
static bool find_option(const struct conf_index *index, const struct conf_option *const *tables,
    const char *name, const struct conf_option **ret_row)
{
	struct htab_node *node = htab_first(&index->options, option_hash(tables, name));
	for (; node; node = htab_next(node)) {
		const struct conf_option_ref *ref =
		    container_of(node, struct conf_option_ref, node);
		if (ref->tables == tables && strcmp(ref->row ? ref->row->name : "", name) == 0) {
			*ret_row = ref->row;
			return true;
		}
	}
	return false;
}

int conf_option_find(struct conf *conf, const struct conf_option *const *tables, const char *name,
    const struct conf_option **ret_row)
{
	const struct conf_option *row;
	struct conf_index *index = &conf->index;
	if (!find_option(index, tables, "", &row)) {
		int r = add_option(index, tables, NULL, "");
		for (size_t t = 0; r == 0 && tables[t]; t++)
			for (row = tables[t]; r == 0 && row->name; row++)
				r = add_option(index, tables, row, row->name);
		if (r < 0)
			return r;
	}
	if (!*name || !find_option(index, tables, name, &row))
		return 0;
	*ret_row = row;
	return 1;
}
