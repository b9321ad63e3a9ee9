/* SPDX-License-Identifier: MIT */
/*
 * Keywords of the global section that are accepted and have no effect: settings of the process that mean nothing
 * in weir's design, and settings of features that are not there yet. The latter are safe to ignore because
 * whatever would use such a feature is an error of its own.
 */
#include "conf_global.h"

#define NO_QUIC	  "QUIC is not supported, so nothing uses it"
#define CPUS	  "threads run where the kernel puts them unless 'cpu-map' says otherwise"
#define ONE_GROUP "weir has one thread group"

/* The text says what weir does instead; it is shown when the keyword is used. */
#define IGNORED(name, usage, instead)                                                              \
	{                                                                                          \
		name, CONF_GLOBAL, CONF_NO_EFFECT | CONF_MAY_NEGATE, 0, -1, NULL,                  \
		    (uintptr_t)(instead), usage, "no effect: " instead                             \
	}

const struct conf_keyword global_ignored_keywords[] = {
	IGNORED("cpu-affinity", "<affinity>", CPUS),
	IGNORED("cpu-policy", "<policy> [threads-per-core 1|auto]", CPUS),
	IGNORED("cpu-set", "<directive>...", CPUS),
	IGNORED("numa-cpu-mapping", "", CPUS),
	IGNORED("thread-group", "<group> [<range>...]", ONE_GROUP),
	IGNORED("max-threads-per-group", "<number>", ONE_GROUP),
	IGNORED("insecure-fork-wanted", "", "weir starts no other programs"),
	IGNORED("prealloc-fd", "", "the kernel's table of descriptors grows as needed"),
	IGNORED("expose-deprecated-directives", "",
	    "deprecated keywords work without it, with a warning"),
	IGNORED("limited-quic", "", NO_QUIC),
	IGNORED("cluster-secret", "<secret>", NO_QUIC),
	IGNORED("dns-accept-family", "<family>[,...]",
	    "names are resolved by the system, which takes both families"),
	IGNORED("stress-level", "<level>", "weir has no such test code"),
	IGNORED("stats calculate-max-counters", "[on|off]", "maxima are always kept"),
	IGNORED("harden.reject-privileged-ports.tcp", "on|off",
	    "connections from any port are accepted"),
	IGNORED("noktls", "", "weir encrypts by itself"),
	IGNORED("ssl-mode-async", "", "OpenSSL 3 has no engines that work aside"),
	IGNORED("tune.ssl.certificate-compression", "auto|off",
	    "OpenSSL 3.0 never compresses certificates"),
	IGNORED("tune.ssl.force-private-cache", "",
	    "all workers share one cache, which costs them next to nothing"),
	IGNORED(
	    "close-spread-time", "<time>|infinite", "a soft stop closes idle connections at once"),
	IGNORED("max-spread-checks", "<time>", "the first checks are spread over a second at most"),
	IGNORED("server-state-base", "<dir>",
	    "states are not loaded from files yet, so nothing uses it"),
	IGNORED("server-state-file", "<file>",
	    "states are not loaded from files yet, so nothing uses it"),
	{ .name = NULL },
};
