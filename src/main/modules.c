/* SPDX-License-Identifier: MIT */
/*
 * Sections, keyword tables and command tables of all modules, in one place.
 */
#include "modules.h"

#include "conf_global.h"
#include "weir/proxy/commands.h"
#include "weir/proxy/config.h"
#include "weir/proxy/log_profile.h"
#include "weir/proxy/log_targets.h"
#include "weir/upstream/upstream_cli.h"

/* Sections that this version refuses as a whole, by having no open(). */
#define LATER(word)                                                                                \
	&(const struct conf_section)                                                               \
	{                                                                                          \
		.name = (word), .scope = CONF_OTHER                                                \
	}

const struct conf_section *const module_sections[] = {
	&section_global,
	&section_defaults,
	&section_frontend,
	&section_backend,
	&section_listen,
	&section_log_profile,
	&section_ring,
	&section_http_errors,
	&section_log_forward,
	&section_userlist,
	&section_crt_store,
	LATER("acme"),
	LATER("cache"),
	LATER("fcgi-app"),
	LATER("healthcheck"),
	LATER("mailers"),
	LATER("peers"),
	LATER("program"),
	LATER("resolvers"),
	LATER("traces"),
	NULL,
};

/*
 * Tables that sections do not name already would stand here: the reader walks those of module_sections by
 * itself.
 */
const struct conf_keyword *const module_keywords[] = {
	global_process_keywords,
	global_identity_keywords,
	global_environment_keywords,
	global_stats_keywords,
	global_limit_keywords,
	global_tune_keywords,
	global_var_keywords,
	global_ignored_keywords,
	global_tune_ignored_keywords,
	global_later_keywords,
	global_tls_file_keywords,
	global_tls_library_keywords,
	global_tls_default_keywords,
	global_tls_tune_keywords,
	global_h2_keywords,
	NULL,
};

const struct cli_command *const module_commands[] = {
	proxy_stat_commands,
	proxy_info_commands,
	proxy_session_commands,
	proxy_frontend_commands,
	proxy_debug_commands,
	proxy_map_commands,
	proxy_var_commands,
	proxy_ring_commands,
	proxy_ssl_commands,
	proxy_ssl_list_commands,
	upstream_commands,
	NULL,
};
