/* SPDX-License-Identifier: MIT */
/*
 * Commands about ACLs and maps (management manual 9.3): what lists of patterns there are, what they hold, what
 * they would answer, and changes. The lists are those of the present configuration: what is changed here goes
 * with it. Worker 0; other workers go on searching meanwhile.
 */
#include "cli_proxy.h"
#include "weir/rule/patterns.h"
#include "weir/rule/rule.h"

/* A command's words behind its name: "[@<ver>] <list> ...". */
struct map_words {
	bool acl;
	char **rest; /* the list's name and what follows */
	uint32_t version;
	bool has_version;
};

/* versions: whether the command knows them. */
static void read_words(const struct cli_call *call, struct map_words *ret, bool versions)
{
	*ret =
	    (struct map_words){ .acl = strcmp(call->argv[1], "acl") == 0, .rest = call->argv + 2 };
	if (!versions || ret->rest[0][0] != '@')
		return;
	ret->version = (uint32_t)strtoul(ret->rest[0] + 1, NULL, 10);
	ret->has_version = true;
	ret->rest++;
}

static const uint32_t *version_of(const struct map_words *m)
{
	return m->has_version ? &m->version : NULL;
}

static const char *kind_name(const struct map_words *m)
{
	return m->acl ? "ACL" : "map";
}

static bool is_kind(const struct map_words *m, struct pattern_ref *r)
{
	struct pattern_ref_info info;
	pattern_ref_info(r, &info);
	return m->acl ? info.is_acl : info.is_map;
}

/* NULL: an error was written. */
static struct pattern_ref *find_list(struct cli_call *call, const struct map_words *m)
{
	struct pattern_ref *r = pattern_ref_find(cli_process(call)->config->patterns, m->rest[0]);
	if (r && is_kind(m, r))
		return r;
	cli_err(call, "Unknown %s identifier. Please use #<id> or <file>.\n", kind_name(m));
	return NULL;
}

/* Entries of a list that has values come with one. */
static bool may_add_bare(struct cli_call *call, struct pattern_ref *r)
{
	struct pattern_ref_info info;
	pattern_ref_info(r, &info);
	if (!info.is_map)
		return true;
	cli_err(call, "This ACL is shared with a map containing samples. You must use the command "
		      "'add map' to add values.\n");
	return false;
}

/* ---- show ---- */

static void list_lists(struct cli_call *call, const struct map_words *m)
{
	const struct pattern_store *store = cli_process(call)->config->patterns;
	struct pattern_ref *r = NULL;
	strbuf_adds(call->out, "# id (file) description\n");
	while ((r = pattern_ref_next(store, r))) {
		struct pattern_ref_info info;
		pattern_ref_info(r, &info);
		if (!(m->acl ? info.is_acl : info.is_map))
			continue;
		strbuf_addf(call->out, "%u (%s) ", info.id, info.name);
		pattern_ref_describe(r, call->out);
		strbuf_addf(call->out, ". curr_ver=%u next_ver=%u entry_cnt=%llu\n", info.current,
		    info.next, (unsigned long long)info.entries);
	}
}

static bool show_entry(const struct pattern_entry_info *e, void *arg)
{
	struct strbuf *out = arg;
	strbuf_addf(out, "0x%llx ", (unsigned long long)e->id);
	strbuf_addslice(out, e->text);
	if (e->has_value) {
		strbuf_addc(out, ' ');
		strbuf_addslice(out, e->value);
	}
	strbuf_addc(out, '\n');
	return !out->failed;
}

static void run_show(struct cli_call *call)
{
	struct map_words m;
	read_words(call, &m, true);
	if (!*m.rest[0] && !m.has_version) {
		list_lists(call, &m);
		return;
	}
	struct pattern_ref *r = find_list(call, &m);
	if (r)
		pattern_ref_each(r, version_of(&m), show_entry, call->out);
}

/* ---- get ---- */

struct get_arg {
	struct strbuf *out;
	bool acl;
};

static void show_lookup(const struct pattern_lookup *l, void *arg)
{
	const struct get_arg *get = arg;
	struct strbuf *out = get->out;
	strbuf_addf(out, "type=%s, case=%s, %s=%s", l->method,
	    l->icase ? "insensitive" : "sensitive", get->acl ? "match" : "found",
	    l->found ? "yes" : "no");
	if (l->found) {
		strbuf_addf(out, ", idx=%s, %s=\"", l->tree ? "tree" : "list",
		    get->acl ? "pattern" : "key");
		strbuf_addslice(out, l->text);
		strbuf_addc(out, '"');
	}
	if (l->found && !get->acl && l->has_value) {
		strbuf_adds(out, ", value=\"");
		strbuf_addslice(out, l->value);
		strbuf_addf(out, "\", type=\"%s\"", l->type);
	} else if (l->found && !get->acl) {
		strbuf_adds(out, ", value=none");
	}
	strbuf_addc(out, '\n');
}

static void run_get(struct cli_call *call)
{
	struct map_words m;
	struct arena arena;
	read_words(call, &m, false);
	if (!*m.rest[0] || call->argc < 4) {
		cli_err(call, "Missing %s identifier and/or key.\n", kind_name(&m));
		return;
	}
	struct pattern_ref *r = find_list(call, &m);
	if (!r)
		return;
	arena_init(&arena, 4096);
	struct rule_ctx cx = { .arena = &arena, .worker = call->worker };
	struct get_arg get = { call->out, m.acl };
	pattern_ref_lookup(r, &cx, slice_str(m.rest[1]), show_lookup, &get);
	arena_reset(&arena);
}

/* ---- changes ---- */

/* The answers to what a change can end with; what is missing is the caller's word. */
static void answer(struct cli_call *call, enum pattern_result result, const char *missing,
    const struct strbuf *err)
{
	switch (result) {
	case PATTERN_OK:
		break;
	case PATTERN_MISSING:
		cli_err(call, "%s\n", missing);
		break;
	case PATTERN_FUTURE:
		cli_err(call, "Version number in the future, please use 'prepare %s' before.\n",
		    call->argv[1]);
		break;
	case PATTERN_REFUSED:
		cli_err(call, "%s\n", err && err->len ? strbuf_str(err) : "Out of memory error.");
		break;
	}
}

static bool add_one(struct cli_call *call, const struct map_words *m, struct pattern_ref *r,
    struct slice key, struct slice value)
{
	struct strbuf err = STRBUF_INIT;
	enum pattern_result result =
	    pattern_ref_add(r, call->worker, version_of(m), key, value, &err);
	answer(call, result, "", &err);
	strbuf_done(&err);
	return result == PATTERN_OK;
}

static struct slice skip_blanks(struct slice s)
{
	while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
		s = slice_sub(s, 1, s.len);
	return s;
}

/* A line an entry; those in front of a wrong one stay. */
static void add_payload(struct cli_call *call, const struct map_words *m, struct pattern_ref *r)
{
	struct slice rest = call->payload;
	while (rest.ptr && rest.len) {
		struct slice key = skip_blanks(slice_cut(&rest, '\n')), value = SLICE_NULL;
		if (key.len && key.ptr[key.len - 1] == '\r')
			key.len--;
		if (!key.len)
			continue;
		if (!m->acl) {
			size_t n = 0;
			while (n < key.len && key.ptr[n] != ' ' && key.ptr[n] != '\t')
				n++;
			value = skip_blanks(slice_sub(key, n, key.len));
			key.len = n;
			if (!value.len) {
				cli_err(call, "Missing value for key '%.*s'.\n", SLICE_ARG(key));
				return;
			}
		}
		if (!add_one(call, m, r, key, value))
			return;
	}
}

static void run_add(struct cli_call *call)
{
	struct map_words m;
	read_words(call, &m, true);
	bool payload = call->payload.ptr;
	bool complete = *m.rest[0] && (payload || (*m.rest[1] && (m.acl || *m.rest[2])));
	if (!complete) {
		cli_err(
		    call, m.acl ? "'add acl' expects two parameters: ACL identifier and pattern.\n"
				: "'add map' expects three parameters (map identifier, key and "
				  "value) or one parameter (map identifier) and a payload\n");
		return;
	}
	struct pattern_ref *r = find_list(call, &m);
	if (!r || (m.acl && !may_add_bare(call, r)))
		return;
	if (payload)
		add_payload(call, &m, r);
	else
		(void)add_one(
		    call, &m, r, slice_str(m.rest[1]), m.acl ? SLICE_NULL : slice_str(m.rest[2]));
}

/* "#0x1234": an entry as "show map" names it. */
static bool entry_id(const char *word, uintptr_t *ret)
{
	if (*word != '#')
		return false;
	*ret = (uintptr_t)strtoull(word + 1, NULL, 16);
	return true;
}

static void run_del(struct cli_call *call)
{
	struct map_words m;
	uintptr_t id;
	read_words(call, &m, false);
	if (!*m.rest[0] || !*m.rest[1]) {
		cli_err(call, "This command expects two parameters: %s identifier and key.\n",
		    kind_name(&m));
		return;
	}
	struct pattern_ref *r = find_list(call, &m);
	if (!r)
		return;
	enum pattern_result result = entry_id(m.rest[1], &id)
					 ? pattern_ref_del_id(r, call->worker, id)
					 : pattern_ref_del(r, call->worker, slice_str(m.rest[1]));
	answer(call, result, "Key not found.", NULL);
}

static void run_set(struct cli_call *call)
{
	struct map_words m;
	struct strbuf err = STRBUF_INIT;
	uintptr_t id;
	read_words(call, &m, false);
	if (!*m.rest[0] || !*m.rest[1] || !*m.rest[2]) {
		cli_err(
		    call, "'set map' expects three parameters: map identifier, key and value.\n");
		return;
	}
	struct pattern_ref *r = find_list(call, &m);
	if (!r)
		return;
	struct slice value = slice_str(m.rest[2]);
	if (entry_id(m.rest[1], &id))
		answer(call, pattern_ref_set_id(r, call->worker, id, value, &err),
		    "key or pattern not found.", &err);
	else
		answer(call, pattern_ref_set(r, call->worker, slice_str(m.rest[1]), value, &err),
		    "entry not found.", &err);
	strbuf_done(&err);
}

static void run_clear(struct cli_call *call)
{
	struct map_words m;
	read_words(call, &m, true);
	if (!*m.rest[0]) {
		cli_err(call, "Missing %s identifier.\n", kind_name(&m));
		return;
	}
	struct pattern_ref *r = find_list(call, &m);
	if (r)
		answer(call, pattern_ref_clear(r, call->worker, version_of(&m)), "", NULL);
}

static void run_prepare(struct cli_call *call)
{
	struct map_words m;
	read_words(call, &m, false);
	struct pattern_ref *r = find_list(call, &m);
	if (r)
		cli_ok(call, "New version created: %u\n", pattern_ref_prepare(r));
}

static void run_commit(struct cli_call *call)
{
	struct map_words m;
	read_words(call, &m, true);
	if (!m.has_version) {
		cli_err(call, "Missing version number.\n");
		return;
	}
	if (!*m.rest[0]) {
		cli_err(call, "Missing %s identifier.\n", kind_name(&m));
		return;
	}
	struct pattern_ref *r = find_list(call, &m);
	if (!r)
		return;
	enum pattern_result result = pattern_ref_commit(r, call->worker, m.version);
	if (result == PATTERN_FUTURE)
		cli_err(call, "Version number out of range.\n");
	else
		answer(call, result, "", NULL);
}

/* Whoever may look may ask; changes are an operator's. */
const struct cli_command proxy_map_commands[] = {
	{ "show acl", CLI_USER, run_show, "[[@<ver>] <acl>]", "list the ACLs, or one's patterns" },
	{ "show map", CLI_USER, run_show, "[[@<ver>] <map>]", "list the maps, or one's entries" },
	{ "get acl", CLI_USER, run_get, "<acl> <value>", "what an ACL says to a value" },
	{ "get map", CLI_USER, run_get, "<map> <value>", "what a map says to a value" },
	{ "add acl", CLI_OPERATOR, run_add, "[@<ver>] <acl> {<pattern>|<payload>}",
	    "add patterns to an ACL" },
	{ "add map", CLI_OPERATOR, run_add, "[@<ver>] <map> {<key> <value>|<payload>}",
	    "add entries to a map" },
	{ "del acl", CLI_OPERATOR, run_del, "<acl> {<key>|#<ref>}", "delete patterns of an ACL" },
	{ "del map", CLI_OPERATOR, run_del, "<map> {<key>|#<ref>}", "delete entries of a map" },
	{ "set map", CLI_OPERATOR, run_set, "<map> {<key>|#<ref>} <value>",
	    "change the value of a map's entries" },
	{ "clear acl", CLI_OPERATOR, run_clear, "[@<ver>] <acl>", "delete all patterns of an ACL" },
	{ "clear map", CLI_OPERATOR, run_clear, "[@<ver>] <map>", "delete all entries of a map" },
	{ "prepare acl", CLI_OPERATOR, run_prepare, "<acl>", "begin a new version of an ACL" },
	{ "prepare map", CLI_OPERATOR, run_prepare, "<map>", "begin a new version of a map" },
	{ "commit acl", CLI_OPERATOR, run_commit, "@<ver> <acl>",
	    "put a version of an ACL in the place of the present one" },
	{ "commit map", CLI_OPERATOR, run_commit, "@<ver> <map>",
	    "put a version of a map in the place of the present one" },
	{ .name = NULL },
};
