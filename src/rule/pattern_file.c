/* SPDX-License-Identifier: MIT */
/*
 * Pattern files of ACLs and maps. A file is read once in a run, however many lines name it: the sets hang off the
 * run's slot of this module until it ends, and in the configuration's arena afterwards.
 */
#include "pattern.h"
#include "rule_int.h"

/* One file as one way of matching. */
struct pattern_file {
	struct pattern_file *next;
	const char *path;
	enum match_method method;
	bool icase, with_values;
	struct patterns *patterns;
};

/* One line of a file: the pattern, or pattern and value separated by blanks. */
static int load_line(struct patterns *p, struct conf *conf, const struct conf_line *line, int arg,
    char *text, bool icase, bool with_values)
{
	char *value = NULL;
	size_t len = strlen(text);
	while (len && strchr(" \t\r", text[len - 1]))
		text[--len] = '\0';
	if (with_values) {
		value = text + strcspn(text, " \t");
		if (*value)
			*value++ = '\0';
		value += strspn(value, " \t");
	}
	struct pattern *pat = patterns_add(p, conf, line, arg, text, icase, "eq");
	if (!pat)
		return -1;
	pat->value = slice_str(value ? value : "");
	return 0;
}

static int patterns_load(struct patterns *p, struct conf *conf, const struct conf_line *line,
    int arg, const char *path, bool icase, bool with_values)
{
	size_t len;
	/* "opt@": a file that may be missing; "virt@": a set without a file. */
	if (strncmp(path, "virt@", 5) == 0)
		return 0;
	if (strncmp(path, "opt@", 4) == 0) {
		FILE *probe = fopen(path + 4, "re");
		if (!probe)
			return 0;
		fclose(probe);
		path += 4;
	} else if (strncmp(path, "file@", 5) == 0) {
		path += 5;
	}
	char *text = rule_file_read(conf, line, arg, path, &len);
	if (!text)
		return -1;
	unsigned number = 0;
	for (char *at = text, *end; at && *at; at = end) {
		end = strchr(at, '\n');
		if (end)
			*end++ = '\0';
		number++;
		if (*at == '#')
			continue;
		at += strspn(at, " \t");
		if (*at == '\0' || *at == '\r')
			continue;
		if (load_line(p, conf, line, arg, at, icase, with_values) < 0) {
			conf_notice(conf, line, arg, "... in line %u of '%s'", number, path);
			return -1;
		}
	}
	return 0;
}

const struct patterns *patterns_file(struct conf *conf, const struct conf_line *line, int arg,
    enum match_method method, const char *path, bool icase, bool with_values)
{
	struct pattern_file **head = (struct pattern_file **)conf_slot(conf, CONF_SLOT_RULE);
	for (const struct pattern_file *f = *head; f; f = f->next) {
		if (f->method == method && f->icase == icase && f->with_values == with_values &&
		    strcmp(f->path, path) == 0)
			return f->patterns;
	}
	struct arena *arena = conf_arena(conf);
	struct pattern_file *file = arena_new(arena, struct pattern_file);
	struct patterns *set = patterns_new(arena, method);
	char *copy = arena_strdup(arena, path);
	if (!file || !set || !copy) {
		conf_error(conf, line, arg, "out of memory");
		return NULL;
	}
	if (patterns_load(set, conf, line, arg, path, icase, with_values) < 0 ||
	    patterns_seal(set, conf, line, arg) < 0)
		return NULL;
	*file = (struct pattern_file){ *head, copy, method, icase, with_values, set };
	*head = file;
	return set;
}
