/* SPDX-License-Identifier: MIT */
/*
 * From files to a finished configuration: the variables and features that the files may ask for, the reading,
 * what the command line overrides, the messages.
 */
#include <errno.h>
#include <unistd.h>

#include "conf_global.h"
#include "modules.h"
#include "program.h"
#include "version.h"
#include "weir/rule/rule.h"

static const struct conf_pos nowhere;

/* ---- variables (configuration manual 2.3) ---- */

static void set_log_formats(struct conf *conf)
{
	/* quoted so that a format may stand inside double quotes of a line */
	conf_setenv(conf, "HAPROXY_HTTP_LOG_FMT", logfmt_text_http);
	conf_setenv(conf, "HAPROXY_HTTP_CLF_LOG_FMT", logfmt_text_clf);
	conf_setenv(conf, "HAPROXY_HTTPS_LOG_FMT", logfmt_text_https);
	conf_setenv(conf, "HAPROXY_TCP_LOG_FMT", logfmt_text_tcp);
}

/* Both under the names that existing files use and under our own. */
static void set_pair(struct conf *conf, const char *name, const char *value)
{
	char full[64];
	snprintf(full, sizeof(full), "HAPROXY_%s", name);
	conf_setenv(conf, full, value);
	snprintf(full, sizeof(full), "WEIR_%s", name);
	conf_setenv(conf, full, value);
}

static void set_variables(struct program *p, struct conf *conf)
{
	struct strbuf files = STRBUF_INIT;
	for (size_t i = 0; i < p->args.paths_n; i++)
		strbuf_addf(&files, "%s%s", i ? ";" : "", p->args.paths[i]);
	set_pair(conf, "CFGFILES", strbuf_str(&files));
	strbuf_done(&files);
	set_pair(conf, "LOCALPEER", p->args.localpeer ? p->args.localpeer : p->node);
	conf_setenv(conf, "HAPROXY_STARTUP_VERSION", VERSION_LEVEL);
	conf_setenv(conf, "HAPROXY_BRANCH", VERSION_BRANCH);
	conf_setenv(conf, "WEIR_VERSION", WEIR_VERSION);
	if (p->args.master)
		set_pair(conf, "MWORKER", "1");
	conf_unsetenv(conf, PROGRAM_READY_ENV);
	conf_unsetenv(conf, PROGRAM_OLD_ENV);
	conf_unsetenv(conf, PROGRAM_KEEP_ENV);
	set_log_formats(conf);
}

/* The addresses of the admin sockets, for the programs that look for them in "show env". */
static void set_cli_variable(struct program *p, struct conf *conf)
{
	struct strbuf all = STRBUF_INIT;
	char text[NET_ADDR_TEXT];
	for (const struct bind_conf *b = p->config->global.stats_sockets; b; b = b->next) {
		const char *prefix = b->addr.sa.sa_family == AF_UNIX	? "unix@"
				     : b->addr.sa.sa_family == AF_INET6 ? "ipv6@"
									: "ipv4@";
		if (b->fd < 0)
			strbuf_addf(&all, "%s%s%s", all.len ? ";" : "", prefix,
			    net_addr_text_port(&b->addr, text));
	}
	set_pair(conf, "CLI", strbuf_str(&all));
	strbuf_done(&all);
}

/* ---- reading ---- */

static int add_files(struct program *p, struct conf *conf)
{
	int result = 0;
	for (size_t i = 0; i < p->args.paths_n; i++) {
		if (conf_add_path(conf, p->args.paths[i]) < 0)
			result = -1;
	}
	return result;
}

/* The command line has precedence over the files. */
static void apply_args(struct program *p)
{
	const struct cmdline *a = &p->args;
	struct global_conf *g = &p->config->global;
	if (a->maxconn)
		g->maxconn = a->maxconn;
	if (a->pidfile)
		g->pidfile = a->pidfile;
	if (a->localpeer)
		g->localpeer = a->localpeer;
	g->daemon |= a->daemon;
	g->master_worker |= a->master;
	g->noreuseport |= a->no_reuseport;
	g->nosplice |= a->no_splice;
	g->zero_warning |= a->zero_warning;
	g->quiet = (g->quiet || a->quiet) && !a->verbose;
	g->debug = a->debug;
	g->ssl.store.check_all = a->check;
	g->ssl.keep_fd = p->keep_fd;
	if (cmdline_stay(a))
		g->daemon = g->master_worker = false;
}

/* -N and -dr, which stand for a word on every proxy or server line. */
static void apply_to_proxies(struct program *p)
{
	for (struct proxy *px = p->config->proxies; px; px = px->next) {
		if (px->caps & PROXY_FE && !px->maxconn && p->args.proxy_maxconn)
			px->maxconn = p->args.proxy_maxconn;
		if (!p->args.ignore_unresolved)
			continue;
		for (struct server *s = px->servers; s; s = s->next)
			s->init_addr =
			    s->init_addr ? arena_printf(&p->config->arena, "%s,none", s->init_addr)
					 : "last,libc,none";
	}
}

static void check_values(struct program *p)
{
	struct global_conf *g = &p->config->global;
	g->bufsize = (g->bufsize + 15) & ~15u;
	if (g->maxrewrite >= g->bufsize / 2)
		g->maxrewrite = g->bufsize / 2;
	if (geteuid() == 0 && !g->chroot && !p->args.check)
		diag_add(p->diag, DIAG_NOTICE, nowhere,
		    "started as root without 'chroot'; 'chroot /' silences this");
}

static int read_all(struct program *p, struct conf *conf)
{
	int result = 0;
	set_variables(p, conf);
	if (add_files(p, conf) < 0 || conf_read(conf) < 0)
		result = -1;
	set_cli_variable(p, conf);
	apply_args(p);
	apply_to_proxies(p);
	if (result == 0)
		check_values(p);
	/* what is found between proxies is worth telling even when a line was wrong */
	if (config_finish(conf, p->config) < 0)
		result = -1;
	if (p->args.dump_config)
		conf_dump(conf, stdout);
	p->environment = conf_environ(conf, &p->config->arena);
	return result;
}

int program_load(struct program *p)
{
	p->config = config_new();
	if (!p->config)
		return -1;
	struct conf *conf = conf_new(&(struct conf_setup){
	    .sections = module_sections,
	    .keywords = module_keywords,
	    .diag = p->diag,
	    .arena = &p->config->arena,
	    .user = p->config,
	    .features = version_features,
	    .enabled = version_enabled,
	    .version = VERSION_LEVEL,
	    .diagnostics = p->args.diagnostics,
	});
	if (!conf)
		return -1;
	int r = read_all(p, conf);
	conf_free(conf);
	return r < 0 || diag_count(p->diag, DIAG_ERROR) ? -1 : 0;
}

/* ---- messages ---- */

static enum diag_level loudness(const struct program *p)
{
	bool quiet = p->config ? p->config->global.quiet : p->args.quiet;
	/* of the first worker the master has shown the rest; a reload's files it has not seen */
	return quiet || (p->ready_fd >= 0 && !p->reloads) ? DIAG_ERROR : DIAG_NOTICE;
}

void program_complain(struct program *p)
{
	diag_print_new(p->diag, loudness(p), stderr);
	fflush(stderr);
}

int program_judge(struct program *p)
{
	unsigned warnings = diag_count(p->diag, DIAG_WARNING);
	program_complain(p);
	if (diag_count(p->diag, DIAG_ERROR)) {
		if (!p->args.quiet)
			fprintf(stderr,
			    "[ALERT]    (%d) : config : Fatal errors found in configuration.\n",
			    (int)getpid());
		return -1;
	}
	if (warnings && (p->args.zero_warning || (p->config && p->config->global.zero_warning))) {
		fprintf(stderr,
		    "[ALERT]    (%d) : config : Some warnings were found and 'zero-warning' is "
		    "set. "
		    "Aborting.\n",
		    (int)getpid());
		return -1;
	}
	return 0;
}
