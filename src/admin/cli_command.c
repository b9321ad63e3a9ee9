/* SPDX-License-Identifier: MIT */
/*
 * From one command's bytes to its row and back: words, look-up, level check, the framing of the answer, help
 * and the guess at what a mistyped command meant.
 */
#include <errno.h>

#include "cli_impl.h"

/* Words readable behind the last one. */
#define ARGV_EMPTY 8
/* What of a mistyped command is compared. */
#define GUESS_MAX 63

/* ---- rows ---- */

static size_t count_rows(const struct cli_command *table)
{
	size_t n = 0;
	while (table[n].name)
		n++;
	return n;
}

static int by_name(const void *a, const void *b)
{
	const struct cli_command *const *x = a, *const *y = b;
	return strcmp((*x)->name, (*y)->name);
}

static void take_rows(struct cli *cli, const struct cli_command *table)
{
	for (; table->name; table++)
		cli->rows[cli->rows_n++] = table;
}

int cli_rows_collect(struct cli *cli)
{
	const struct cli_command *const *tables = cli->setup.tables;
	size_t n = count_rows(cli_builtin_rows);
	for (size_t i = 0; tables && tables[i]; i++)
		n += count_rows(tables[i]);
	cli->rows = malloc(n * sizeof(cli->rows[0]));
	if (!cli->rows)
		return -ENOMEM;
	take_rows(cli, cli_builtin_rows);
	for (size_t i = 0; tables && tables[i]; i++)
		take_rows(cli, tables[i]);
	qsort(cli->rows, cli->rows_n, sizeof(cli->rows[0]), by_name);
	return 0;
}

/* Number of the name's words when argv begins with all of them, else 0. */
static int match_words(const char *name, char **argv)
{
	struct slice rest = slice_str(name);
	int n = 0;
	while (rest.ptr) {
		if (!slice_eq(slice_cut(&rest, ' '), slice_str(argv[n])))
			return 0;
		n++;
	}
	return n;
}

static const struct cli_command *find_row(struct cli *cli, char **argv)
{
	const struct cli_command *best = NULL;
	int best_words = 0;
	for (size_t i = 0; i < cli->rows_n; i++) {
		int words = match_words(cli->rows[i]->name, argv);
		if (words > best_words) {
			best = cli->rows[i];
			best_words = words;
		}
	}
	for (const struct cli_command *row = cli_last_rows; !best && row->name; row++) {
		if (match_words(row->name, argv))
			best = row;
	}
	return best;
}

/* ---- guesses ---- */

/* Changes of one byte that turn a into b (both at most GUESS_MAX long). */
static unsigned distance(struct slice a, struct slice b)
{
	unsigned row[GUESS_MAX + 1];
	for (size_t j = 0; j <= b.len; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= a.len; i++) {
		unsigned diagonal = row[0];
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b.len; j++) {
			unsigned change = diagonal + (a.ptr[i - 1] != b.ptr[j - 1]);
			diagonal = row[j];
			row[j] = MIN(change, MIN(row[j], row[j - 1]) + 1);
		}
	}
	return row[b.len];
}

/* As many words of typed as name has. */
static struct slice same_words(struct slice typed, const char *name)
{
	size_t at = 0;
	for (const char *p = name; at < typed.len; at++) {
		if (typed.ptr[at] != ' ')
			continue;
		p = strchr(p, ' ');
		if (!p)
			break;
		p++;
	}
	return slice_sub(typed, 0, at);
}

enum likeness {
	LIKE_PREFIX,	 /* the name begins with what was typed */
	LIKE_TYPO,	 /* a few bytes differ */
	LIKE_FIRST_WORD, /* the same verb */
	LIKE_N,
};

static bool is_like(struct slice typed, const char *name_str, enum likeness how)
{
	struct slice name = slice_sub(slice_str(name_str), 0, GUESS_MAX);
	struct slice a = name, b = typed, cut;
	switch (how) {
	case LIKE_PREFIX:
		return slice_has_prefix(name, typed);
	case LIKE_TYPO:
		cut = same_words(typed, name_str);
		return distance(cut, name) <= (name.len < 6 ? 1 : 2);
	default:
		return slice_eq(slice_cut(&a, ' '), slice_cut(&b, ' '));
	}
}

static bool is_shown(
    const struct cli_call *call, const struct cli_command *row, struct slice typed, int how)
{
	return row->level <= call->level &&
	       (typed.len == 0 || is_like(typed, row->name, (enum likeness)how));
}

/* The closest kind of likeness that any row has, or -1. */
static int best_likeness(const struct cli_call *call, struct slice typed)
{
	struct cli *cli = call->cli;
	for (int how = 0; how < LIKE_N; how++) {
		for (size_t i = 0; i < cli->rows_n; i++) {
			if (is_shown(call, cli->rows[i], typed, how))
				return how;
		}
	}
	return -1;
}

static void list_row(struct strbuf *out, const struct cli_command *row)
{
	size_t before = out->len;
	strbuf_addf(
	    out, "  %s%s%s", row->name, row->usage ? " " : "", row->usage ? row->usage : "");
	while (!out->failed && out->len < before + 42)
		strbuf_addc(out, ' ');
	strbuf_addf(out, ": %s\n", row->help);
}

static void list_rows(struct cli_call *call, struct slice typed, int how)
{
	struct cli *cli = call->cli;
	for (size_t i = 0; i < cli->rows_n && (typed.len == 0 || how >= 0); i++) {
		if (is_shown(call, cli->rows[i], typed, how))
			list_row(call->out, cli->rows[i]);
	}
	for (const struct cli_command *row = cli_last_rows; row->name; row++)
		list_row(call->out, row);
}

void cli_help(struct cli_call *call, const char *filter)
{
	struct slice typed = slice_sub(slice_str(filter), 0, GUESS_MAX);
	cli_ok(call, "The following commands are valid at this level:\n");
	list_rows(call, typed, best_likeness(call, typed));
}

static void say_unknown(struct cli_call *call)
{
	struct strbuf words = STRBUF_INIT;
	for (int i = 0; i < call->argc && words.len <= GUESS_MAX; i++)
		strbuf_addf(&words, "%s%s", i ? " " : "", call->argv[i]);
	struct slice typed = slice_sub(strbuf_slice(&words), 0, GUESS_MAX);
	int how = typed.len ? best_likeness(call, typed) : -1;
	if (how < 0) {
		typed = SLICE_NULL;
		cli_ok(call, "Unknown command. Please enter one of the following commands only:\n");
	} else {
		cli_ok(call,
		    "Unknown command, but maybe one of the following ones is a better match:\n");
	}
	list_rows(call, typed, how);
	strbuf_done(&words);
}

/* ---- running ---- */

void cli_msg(struct cli_call *call, int severity, const char *fmt, ...)
{
	static const char *const names[] = { "emerg", "alert", "crit", "err", "warning", "notice",
		"info", "debug" };
	struct strbuf *out = call->out;
	va_list ap;
	if (call->conn->severity == CLI_SEVERITY_NUMBER)
		strbuf_addf(out, "[%d]: ", severity);
	else if (call->conn->severity == CLI_SEVERITY_STRING)
		strbuf_addf(out, "[%s]: ", names[severity & 7]);
	va_start(ap, fmt);
	strbuf_vaddf(out, fmt, ap);
	va_end(ap);
	if (out->len && out->ptr[out->len - 1] != '\n')
		strbuf_addc(out, '\n');
}

bool cli_need(struct cli_call *call, enum cli_level level)
{
	if (call->level >= level)
		return true;
	cli_err(call, "Permission denied\n");
	return false;
}

static void write_prompt(struct cli_conn *c, struct strbuf *out)
{
	struct cli *cli = c->cli;
	const char *name = cli->setup.prompt_name ? cli->setup.prompt_name : "";
	if (c->timed) {
		uint64_t s = (worker_now_ms(cli->setup.worker) - cli->start_ms) / 1000;
		strbuf_addf(out, "[%llu:%02u:%02u:%02u]%s", (unsigned long long)(s / 86400),
		    (unsigned)(s / 3600 % 24), (unsigned)(s / 60 % 60), (unsigned)(s % 60),
		    *name ? " " : "");
	}
	strbuf_adds(out, name);
	strbuf_adds(out, "> ");
}

/* The empty line tells scripts where an answer ends. */
void cli_end_answer(struct cli_conn *c, struct strbuf *out, size_t start)
{
	if (c->quit)
		return;
	if (out->len > start && out->ptr[out->len - 1] != '\n')
		strbuf_addc(out, '\n');
	strbuf_addc(out, '\n');
	if (c->mode == CLI_MODE_PROMPT)
		write_prompt(c, out);
}

void cli_execute(struct cli_conn *c, struct slice command, struct slice payload, struct strbuf *out)
{
	size_t places = cli_words_max(command.len) + ARGV_EMPTY;
	char **argv = malloc(places * sizeof(*argv) + command.len + 1);
	size_t start = out->len;
	if (!argv) {
		out->failed = true;
		return;
	}
	int argc = cli_split(command, (char *)(argv + places), argv);
	for (size_t i = (size_t)argc; i < places; i++)
		argv[i] = (char *)"";
	struct cli_call call = {
		.worker = c->cli->setup.worker,
		.user = c->cli->setup.user,
		.level = (enum cli_level)c->level,
		.argc = argc,
		.argv = argv,
		.payload = payload,
		.out = out,
		.cli = c->cli,
		.conn = c,
	};
	const struct cli_command *row = argc ? find_row(c->cli, argv) : NULL;
	if (!row)
		say_unknown(&call);
	else if (cli_need(&call, row->level))
		row->run(&call);
	free(argv);
	if (!c->stream)
		cli_end_answer(c, out, start);
}
