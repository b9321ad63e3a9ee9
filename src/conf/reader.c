/* SPDX-License-Identifier: MIT */
/*
 * The reader: sources to lines, lines to sections and keyword rows. It decides what a line is and whether it
 * may stand where it stands; what it means is the setter's business. One thread; struct conf owns what is
 * read, the caller owns diag, arena and the tables.
 */
#include "internal.h"

struct conf *conf_new(const struct conf_setup *setup)
{
	struct conf *conf = calloc(1, sizeof(*conf));
	if (!conf)
		return NULL;
	conf->setup = *setup;
	conf->errors_before = diag_count(setup->diag, DIAG_ERROR);
	conf_env_init(&conf->env);
	lexer_init(&conf->lexer, conf_lookup_var, conf);
	if (conf_index_build(conf) < 0) {
		conf_free(conf);
		return NULL;
	}
	return conf;
}

void conf_free(struct conf *conf)
{
	if (!conf)
		return;
	for (size_t i = 0; i < conf->source_n; i++)
		free(conf->sources[i].text);
	free(conf->sources);
	free(conf->section_name);
	conf_index_done(&conf->index);
	conf_env_done(&conf->env);
	lexer_done(&conf->lexer);
	strbuf_done(&conf->dump);
	free(conf);
}

/* ---- sections ---- */

static void close_section(struct conf *conf)
{
	if (conf->state == SECTION_OPEN && conf->section->close)
		(void)conf->section->close(conf, conf->object);
	conf->section = NULL;
	conf->object = NULL;
	conf->state = SECTION_NONE;
}

static void set_section_name(struct conf *conf, const char *name)
{
	free(conf->section_name);
	conf->section_name = strdup(name);
}

static void open_section(
    struct conf *conf, const struct conf_line *line, const struct conf_section *section)
{
	struct conf_call call = { .conf = conf, .line = line, .arg = 1 };

	close_section(conf);
	conf->section = section;
	set_section_name(conf, line->argc > 1 ? line->argv[1] : section->name);
	if (!section->open) {
		conf_error(conf, line, 0, "section '%s' is not supported by this version of weir",
		    section->name);
		conf->state = SECTION_SKIPPED;
		return;
	}
	conf->object = section->open(&call);
	conf->state = conf->object ? SECTION_OPEN : SECTION_REFUSED;
}

/* The line stands outside any section, or begins one that does not exist. */
static void skip_section(struct conf *conf, const struct conf_line *line, const char *why)
{
	const char *word = line->argv[0];
	const char *near = conf_nearest_section(conf, word);
	conf_error(conf, line, 0, "unknown %s '%s'%s%s%s%s", why, word,
	    conf->state == SECTION_NONE ? " out of section" : "", near ? "; did you mean '" : "",
	    near ? near : "", near ? "' ?" : "");
	close_section(conf);
	conf->state = SECTION_SKIPPED;
	set_section_name(conf, word);
}

/*
 * Within a section a misspelt section name looks like a misspelt keyword. It is taken for the former when it
 * is not indented and near to a section's name: then its lines would only be a row of errors.
 */
static bool looks_like_section(const struct conf *conf, const struct conf_line *line)
{
	return line->cols[0] == 1 && !conf_is_first_word(conf, line->argv[0]) &&
	       conf_nearest_section(conf, line->argv[0]);
}

/* ---- keywords ---- */

/* True when the row may be used as it stands there; otherwise the error is told. */
static bool is_usable(const struct conf_call *call)
{
	const struct conf_keyword *row = call->row;
	struct conf *conf = call->conf;
	int at = call->negation == CONF_PLAIN ? 0 : 1;

	if (row->flags & CONF_NOT_YET || (!row->set && !(row->flags & CONF_NO_EFFECT))) {
		conf_error(conf, call->line, at, "'%s' is not supported by this version of weir",
		    row->name);
		return false;
	}
	if (row->flags & CONF_EXPERIMENTAL && !conf->experimental) {
		conf_error(conf, call->line, at,
		    "'%s' is experimental and needs 'expose-experimental-directives' in the "
		    "'global' section",
		    row->name);
		return false;
	}
	if (call->negation != CONF_PLAIN && !(row->flags & CONF_MAY_NEGATE)) {
		conf_error(conf, call->line, 0, "'%s' cannot stand in front of '%s'",
		    call->line->argv[0], row->name);
		return false;
	}
	return true;
}

static bool has_right_args(const struct conf_call *call)
{
	const struct conf_keyword *row = call->row;
	int n = call->line->argc - call->arg;
	if (n < row->args_min && call->negation == CONF_PLAIN) {
		if (row->usage && *row->usage)
			conf_error(call->conf, call->line, call->arg - 1, "'%s' expects %s",
			    row->name, row->usage);
		else
			conf_error(call->conf, call->line, call->arg - 1,
			    "'%s' expects at least %d argument%s", row->name, row->args_min,
			    row->args_min == 1 ? "" : "s");
		return false;
	}
	if (row->args_max >= 0 && n > row->args_max) {
		int extra = call->arg + row->args_max;
		conf_error(call->conf, call->line, extra,
		    "'%s' cannot handle unexpected argument '%s'", row->name,
		    call->line->argv[extra]);
		return false;
	}
	return true;
}

static void run_keyword(const struct conf_call *call)
{
	const struct conf_keyword *row = call->row;
	struct conf *conf = call->conf;

	if (!is_usable(call) || !has_right_args(call))
		return;
	if (row->flags & CONF_DEPRECATED)
		conf_warning(conf, call->line, call->arg - 1, "'%s' is deprecated: %s", row->name,
		    row->help ? row->help : "");
	if (row->flags & CONF_NO_EFFECT)
		conf_notice(conf, call->line, call->arg - 1, "'%s' has no effect: %s", row->name,
		    row->data ? (const char *)row->data : "");
	else if (conf->state == SECTION_OPEN)
		(void)row->set(call);
}

static enum conf_negation negation_of(const struct conf_line *line)
{
	if (line->argc < 2)
		return CONF_PLAIN;
	if (strcmp(line->argv[0], "no") == 0)
		return CONF_NO;
	return strcmp(line->argv[0], "default") == 0 ? CONF_DEFAULT : CONF_PLAIN;
}

static void read_keyword(struct conf *conf, const struct conf_line *line)
{
	struct conf_call call = {
		.conf = conf,
		.line = line,
		.object = conf->object,
		.negation = negation_of(line),
	};
	int at = call.negation == CONF_PLAIN ? 0 : 1;

	struct conf_found found = conf_index_find(conf, line, at, conf->section);
	if (found.row) {
		call.row = found.row;
		call.arg = at + (int)found.words;
		run_keyword(&call);
	} else if (!found.elsewhere && looks_like_section(conf, line)) {
		skip_section(conf, line, "section");
	} else {
		conf_unknown_keyword(conf, line, at, found);
	}
}

/* ---- lines ---- */

/* A word so that reading the dump gives it back: bare where it can be, in the quotes that do least. */
static void dump_word(struct strbuf *out, const char *word)
{
	bool bare = *word != '\0';
	bool strong = true;
	for (const char *p = word; *p; p++) {
		unsigned char c = (unsigned char)*p;
		if (c <= 0x20 || c == 0x7f || strchr("#\\'\"", c))
			bare = false;
		if (c < 0x20 || c == '\'')
			strong = false;
	}
	if (bare || strong) {
		strbuf_addf(out, bare ? "%s" : "'%s'", word);
		return;
	}
	strbuf_addc(out, '"');
	for (const char *p = word; *p; p++) {
		if ((unsigned char)*p < 0x20)
			strbuf_addf(out, "\\x%02x", (unsigned char)*p);
		else if (strchr("\\\"$", *p))
			strbuf_addf(out, "\\%c", *p);
		else
			strbuf_addc(out, *p);
	}
	strbuf_addc(out, '"');
}

static void dump_line(struct conf *conf, const struct conf_line *line, bool is_section)
{
	strbuf_adds(&conf->dump, is_section ? (conf->dump.len ? "\n" : "") : "\t");
	for (int i = 0; i < line->argc; i++) {
		strbuf_adds(&conf->dump, i ? " " : "");
		dump_word(&conf->dump, line->argv[i]);
	}
	strbuf_addc(&conf->dump, '\n');
}

static void read_words(struct conf *conf, const struct conf_line *line)
{
	if (line->argv[0][0] == '.') {
		conf_directive(conf, line);
		return;
	}
	if (!conf_if_reading(conf))
		return;
	const struct conf_section *section = conf_section_find(conf, line->argv[0]);
	dump_line(conf, line, section != NULL);
	if (section)
		open_section(conf, line, section);
	else if (conf->state == SECTION_NONE)
		skip_section(conf, line, "keyword");
	else if (conf->state != SECTION_SKIPPED)
		read_keyword(conf, line);
}

static void tell_lexer_error(struct conf *conf)
{
	const struct lexer *lx = &conf->lexer;
	struct strbuf shown = STRBUF_INIT;
	struct conf_pos pos = {
		.file = conf->source->name,
		.line = lx->error_line,
		.col = (unsigned)(lx->error_at - lx->error_bol) + 1,
	};
	lexer_show_error(lx, &shown);
	diag_add(conf->setup.diag, DIAG_ERROR, pos, "%s%s%s", lexer_error_text(lx->error),
	    shown.len ? ":" : "", strbuf_str(&shown));
	strbuf_done(&shown);
}

static bool is_too_much(const struct conf *conf)
{
	return diag_count(conf->setup.diag, DIAG_ERROR) - conf->errors_before >= CONF_ERRORS_MAX;
}

static void read_line(struct conf *conf)
{
	struct lexer *lx = &conf->lexer;
	if (lx->error) {
		tell_lexer_error(conf);
	} else if (lx->word_n) {
		struct conf_line line = {
			.pos = {
				.file = conf->source->name,
				.line = lx->lines[0],
				.col = lx->cols[0],
			},
			.argc = (int)lx->word_n,
			.argv = lx->argv,
			.cols = lx->cols,
			.lines = lx->lines,
		};
		read_words(conf, &line);
	}
	if (lx->cut && conf->source->is_file) {
		struct conf_pos pos = {
			.file = conf->source->name,
			.line = lx->line_no,
			.col = (unsigned)(lx->end - lx->bol) + 1,
		};
		diag_add(conf->setup.diag, DIAG_ERROR, pos,
		    "missing LF on last line, file might have been truncated");
	}
}

static void read_source(struct conf *conf, const struct conf_source *source)
{
	conf->source = source;
	lexer_start(&conf->lexer, slice_make(source->text, source->len), true);
	while (!is_too_much(conf) && lexer_next(&conf->lexer))
		read_line(conf);
	conf_if_finish(conf);
	close_section(conf);
	set_section_name(conf, "");
	conf->source = NULL;
}

int conf_read(struct conf *conf)
{
	struct diag *diag = conf->setup.diag;
	for (size_t i = 0; i < conf->source_n && !is_too_much(conf); i++)
		read_source(conf, &conf->sources[i]);
	if (is_too_much(conf))
		diag_add(diag, DIAG_ERROR, (struct conf_pos){ .file = NULL },
		    "%u errors: the rest was not read", CONF_ERRORS_MAX);
	return diag_count(diag, DIAG_ERROR) > conf->errors_before ? -1 : 0;
}

int conf_dump(struct conf *conf, FILE *out)
{
	if (conf->dump.failed)
		return -1;
	fwrite(strbuf_str(&conf->dump), 1, conf->dump.len, out);
	return ferror(out) ? -1 : 0;
}
