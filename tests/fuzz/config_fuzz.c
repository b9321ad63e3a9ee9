/* SPDX-License-Identifier: MIT */
/*
 * Whole configurations through the reader and the checks behind it: any bytes give a configuration or messages,
 * never a crash or a leak. Nothing is opened but files that the text itself names, so names of files, users and
 * hosts are made harmless first.
 */
#include "weir/proxy/config.h"
#include "weir/proxy/log_profile.h"

static void *open_global(const struct conf_call *call)
{
	return conf_user(call->conf);
}

static int global_log(const struct conf_call *call)
{
	struct config *c = conf_user(call->conf);
	bool unused;
	return log_conf_parse(call->conf, call->line, call->arg, &c->global.logs, &unused, true);
}

static int global_stats_socket(const struct conf_call *call)
{
	struct config *c = conf_user(call->conf);
	return bind_parse(call->conf, call->line, call->arg, NULL, &c->global.stats_sockets_last);
}

static const struct conf_keyword global_keywords[] = {
	{ "log", CONF_GLOBAL, 0, 1, -1, global_log, 0, "", "" },
	{ "stats socket", CONF_GLOBAL, 0, 1, -1, global_stats_socket, 0, "", "" },
	{ .name = NULL },
};

static const struct conf_keyword *const global_tables[] = { global_keywords, NULL };

static const struct conf_section section_global = {
	.name = "global", .scope = CONF_GLOBAL, .open = open_global, .tables = global_tables
};

static const struct conf_section *const sections[] = { &section_global, &section_defaults,
	&section_frontend, &section_backend, &section_listen, &section_log_profile, NULL };

/* Words that would make the resolver ask the network, read devices, or open a range of all ports each time. */
static bool is_harmless(struct slice text)
{
	static const char *const banned[] = { "/dev/", "/proc", "/sys", ".map", "-f ", "netns",
		"namespace", "template" };
	for (size_t i = 0; i < ARRAY_SIZE(banned); i++)
		if (slice_search(text, slice_str(banned[i])) <= text.len)
			return false;
	return true;
}

/* The fuzzer must not wait for name servers. */
int net_resolve(const struct net_spec *spec, struct net_addr *ret)
{
	(void)spec;
	(void)ret;
	return -2; /* -ENOENT */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_make((const char *)data, size);
	if (size > 16384 || !is_harmless(text))
		return 0;
	struct diag *diag = diag_new();
	struct config *c = config_new();
	if (!diag || !c)
		abort();
	struct conf_setup setup = {
		.sections = sections,
		.keywords = proxy_keyword_tables,
		.diag = diag,
		.arena = &c->arena,
		.user = c,
		.version = "3.5.0",
	};
	struct conf *conf = conf_new(&setup);
	if (!conf || conf_add_text(conf, "fuzz", text) < 0)
		abort();
	(void)conf_read(conf);
	(void)config_finish(conf, c);
	conf_free(conf);
	config_unref(NULL, c);
	diag_free(diag);
	return 0;
}
