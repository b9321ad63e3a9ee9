/* SPDX-License-Identifier: MIT */
/*
 * -dK: all keywords, class by class, from the tables that also read the configuration.
 */
#include "modules.h"
#include "weir/proxy/config.h"
#include "weir/rule/rule.h"

struct class_row {
	const char *name;
	void (*list)(FILE *out);
	const char *help;
};

static void list_names(const char *title, const char *table, FILE *out)
{
	fprintf(out, "# List of registered %s:\n", title);
	for (size_t i = 0;; i++) {
		struct rule_keyword_name k = rule_list(table, i);
		if (!k.name)
			return;
		fprintf(out, "%s%s%s\n", k.name, k.usage && *k.usage ? " " : "",
		    k.usage ? k.usage : "");
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
				fprintf(out, "\t%s%s%s\n", k->name,
				    k->usage && *k->usage ? " " : "", k->usage ? k->usage : "");
		}
	}
}

static void list_rules(const char *ruleset, FILE *out)
{
	for (size_t i = 0;; i++) {
		struct rule_keyword_name k = rule_list(ruleset, i);
		if (!k.name)
			return;
		fprintf(out, "\t%s %s%s%s\n", ruleset, k.name, k.usage && *k.usage ? " " : "",
		    k.usage ? k.usage : "");
	}
}

static void list_configuration(FILE *out)
{
	static const char *const rulesets[] = { "tcp-request connection", "tcp-request session",
		"tcp-request content", "tcp-response content", "http-request", "http-response",
		"http-after-response" };
	fputs("# List of registered configuration keywords:\n", out);
	for (size_t i = 0; module_sections[i]; i++) {
		list_section(module_sections[i], out);
		if (module_sections[i]->scope != CONF_LISTEN)
			continue;
		for (const struct conf_option *o = bind_options; o->name; o++) {
			if (!(o->flags & CONF_NOT_YET))
				fprintf(out, "\tbind <addr> %s%s%s\n", o->name,
				    o->usage && *o->usage ? " " : "", o->usage ? o->usage : "");
		}
		for (size_t r = 0; r < ARRAY_SIZE(rulesets); r++)
			list_rules(rulesets[r], out);
	}
}

static void list_commands(FILE *out)
{
	fputs("# List of registered CLI keywords:\n", out);
	for (size_t t = 0; module_commands[t]; t++) {
		for (const struct cli_command *c = module_commands[t]; c->name; c++)
			fprintf(out, "%s%s%s\n", c->name, c->usage && *c->usage ? " " : "",
			    c->usage ? c->usage : "");
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
