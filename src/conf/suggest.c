/* SPDX-License-Identifier: MIT */
/*
 * What to say about a word that is no keyword where it stands: where it may stand, or which word was likely
 * meant. Runs on errors only, so it walks all rows.
 */
#include "internal.h"

#include <limits.h>

const char *conf_nearest_section(const struct conf *conf, const char *word)
{
	const char *best = NULL;
	unsigned best_distance = UINT_MAX;
	for (unsigned i = 0; conf->setup.sections && conf->setup.sections[i]; i++) {
		unsigned d = conf_near(word, conf->setup.sections[i]->name);
		if (d < best_distance) {
			best = conf->setup.sections[i]->name;
			best_distance = d;
		}
	}
	return best;
}

static size_t first_word_len(const char *name)
{
	return strcspn(name, " ");
}

bool conf_is_first_word(const struct conf *conf, const char *word)
{
	size_t len = strlen(word);
	for (size_t i = 0; i < conf->index.ref_n; i++) {
		const char *name = conf->index.refs[i]->row->name;
		if (strncmp(name, word, len) == 0 && name[len] == ' ')
			return true;
	}
	return false;
}

static bool is_in_section(const struct conf *conf, const struct conf_ref *ref)
{
	for (unsigned i = 0; conf->setup.sections[i] && i < 64; i++)
		if (conf->setup.sections[i] == conf->section)
			return ref->sections >> i & 1;
	return false;
}

/* How far the words at arg are from a row's name: both words near, or all of a single one. */
static unsigned row_distance(const struct conf_line *line, int arg, const char *name)
{
	char first[64];
	size_t len = first_word_len(name);
	if (len >= sizeof(first))
		return UINT_MAX;
	memcpy(first, name, len);
	first[len] = '\0';
	unsigned d = strcmp(line->argv[arg], first) ? conf_near(line->argv[arg], first) : 0;
	if (d == UINT_MAX || !name[len])
		return d;
	const char *second = line->argv[arg + 1];
	unsigned d2 = strcmp(second, name + len + 1) ? conf_near(second, name + len + 1) : 0;
	return d2 == UINT_MAX ? UINT_MAX : d + d2;
}

static const char *nearest_row(const struct conf *conf, const struct conf_line *line, int arg)
{
	const char *best = NULL;
	unsigned best_distance = UINT_MAX;
	for (size_t i = 0; i < conf->index.ref_n; i++) {
		const struct conf_ref *ref = conf->index.refs[i];
		if (ref->row->flags & (CONF_NOT_YET | CONF_REMOVED) || !is_in_section(conf, ref))
			continue;
		unsigned d = row_distance(line, arg, ref->row->name);
		if (d < best_distance) {
			best = ref->row->name;
			best_distance = d;
		}
	}
	return best;
}

static void list_sections(const struct conf *conf, uint64_t sections, struct strbuf *out)
{
	bool any = false;
	for (unsigned i = 0; conf->setup.sections[i] && i < 64; i++) {
		if (!(sections >> i & 1))
			continue;
		bool last = !(sections >> i >> 1);
		const char *comma = !any ? "" : last ? " and " : ", ";
		strbuf_addf(out, "%s'%s'", comma, conf->setup.sections[i]->name);
		any = true;
	}
}

/* "option" or "timeout" alone: says what may follow. */
static void list_second_words(const struct conf *conf, const char *word, struct strbuf *out)
{
	enum { SHOWN = 24 };
	size_t len = strlen(word);
	unsigned n = 0;
	for (size_t i = 0; i < conf->index.ref_n; i++) {
		const struct conf_ref *ref = conf->index.refs[i];
		const char *name = ref->row->name;
		if (strncmp(name, word, len) != 0 || name[len] != ' ' ||
		    ref->row->flags & CONF_NOT_YET || !is_in_section(conf, ref))
			continue;
		if (n++ < SHOWN)
			strbuf_addf(out, "%s'%s'", n > 1 ? ", " : "", name + len + 1);
	}
	strbuf_adds(out, n > SHOWN ? " ..." : "");
}

void conf_unknown_keyword(
    struct conf *conf, const struct conf_line *line, int arg, struct conf_found found)
{
	const char *section = conf->section->name;
	const char *first = line->argv[arg];
	bool half = found.words == 2 || conf_is_first_word(conf, first);
	const char *second = half ? line->argv[arg + 1] : "";
	const char *space = *second ? " " : "";
	struct strbuf list = STRBUF_INIT;

	if (found.elsewhere) {
		list_sections(conf, found.elsewhere, &list);
		conf_error(conf, line, arg,
		    "keyword '%s%s%s' is not permitted in '%s' section, only in %s", first, space,
		    second, section, strbuf_str(&list));
		strbuf_done(&list);
		return;
	}
	const char *near = nearest_row(conf, line, arg);
	if (!near && half)
		list_second_words(conf, first, &list);
	if (near)
		conf_error(conf, line, arg,
		    "unknown keyword '%s%s%s' in '%s' section; did you mean '%s' ?", first, space,
		    second, section, near);
	else if (list.len)
		conf_error(conf, line, arg,
		    "unknown keyword '%s%s%s' in '%s' section; '%s' may be followed by %s", first,
		    space, second, section, first, strbuf_str(&list));
	else
		conf_error(conf, line, arg, "unknown keyword '%s%s%s' in '%s' section", first,
		    space, second, section);
	strbuf_done(&list);
}
