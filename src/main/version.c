/* SPDX-License-Identifier: MIT */
/*
 * Version and build: the texts of -v and -vv. Tools that drive load balancers read them, so the lines follow
 * the usual form: a first line with the version, "Feature list : +A -B".
 */
#include "version.h"

#include <sys/utsname.h>

#include "weir/base/compiler.h"
#include "weir/event/worker.h"

#ifdef USE_PCRE2
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#endif

const char *const version_features[] = {
	"ACCEPT4",
	"CPU_AFFINITY",
#ifdef USE_CRYPT
	"CRYPT_H",
	"LIBCRYPT",
#endif
	"EPOLL",
	"GETADDRINFO",
	"LINUX_CAP",
	"LINUX_SPLICE",
	"LINUX_TPROXY",
	"NETFILTER",
	"NS",
#ifdef USE_PCRE2
	"PCRE2",
	"PCRE2_JIT",
#endif
	"PRCTL",
	"SYSTEMD",
	"TFO",
	"THREAD",
	"TPROXY",
	NULL,
};

const char *const version_enabled[] = { "EPOLL", "SPLICE", "GETADDRINFO", "REUSEPORT",
	"FAST-FORWARD", NULL };

/* All features that configurations ask for, in the order they are listed. */
static const char *const known_features[] = { "51DEGREES", "ACCEPT4", "BPF", "CPU_AFFINITY",
	"CRYPT_H", "DEVICEATLAS", "DL", "ECH", "ENGINE", "EPOLL", "EVPORTS", "GETADDRINFO", "JWT",
	"KQUEUE", "KTLS", "LIBCRYPT", "LINUX_CAP", "LINUX_SPLICE", "LINUX_TPROXY", "LUA",
	"MEMORY_PROFILING", "NETFILTER", "NS", "OPENSSL", "OT", "OTEL", "PCRE", "PCRE2",
	"PCRE2_JIT", "PCRE_JIT", "POLL", "PRCTL", "PROCCTL", "PROMEX", "QUIC", "RT", "SHM_OPEN",
	"SLZ", "SSL", "SYSTEMD", "TFO", "THREAD", "TPROXY", "WURFL", "ZLIB", NULL };

static bool has_feature(const char *name)
{
	for (const char *const *f = version_features; *f; f++) {
		if (strcmp(*f, name) == 0)
			return true;
	}
	return false;
}

static void print_build(FILE *out)
{
	fputs("Build options :\n", out);
	fprintf(out, "  TARGET  = linux-glibc\n  CC      = %s\n",
#ifdef __clang__
	    "clang " __clang_version__
#else
	    "gcc " __VERSION__
#endif
	);
	fputs("  OPTIONS = "
#ifdef USE_PCRE2
	      "USE_PCRE2=1 "
#endif
#ifdef USE_CRYPT
	      "USE_CRYPT=1 "
#endif
	      "\n\nFeature list :",
	    out);
	for (const char *const *f = known_features; *f; f++)
		fprintf(out, " %c%s", has_feature(*f) ? '+' : '-', *f);
	fputs(
	    "\n\nDefault settings :\n  bufsize = 16384, maxrewrite = 1024, maxpollevents = 200\n\n",
	    out);
	fprintf(out, "Built with multi-threading support (MAX_THREADS=%d).\n", WORKER_MAX);
#ifdef USE_PCRE2
	char pcre[64] = "";
	pcre2_config(PCRE2_CONFIG_VERSION, pcre);
	fprintf(out, "Built with PCRE2 version : %s\nPCRE2 library supports JIT : yes\n", pcre);
#else
	fputs("Built without PCRE2: regular expressions are POSIX extended ones.\n", out);
#endif
	fprintf(out, "Encrypted password support via crypt(3): %s\n",
	    has_feature("LIBCRYPT") ? "yes" : "no");
	fputs("Built with network namespace support.\n"
	      "Built with transparent proxy support using: IP_TRANSPARENT IPV6_TRANSPARENT "
	      "IP_FREEBIND\n\n"
	      "Available polling systems :\n"
	      "      epoll : pref=300,  test result OK\n"
	      "Total: 1 (1 usable), will use epoll.\n\n"
	      "Available multiplexer protocols :\n"
	      "         h1 : mode=HTTP  side=FE|BE  mux=H1\n"
	      "       none : mode=TCP   side=FE|BE  mux=PASS\n",
	    out);
}

void version_print(FILE *out, bool with_build)
{
	struct utsname sys;
	fprintf(out, "weir version %s, a load balancer\n", WEIR_VERSION);
	fprintf(out, "HAProxy configuration level: %s\n", VERSION_BRANCH);
	if (uname(&sys) == 0)
		fprintf(out, "Running on: %s %s %s %s\n", sys.sysname, sys.release, sys.version,
		    sys.machine);
	if (with_build)
		print_build(out);
}
