/* SPDX-License-Identifier: MIT */
/*
 * -dK: all keywords, class by class, from the tables that also read the configuration and find commands. What is
 * known and refused has a class of its own.
 */
#include "conf_global.h"
#include "modules.h"
#include "weir/proxy/config.h"
#include "weir/rule/list.h"
#include "weir/rule/rule.h"
#include "weir/upstream/balance.h"
#include "weir/upstream/upstream_conf.h"

/* The class that "all" leaves out. */
#define NOT_YET "not-yet"

struct class_row {
	const char *name;
	void (*list)(FILE *out);
	const char *help;
};

/* A keyword and its arguments, which are bracketed so that readers can tell the two apart. */
static void list_one(const char *indent, const char *name, const char *usage, FILE *out)
{
	if (!usage || !*usage)
		fprintf(out, "%s%s\n", indent, name);
	else if (strchr("<[{(", *usage))
		fprintf(out, "%s%s %s\n", indent, name, usage);
	else
		fprintf(out, "%s%s { %s }\n", indent, name, usage);
}

static void list_names(const char *title, const char *table, FILE *out)
{
	fprintf(out, "# List of registered %s:\n", title);
	for (size_t i = 0;; i++) {
		struct rule_keyword_name k = rule_list(table, i);
		if (!k.name)
			return;
		list_one("", k.name, k.usage, out);
	}
}

/* The predefined ones, then the criteria that stand for a fetch and a match method. */
static void list_acl(FILE *out)
{
	static const char *const forms[] = { "beg", "dir", "dom", "end", "len", "reg", "sub" };
	list_names("ACL keywords", "acl", out);
	for (size_t i = 0;; i++) {
		struct rule_keyword_name k = rule_list("fetch", i);
		if (!k.name)
			return;
		for (size_t f = 0; k.acl_forms && f < ARRAY_SIZE(forms); f++)
			fprintf(out, "%s_%s = %s -m %s\n", k.name, forms[f], k.name, forms[f]);
	}
}

/* A column for each place where a fetch may be evaluated, then the fetch and its type. */
static void list_fetches(FILE *out)
{
	static const struct {
		unsigned at;
		char letter;
		const char *what;
	} places[] = {
		{ RULE_AT_CONN, 'c', "tcp-request connection" },
		{ RULE_AT_SESS, 's', "tcp-request session" },
		{ RULE_AT_REQ_BUF, 'r', "tcp-request content" },
		{ RULE_AT_REQ_HTTP, 'R', "http-request" },
		{ RULE_AT_RES_BUF, 'a', "tcp-response content" },
		{ RULE_AT_RES_HTTP, 'A', "http-response" },
		{ RULE_AT_LOG, 'L', "log formats" },
		{ RULE_AT_CLI, 'C', "the admin socket" },
	};
	fputs("# List of registered sample fetch functions:\n", out);
	for (size_t p = 0; p < ARRAY_SIZE(places); p++)
		fprintf(out, "# %c: valid in %s\n", places[p].letter, places[p].what);
	for (size_t i = 0;; i++) {
		struct rule_keyword_name k = rule_list("fetch", i);
		if (!k.name)
			return;
		fputs("[ ", out);
		for (size_t p = 0; p < ARRAY_SIZE(places); p++)
			fputc(k.at & places[p].at ? places[p].letter : '.', out);
		fprintf(out, " ] %s%s%s: %s\n", k.name, k.usage ? " " : "", k.usage ? k.usage : "",
		    k.out);
	}
}

static void list_converters(FILE *out)
{
	fputs("# List of registered sample converter functions:\n", out);
	for (size_t i = 0;; i++) {
		struct rule_keyword_name k = rule_list("conv", i);
		if (!k.name)
			return;
		fprintf(out, "%s%s%s: %s => %s\n", k.name, k.usage ? " " : "",
		    k.usage ? k.usage : "", k.in, k.out);
	}
}

static void list_aliases(FILE *out)
{
	list_names("log format aliases", "log-alias", out);
}

static void list_section(const struct conf_section *s, FILE *out)
{
	fprintf(out, "%s\n", s->name);
	for (size_t t = 0; s->tables && s->tables[t]; t++) {
		for (const struct conf_keyword *k = s->tables[t]; k->name; k++) {
			if (k->scope & s->scope && !(k->flags & (CONF_NOT_YET | CONF_REMOVED)))
				list_one("\t", k->name, k->usage, out);
		}
	}
}

static bool is_refused(const char *keyword)
{
	for (size_t i = 0; module_sections[i]; i++) {
		const struct conf_section *s = module_sections[i];
		for (size_t t = 0; s->tables && s->tables[t]; t++) {
			for (const struct conf_keyword *k = s->tables[t]; k->name; k++) {
				if (strcmp(k->name, keyword) == 0)
					return k->flags & CONF_NOT_YET;
			}
		}
	}
	return false;
}

static void list_rules(const char *ruleset, FILE *out)
{
	for (size_t i = 0;; i++) {
		struct rule_keyword_name k = rule_list(ruleset, i);
		if (!k.name)
			return;
		list_one("\t", k.name, k.usage, out);
	}
}

static void list_options(const struct conf_option *o, FILE *out)
{
	for (; o->name; o++) {
		if (!(o->flags & CONF_NOT_YET))
			list_one("\t", o->name, o->usage, out);
	}
}

static void list_configuration(FILE *out)
{
	static const char *const rulesets[] = { "tcp-request connection", "tcp-request session",
		"tcp-request content", "tcp-response content", "http-request", "http-response",
		"http-after-response" };
	fputs("# List of registered configuration keywords:\n", out);
	for (size_t i = 0; module_sections[i]; i++) {
		if (module_sections[i]->open)
			list_section(module_sections[i], out);
	}
	for (size_t r = 0; r < ARRAY_SIZE(rulesets); r++) {
		if (is_refused(rulesets[r]))
			continue;
		fprintf(out, "%s\n", rulesets[r]);
		list_rules(rulesets[r], out);
	}
	fputs("bind\n", out);
	list_options(bind_options, out);
	list_options(bind_ssl_options, out);
	fputs("server\n", out);
	list_options(server_options, out);
	list_options(server_tls_options, out);
}

static void list_command_table(const struct cli_command *c, FILE *out)
{
	for (; c->name; c++)
		list_one("", c->name, c->usage, out);
}

static void list_commands(FILE *out)
{
	fputs("# List of registered CLI keywords:\n", out);
	list_command_table(cli_builtin_rows, out);
	for (size_t t = 0; module_commands[t]; t++)
		list_command_table(module_commands[t], out);
	list_command_table(cli_last_rows, out);
}

static void list_balance(FILE *out)
{
	fputs("# List of registered balance algorithms:\n", out);
	for (size_t i = 0; balance_names[i]; i++) {
		if (balance_is_supported(balance_names[i]))
			fprintf(out, "%s\n", balance_names[i]);
	}
	fputs("# List of registered hash types:\n", out);
	for (size_t i = 0; hash_type_names[i]; i++)
		fprintf(out, "%s\n", hash_type_names[i]);
	fputs("# List of registered hash functions:\n", out);
	for (size_t i = 0; hash_function_names[i]; i++)
		fprintf(out, "%s\n", hash_function_names[i]);
}

static void list_filters(FILE *out)
{
	fputs("# List of registered filter names:\n", out);
}

static void list_services(FILE *out)
{
	fputs("# List of registered service names:\n", out);
}

/* ---- known and refused ---- */

static bool is_known(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return false;
}

/* Tables are shared by sections, and each row is wanted once. */
static void list_refused_proxy(FILE *out)
{
	const char *seen[256];
	size_t n = 0;
	fputs("# List of unsupported proxy keywords:\n", out);
	for (size_t t = 0; proxy_keyword_tables[t]; t++) {
		for (const struct conf_keyword *k = proxy_keyword_tables[t]; k->name; k++) {
			if (!(k->flags & CONF_NOT_YET) || is_known(seen, n, k->name))
				continue;
			if (n < ARRAY_SIZE(seen))
				seen[n++] = k->name;
			fprintf(out, "%s\n", k->name);
		}
	}
}

static void list_refused_global(FILE *out)
{
	fputs("# List of unsupported global keywords:\n", out);
	for (size_t t = 0; section_global.tables[t]; t++) {
		for (const struct conf_keyword *k = section_global.tables[t]; k->name; k++) {
			if (k->flags & CONF_NOT_YET)
				fprintf(out, "%s\n", k->name);
		}
	}
}

static void list_refused_options(const struct conf_option *o, FILE *out)
{
	for (; o->name; o++) {
		if (o->flags & CONF_NOT_YET)
			fprintf(out, "%s\n", o->name);
	}
}

static void list_refused_names(const char *title, const char *table, FILE *out)
{
	fprintf(out, "# List of unsupported %s:\n", title);
	for (size_t i = 0; rule_list(table, i).name; i++)
		fprintf(out, "%s\n", rule_list(table, i).name);
}

static void list_refused(FILE *out)
{
	fputs("# List of unsupported sections:\n", out);
	for (size_t i = 0; module_sections[i]; i++) {
		if (!module_sections[i]->open)
			fprintf(out, "%s\n", module_sections[i]->name);
	}
	list_refused_global(out);
	list_refused_proxy(out);
	fputs("# List of unsupported bind options:\n", out);
	list_refused_options(bind_options, out);
	list_refused_options(bind_ssl_options, out);
	fputs("# List of unsupported server options:\n", out);
	list_refused_options(server_options, out);
	list_refused_options(server_tls_options, out);
	list_refused_names("actions", "action not yet", out);
	list_refused_names("sample fetch functions", "fetch not yet", out);
	list_refused_names("sample converter functions", "conv not yet", out);
	list_refused_names("log format aliases", "log-alias not yet", out);
	fputs("# List of unsupported balance algorithms:\n", out);
	for (size_t i = 0; balance_names[i]; i++) {
		if (!balance_is_supported(balance_names[i]))
			fprintf(out, "%s\n", balance_names[i]);
	}
}

static const struct class_row classes[] = {
	{ "acl", list_acl, "ACL keywords" },
	{ "bal", list_balance, "balance algorithms, hash types" },
	{ "cfg", list_configuration, "configuration keywords" },
	{ "cli", list_commands, "CLI keywords" },
	{ "cnv", list_converters, "sample converter keywords" },
	{ "flt", list_filters, "filter names" },
	{ "log", list_aliases, "log format aliases" },
	{ "smp", list_fetches, "sample fetch functions" },
	{ "svc", list_services, "service names" },
	{ NOT_YET, list_refused, "keywords that this version knows and refuses; not part of all" },
};

static bool list_class(struct slice name, FILE *out)
{
	bool all = slice_eq(name, SLICE("all")), found = all;
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		bool named = slice_eq(name, slice_str(classes[i].name));
		if (!named && (!all || strcmp(classes[i].name, NOT_YET) == 0))
			continue;
		classes[i].list(out);
		found = true;
	}
	return found;
}

static void list_classes(FILE *out)
{
	fputs("# List of supported keyword classes:\nall: list all keywords\n", out);
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
		fprintf(out, "%s: %s\n", classes[i].name, classes[i].help);
}

bool modules_list(const char *names, FILE *out)
{
	struct slice rest = slice_str(*names ? names : "help");
	do {
		struct slice name = slice_cut(&rest, ',');
		if (slice_eq(name, SLICE("help"))) {
			list_classes(out);
		} else if (!list_class(name, out)) {
			fprintf(
			    stderr, "unknown keyword class '%.*s', see -dKhelp\n", SLICE_ARG(name));
			return false;
		}
	} while (rest.ptr);
	fflush(out);
	return true;
}
