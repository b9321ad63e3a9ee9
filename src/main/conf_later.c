/* SPDX-License-Identifier: MIT */
/*
 * Keywords of the global section that change what a configuration means and are not supported yet: using one is
 * an error.
 */
#include "conf_global.h"

#define LATER(name, usage, what)                                                                   \
	{                                                                                          \
		name, CONF_GLOBAL, CONF_NOT_YET, 0, -1, NULL, 0, usage,                            \
		    what " (not supported yet)"                                                    \
	}

const struct conf_keyword global_later_keywords[] = {
	LATER("51degrees-data-file", "<file>", "device detection"),
	LATER("51degrees-property-name-list", "[<string>...]", "device detection"),
	LATER("51degrees-property-separator", "<char>", "device detection"),
	LATER("51degrees-cache-size", "<number>", "device detection"),
	LATER("51degrees-use-performance-graph", "on|off", "device detection"),
	LATER("51degrees-use-predictive-graph", "on|off", "device detection"),
	LATER("51degrees-drift", "<number>", "device detection"),
	LATER("51degrees-difference", "<number>", "device detection"),
	LATER("51degrees-allow-unmatched", "on|off", "device detection"),
	LATER("acme.scheduler", "auto|off", "certificates by ACME"),
	LATER("default-path", "current|config|parent|origin <path>", "where relative paths start"),
	LATER("deviceatlas-json-file", "<path>", "device detection"),
	LATER("deviceatlas-log-level", "<value>", "device detection"),
	LATER("deviceatlas-properties-cookie", "<name>", "device detection"),
	LATER("deviceatlas-separator", "<char>", "device detection"),
	LATER("external-check", "[preserve-env]", "checks by programs"),
	LATER("force-cfg-parser-pause", "<timeout>", "a pause while files are read"),
	LATER("h1-accept-payload-with-any-method", "", "payloads of HTTP/1.0 GET, HEAD, DELETE"),
	LATER("h1-do-not-close-on-insecure-transfer-encoding", "",
	    "connections kept after doubtful requests"),
	LATER("h1-case-adjust", "<from> <to>", "spelling of header names"),
	LATER("h1-case-adjust-file", "<file>", "spelling of header names"),
	LATER("http-err-codes", "[+-]<range>[,...]...", "statuses that count as errors"),
	LATER("http-fail-codes", "[+-]<range>[,...]...", "statuses that count as failures"),
	LATER("lua-load", "<file> [<arg>...]", "scripts"),
	LATER("lua-load-per-thread", "<file> [<arg>...]", "scripts"),
	LATER("lua-prepend-path", "<string> [<type>]", "scripts"),
	LATER("pp2-never-send-local", "", "PROXY instead of LOCAL in checks"),
	LATER("shm-stats-file", "<name>", "statistics in shared memory"),
	LATER("shm-stats-file-max-objects", "<number>", "statistics in shared memory"),
	LATER("stats-file", "<path>", "statistics kept in a file"),
	LATER("wurfl-cache-size", "<size>", "device detection"),
	LATER("wurfl-data-file", "<file>", "device detection"),
	LATER("wurfl-information-list", "[<capability>]...", "device detection"),
	LATER("wurfl-information-list-separator", "<char>", "device detection"),
	LATER("wurfl-patch-file", "[<file>]", "device detection"),
	{ .name = NULL },
};
