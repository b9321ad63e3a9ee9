/* SPDX-License-Identifier: MIT */
/*
 * Lines that begin with a dot: conditional blocks and messages. A stack holds the blocks that are open; a
 * line counts when each block on it is in a branch that was taken. Blocks do not cross files.
 */
#include "internal.h"

bool conf_if_reading(const struct conf *conf)
{
	const struct if_stack *ifs = &conf->ifs;
	if (ifs->beyond)
		return false;
	return !ifs->depth || ifs->blocks[ifs->depth - 1].state == IF_TAKEN;
}

/* True when the line has more than max words behind the directive, which is told. */
static bool has_extra(struct conf *conf, const struct conf_line *line, int max)
{
	if (line->argc <= max + 1)
		return false;
	conf_error(conf, line, max + 1, "unexpected argument '%s' for '%s'%s", line->argv[max + 1],
	    line->argv[0], max ? "; a message with spaces needs quotes" : "");
	return true;
}

/* What the condition makes of its block. An invalid one is told, and no branch of the block is read. */
static enum if_state evaluate(struct conf *conf, const struct conf_line *line)
{
	char err[256];
	struct strbuf text = STRBUF_INIT;
	for (int i = 1; i < line->argc; i++) {
		strbuf_adds(&text, i > 1 ? " " : "");
		strbuf_adds(&text, line->argv[i]);
	}
	int r = -1;
	if (text.failed)
		snprintf(err, sizeof(err), "out of memory");
	else
		r = conf_condition_eval(conf, strbuf_str(&text), err, sizeof(err));
	if (r < 0)
		conf_error(conf, line, line->argc > 1 ? 1 : 0, "%s in '%s'", err, line->argv[0]);
	strbuf_done(&text);
	return r < 0 ? IF_DONE : r ? IF_TAKEN : IF_WAITING;
}

static struct if_block *top(struct conf *conf, const struct conf_line *line)
{
	if (conf->ifs.depth)
		return &conf->ifs.blocks[conf->ifs.depth - 1];
	conf_error(conf, line, 0, "lone '%s' with no matching '.if'", line->argv[0]);
	return NULL;
}

static void on_if(struct conf *conf, const struct conf_line *line)
{
	struct if_stack *ifs = &conf->ifs;
	bool reading = conf_if_reading(conf);
	if (ifs->depth == CONF_IF_DEPTH_MAX) {
		if (!ifs->beyond++)
			conf_error(
			    conf, line, 0, "more than %d nested '.if' blocks", CONF_IF_DEPTH_MAX);
		return;
	}
	enum if_state state = reading ? evaluate(conf, line) : IF_DONE;
	ifs->blocks[ifs->depth++] = (struct if_block){ .pos = line->pos, .state = state };
}

static void on_elif(struct conf *conf, const struct conf_line *line)
{
	struct if_block *block = top(conf, line);
	if (!block || conf->ifs.beyond)
		return;
	if (block->seen_else) {
		conf_error(conf, line, 0, "'.elif' behind '.else' is not permitted");
		block->state = IF_DONE;
	} else if (block->state == IF_WAITING) {
		block->state = evaluate(conf, line);
	} else {
		block->state = IF_DONE;
	}
}

static void on_else(struct conf *conf, const struct conf_line *line)
{
	struct if_block *block = top(conf, line);
	if (!block || conf->ifs.beyond)
		return;
	has_extra(conf, line, 0);
	if (block->seen_else) {
		conf_error(conf, line, 0, "'.else' behind '.else' is not permitted");
		block->state = IF_DONE;
		return;
	}
	block->seen_else = true;
	block->state = block->state == IF_WAITING ? IF_TAKEN : IF_DONE;
}

static void on_endif(struct conf *conf, const struct conf_line *line)
{
	if (!top(conf, line))
		return;
	has_extra(conf, line, 0);
	if (conf->ifs.beyond)
		conf->ifs.beyond--;
	else
		conf->ifs.depth--;
}

static void on_diag(struct conf *conf, const struct conf_line *line)
{
	if (!has_extra(conf, line, 1) && conf->setup.diagnostics)
		conf_notice(conf, line, 0, "%s", line->argv[1]);
}

static void on_notice(struct conf *conf, const struct conf_line *line)
{
	if (!has_extra(conf, line, 1))
		conf_notice(conf, line, 0, "%s", line->argv[1]);
}

static void on_warning(struct conf *conf, const struct conf_line *line)
{
	if (!has_extra(conf, line, 1))
		conf_warning(conf, line, 0, "%s", line->argv[1]);
}

static void on_alert(struct conf *conf, const struct conf_line *line)
{
	if (!has_extra(conf, line, 1))
		conf_error(conf, line, 0, "%s", line->argv[1]);
}

static const struct {
	const char *name;
	void (*run)(struct conf *conf, const struct conf_line *line);
	bool always; /* also where lines are not read */
} directives[] = {
	{ ".if", on_if, true },
	{ ".elif", on_elif, true },
	{ ".else", on_else, true },
	{ ".endif", on_endif, true },
	{ ".diag", on_diag, false },
	{ ".notice", on_notice, false },
	{ ".warning", on_warning, false },
	{ ".alert", on_alert, false },
};

static const char *next_directive(const void *names, size_t i)
{
	return i < ARRAY_SIZE(directives) ? directives[i].name : NULL;
}

void conf_directive(struct conf *conf, const struct conf_line *line)
{
	bool reading = conf_if_reading(conf);
	for (size_t i = 0; i < ARRAY_SIZE(directives); i++) {
		if (strcmp(directives[i].name, line->argv[0]) != 0)
			continue;
		if (reading || directives[i].always)
			directives[i].run(conf, line);
		return;
	}
	if (!reading)
		return;
	const char *near = conf_nearest(line->argv[0], next_directive, NULL);
	conf_error(conf, line, 0, "unknown directive '%s'%s%s%s", line->argv[0],
	    near ? "; did you mean '" : "", near ? near : "", near ? "' ?" : "");
}

void conf_if_finish(struct conf *conf)
{
	conf->ifs.beyond = 0;
	while (conf->ifs.depth) {
		const struct if_block *block = &conf->ifs.blocks[--conf->ifs.depth];
		diag_add(conf->setup.diag, DIAG_ERROR, block->pos,
		    "'.if' without '.endif' before the end of the file");
	}
}
