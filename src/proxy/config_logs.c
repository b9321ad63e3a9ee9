/* SPDX-License-Identifier: MIT */
/*
 * Logs once all is read: "log global" becomes the global targets, tags and host names get their defaults, and
 * log formats are compiled, which needs to know the mode.
 */
#include "conf_int.h"

#include <unistd.h>

#include "weir/proxy/log_profile.h"
#include "weir/rule/acl_scope.h"

/* "local" is the header without a host name: one that was not asked for changes when names are to be sent. */
static void fit_headers(const struct global_conf *g, const struct log_set *set)
{
	for (unsigned i = 0; i < set->targets_n; i++) {
		struct log_target *t = set->targets[i];
		if (!t->header_set && t->header == LOG_HEADER_LOCAL && g->log_send_hostname)
			t->header = LOG_HEADER_RFC3164;
	}
}

static const char *host_name(struct conf *conf, const struct global_conf *g)
{
	char name[256];
	if (g->log_hostname)
		return g->log_hostname;
	if (gethostname(name, sizeof(name)) < 0)
		return NULL;
	name[sizeof(name) - 1] = '\0';
	return arena_strdup(conf_arena(conf), name);
}

/* The global targets first, as "log global" mostly stands in front of others. */
int add_global_targets(struct conf *conf, const struct global_conf *g, struct proxy *p)
{
	unsigned n = g->logs.targets_n + p->logs.targets_n;
	struct log_target **all = arena_array(conf_arena(conf), struct log_target *, n + 1);
	if (!all) {
		proxy_error(conf, p, "out of memory");
		return -1;
	}
	for (unsigned i = 0; i < n; i++)
		all[i] = i < g->logs.targets_n ? g->logs.targets[i]
					       : p->logs.targets[i - g->logs.targets_n];
	p->logs.targets = all;
	p->logs.targets_n = n;
	return 0;
}

/* ---- formats ---- */

/* The text as a line of its own, so that errors are told at the place where it was written. */
static struct logfmt *compile(struct conf *conf, const struct proxy *p, struct conf_pos pos,
    const char *keyword, const char *text)
{
	char *argv[12] = { (char *)(uintptr_t)keyword, (char *)(uintptr_t)text };
	unsigned cols[ARRAY_SIZE(argv)] = { 0, pos.col };
	unsigned flags = LOGFMT_LOG | (p->mode == PROXY_HTTP ? 0 : LOGFMT_TCP);
	static char none[] = "";
	for (size_t i = 2; i < ARRAY_SIZE(argv); i++)
		argv[i] = none;
	struct conf_line line = { .pos = pos, .argc = 2, .argv = argv, .cols = cols };
	return logfmt_parse(conf, &line, 1, text, LOG_SEES, flags);
}

static bool is_http_text(const char *text)
{
	return text == logfmt_text_http || text == logfmt_text_clf || text == logfmt_text_https;
}

static void choose_text(struct conf *conf, struct proxy *p)
{
	if (!p->log_format_text) {
		p->log_format_text = logfmt_text_connect;
		p->log_format_pos = p->pos;
		return;
	}
	if (is_http_text(p->log_format_text) && p->mode != PROXY_HTTP) {
		diag_add(conf_diag(conf), DIAG_WARNING, p->log_format_pos,
		    "'option %s' not usable with %s '%s' (needs 'mode http'). Falling back to "
		    "'option tcplog'.",
		    p->log_format_text == logfmt_text_https ? "httpslog" : "httplog", proxy_kind(p),
		    p->name);
		p->log_format_text = logfmt_text_tcp;
	}
	if (!p->logs.targets_n && !(p->options & PR_O_DISABLED))
		proxy_warning(conf, p,
		    "log format ignored for %s '%s' since it has no log address.", proxy_kind(p),
		    p->name);
}

static void compile_formats(struct conf *conf, struct proxy *p)
{
	choose_text(conf, p);
	acl_scope_use(conf, p->acls);
	p->log_format = compile(conf, p, p->log_format_pos, "log-format", p->log_format_text);
	p->session_error_format = compile(conf, p, p->pos, "log-format", logfmt_text_error);
	if (p->error_log_format_text)
		p->error_log_format = compile(
		    conf, p, p->error_log_format_pos, "error-log-format", p->error_log_format_text);
	if (p->log_format_sd_text)
		p->log_format_sd =
		    compile(conf, p, p->log_format_sd_pos, "log-format-sd", p->log_format_sd_text);
	p->logs_server_ends = (logfmt_needs(p->log_format) | logfmt_needs(p->error_log_format) |
				  logfmt_needs(p->log_format_sd)) &
			      LOGFMT_NEEDS_SERVER_ENDS;
}

/* Any session may be logged by any profile. */
static bool profiles_show_server_ends(const struct config *c)
{
	unsigned needs = 0;
	for (const struct log_profile *p = c->log_profiles; p; p = p->next) {
		for (unsigned i = 0; i < LOG_STEP_N; i++)
			needs |= logfmt_needs(p->steps[i].format) | logfmt_needs(p->steps[i].sd);
	}
	return needs & LOGFMT_NEEDS_SERVER_ENDS;
}

/*
 * By the manual a line is written once all that it shows is known. What asks how a session ended still waits for
 * the end, and so do targets with a profile, which may show anything.
 */
static bool logs_early(const struct proxy *p)
{
	unsigned needs = logfmt_needs(p->log_format) | logfmt_needs(p->log_format_sd);
	if (needs & LOGFMT_NEEDS_END || !p->log_format || p->error_log_format ||
	    p->options & (PR_O_DONTLOG_NORMAL | PR_O_LOG_SEPARATE_ERRORS))
		return false;
	for (unsigned i = 0; i < p->logs.targets_n; i++) {
		if (p->logs.targets[i]->profile)
			return false;
	}
	return true;
}

void finish_logs(struct conf *conf, struct config *c)
{
	struct global_conf *g = &c->global;
	/* without "log-send-hostname" headers have "localhost" or "-" */
	const char *host = g->log_send_hostname ? host_name(conf, g) : NULL;
	bool server_ends = profiles_show_server_ends(c);

	finish_log_profiles(conf, c);
	g->logs.tag = g->log_tag;
	g->logs.hostname = host;
	fit_headers(g, &g->logs);
	for (struct proxy *p = c->proxies; p; p = p->next) {
		if (p->logs_global && !g->logs.targets_n && !(p->options & PR_O_DISABLED))
			proxy_warning(conf, p,
			    "'log global' in %s '%s' is without effect: the 'global' section has "
			    "no "
			    "'log' line",
			    proxy_kind(p), p->name);
		fit_headers(g, &p->logs);
		if (p->logs_global && add_global_targets(conf, g, p) < 0)
			return;
		p->logs.tag = p->log_tag ? p->log_tag : g->log_tag;
		p->logs.hostname = host;
		p->logs_anything = p->logs.targets_n > 0;
		if (p->caps & PROXY_FE)
			compile_formats(conf, p);
		p->logs_server_ends |= server_ends;
		p->logs_early = p->caps & PROXY_FE && logs_early(p);
	}
}
