/* SPDX-License-Identifier: MIT */
/*
 * -dK: all keywords, class by class, from the tables that also read the configuration.
 */
#include "modules.h"
#include "weir/proxy/config.h"
#include "weir/rule/rule.h"
#include "weir/upstream/upstream_conf.h"

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

static void list_acl(FILE *out)
{
	list_names("ACL keywords", "acl", out);
}

static void list_fetches(FILE *out)
{
	list_names("sample fetch functions", "fetch", out);
}

static void list_converters(FILE *out)
{
	list_names("sample converter functions", "conv", out);
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
			if (k->scope & s->scope && !(k->flags & CONF_NOT_YET))
				list_one("\t", k->name, k->usage, out);
		}
	}
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

static void list_options(const char *line, const struct conf_option *o, FILE *out)
{
	fprintf(out, "%s\n", line);
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
	for (size_t i = 0; module_sections[i]; i++)
		list_section(module_sections[i], out);
	for (size_t r = 0; r < ARRAY_SIZE(rulesets); r++) {
		fprintf(out, "%s\n", rulesets[r]);
		list_rules(rulesets[r], out);
	}
	list_options("bind", bind_options, out);
	list_options("server", server_options, out);
}

static void list_commands(FILE *out)
{
	fputs("# List of registered CLI keywords:\n", out);
	for (size_t t = 0; module_commands[t]; t++) {
		for (const struct cli_command *c = module_commands[t]; c->name; c++)
			list_one("", c->name, c->usage, out);
	}
}

static void list_filters(FILE *out)
{
	fputs("# List of registered filter names:\n", out);
}

static void list_services(FILE *out)
{
	fputs("# List of registered service names:\n", out);
}

static const struct class_row classes[] = {
	{ "acl", list_acl, "ACL keywords" },
	{ "cfg", list_configuration, "configuration keywords" },
	{ "cli", list_commands, "CLI keywords" },
	{ "cnv", list_converters, "sample converter keywords" },
	{ "flt", list_filters, "filter names" },
	{ "log", list_aliases, "log format aliases" },
	{ "smp", list_fetches, "sample fetch functions" },
	{ "svc", list_services, "service names" },
};

static bool list_class(struct slice name, FILE *out)
{
	bool all = slice_eq(name, SLICE("all")), found = all;
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		if (!all && !slice_eq(name, slice_str(classes[i].name)))
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
