/* SPDX-License-Identifier: MIT */
/*
 * "log-profile" sections, and "log-steps" of frontends: what is logged at which step (configuration manual 8.3.5).
 * A profile may be named before its section is read, so it is made by whoever names it first; config_finish()
 * tells those that never got a section.
 */
#include "conf_int.h"

#include "weir/proxy/log_profile.h"

const char *const log_step_names[LOG_STEP_N + 1] = {
	[LOG_STEP_ACCEPT] = "accept",
	[LOG_STEP_REQUEST] = "request",
	[LOG_STEP_CONNECT] = "connect",
	[LOG_STEP_RESPONSE] = "response",
	[LOG_STEP_CLOSE] = "close",
	[LOG_STEP_ERROR] = "error",
	[LOG_STEP_ANY] = "any",
	[LOG_STEP_DO_LOG + RULES_TCP_CONNECTION] = "tcp-req-conn",
	[LOG_STEP_DO_LOG + RULES_TCP_SESSION] = "tcp-req-sess",
	[LOG_STEP_DO_LOG + RULES_TCP_REQ_CONTENT] = "tcp-req-cont",
	[LOG_STEP_DO_LOG + RULES_TCP_RES_CONTENT] = "tcp-res-cont",
	[LOG_STEP_DO_LOG + RULES_HTTP_REQ] = "http-req",
	[LOG_STEP_DO_LOG + RULES_HTTP_RES] = "http-res",
	[LOG_STEP_DO_LOG + RULES_HTTP_AFTER_RES] = "http-after-res",
};

/* ---- profiles ---- */

struct log_profile *log_profile_get(struct config *c, const char *name, struct conf_pos pos)
{
	struct log_profile **at = &c->log_profiles;
	for (; *at; at = &(*at)->next) {
		if (strcmp((*at)->name, name) == 0)
			return *at;
	}
	struct log_profile *p = arena_new(&c->arena, struct log_profile);
	if (!p || !(p->name = arena_strdup(&c->arena, name)))
		return NULL;
	p->pos = pos;
	*at = p;
	return p;
}

const struct log_profile_step *log_profile_step(
    const struct log_profile *p, enum log_step step, bool failed)
{
	if (!p)
		return NULL;
	if (failed && step < LOG_STEP_DO_LOG)
		step = LOG_STEP_ERROR;
	if (p->steps[step].set)
		return &p->steps[step];
	return p->steps[LOG_STEP_ANY].set ? &p->steps[LOG_STEP_ANY] : NULL;
}

/* ---- the section ---- */

static void *open_profile(const struct conf_call *call)
{
	const struct conf_line *line = call->line;
	const char *name;
	if (line->argc < 2) {
		conf_error(call->conf, line, 0, "'log-profile' expects a name");
		return NULL;
	}
	if (conf_name(call->conf, line, 1, &name) < 0 || !no_more_words(call->conf, line, 2))
		return NULL;
	struct log_profile *p = log_profile_get(build_config(call), name, line->pos);
	if (!p) {
		(void)no_memory(call->conf, line);
		return NULL;
	}
	if (p->defined) {
		conf_error(call->conf, line, 1, "log-profile '%s' is already defined at %s:%u.",
		    name, p->pos.file ? p->pos.file : "", p->pos.line);
		return NULL;
	}
	p->defined = true;
	p->pos = line->pos;
	return p;
}

static int set_tag(const struct conf_call *call)
{
	struct log_profile *p = call->object;
	p->tag = arena_strdup(conf_arena(call->conf), call->line->argv[call->arg]);
	return p->tag ? 0 : no_memory(call->conf, call->line);
}

static int parse_format(const struct conf_call *call, int arg, struct logfmt **ret)
{
	if (arg >= call->line->argc) {
		conf_error(call->conf, call->line, arg - 1, "'%s' expects a log format",
		    call->line->argv[arg - 1]);
		return -1;
	}
	*ret =
	    logfmt_parse(call->conf, call->line, arg, call->line->argv[arg], LOG_SEES, LOGFMT_LOG);
	return *ret ? 0 : -1;
}

static int set_on(const struct conf_call *call)
{
	struct log_profile *p = call->object;
	const struct conf_line *line = call->line;
	struct log_profile_step s = { .set = true };
	int step, arg = call->arg;
	if (strcmp(line->argv[arg], "quic-init") == 0) {
		conf_error(call->conf, line, arg, "'quic-init': QUIC is not supported");
		return -1;
	}
	if (conf_enum(call->conf, line, arg, log_step_names, &step) < 0)
		return -1;
	for (arg++; arg < line->argc; arg++) {
		const char *word = line->argv[arg];
		if (strcmp(word, "drop") == 0) {
			s.drop = true;
		} else if (strcmp(word, "format") == 0 || strcmp(word, "sd") == 0) {
			if (parse_format(call, ++arg, *word == 'f' ? &s.format : &s.sd) < 0)
				return -1;
		} else {
			conf_error(call->conf, line, arg,
			    "'on': 'drop', 'format' or 'sd' is expected instead of '%s'", word);
			return -1;
		}
	}
	p->steps[step] = s;
	return 0;
}

static const struct conf_keyword profile_keywords[] = {
	{ "log-tag", CONF_OTHER, 0, 1, 1, set_tag, 0, "<text>",
	    "program name in the header of these lines" },
	{ "on", CONF_OTHER, 0, 1, -1, set_on, 0, "<step> [drop] [format <format>] [sd <format>]",
	    "what the line of a step is made of" },
	{ .name = NULL },
};
static const struct conf_keyword *const profile_tables[] = { profile_keywords, NULL };

const struct conf_section section_log_profile = {
	.name = "log-profile",
	.scope = CONF_OTHER,
	.open = open_profile,
	.tables = profile_tables,
};

/* ---- log-steps ---- */

/* "all", or names joined by commas. */
int set_log_steps(const struct conf_call *call)
{
	struct proxy *p = call->object;
	struct slice words = slice_str(call->line->argv[call->arg]);
	unsigned steps = 0;
	if (wrong_side(call))
		return 0;
	if (slice_eq(words, SLICE("all"))) {
		p->log_steps = LOG_STEPS_ALL;
		return 0;
	}
	while (words.ptr) {
		struct slice word = slice_cut(&words, ',');
		int step = LOG_STEP_ACCEPT;
		while (step <= LOG_STEP_CLOSE && !slice_eq(word, slice_str(log_step_names[step])))
			step++;
		if (step > LOG_STEP_CLOSE) {
			conf_error(call->conf, call->line, call->arg,
			    "'log-steps': '%.*s' is none of 'accept', 'request', 'connect', "
			    "'response', 'close' and 'all'",
			    SLICE_ARG(word));
			return -1;
		}
		steps |= 1u << step;
	}
	p->log_steps = steps;
	return 0;
}

/* ---- the end ---- */

void finish_log_profiles(struct conf *conf, struct config *c)
{
	for (const struct log_profile *p = c->log_profiles; p; p = p->next) {
		if (!p->defined)
			diag_add(conf_diag(conf), DIAG_ERROR, p->pos,
			    "there is no section 'log-profile %s'", p->name);
	}
}
