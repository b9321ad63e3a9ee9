/* SPDX-License-Identifier: MIT */
/*
 * What the files of this module share and nobody else sees: the lexer, the environment, conditions, the
 * index of keyword rows, and struct conf itself. One thread.
 */
#ifndef WEIR_SRC_CONF_INTERNAL_H
#define WEIR_SRC_CONF_INTERNAL_H

#include "weir/base/htab.h"
#include "weir/base/strbuf.h"
#include "weir/conf/conf.h"

/* Bytes of one logical line after expansion: a generated list fits, a runaway file does not. */
#define CONF_LINE_MAX (2u << 20)
/* After so many errors the rest is not read: nobody reads more, and a binary file ends soon. */
#define CONF_ERRORS_MAX 1000u
/* Empty words behind the last one, so that a setter may look a few words ahead. */
#define CONF_ARGV_PAD 8u
#define CONF_FILE_MAX (256u << 20)

/* ---- lexer.c, variables.c ---- */

enum lex_error {
	LEX_OK,
	LEX_QUOTE,     /* no closing quote */
	LEX_BRACE,     /* no closing brace */
	LEX_NAME,      /* not a variable's name */
	LEX_EXPANSION, /* "[" that is not "[*]" */
	LEX_HEX,       /* \x without two hex digits */
	LEX_NUL,       /* NUL byte, or \x00 */
	LEX_CR,	       /* carriage return inside a line */
	LEX_LONG,      /* above CONF_LINE_MAX */
	LEX_MEMORY,
};

/* Value of a variable, or NULL when it is not set. The text stays until the next call. */
typedef const char *lex_var_fn(void *ctx, struct slice name);

struct lex_word {
	size_t offset; /* in text */
	unsigned line;
	unsigned col;
};

struct lexer {
	const char *pos; /* not read yet: pos..end */
	const char *end;
	const char *bol; /* of the physical line that pos is in */
	unsigned line_no;
	bool comments; /* "#" begins one */
	lex_var_fn *var;
	void *var_ctx;

	/* the logical line that was read last */
	unsigned first_line;
	bool cut; /* it ended without a line feed */
	struct strbuf text;
	struct lex_word *words;
	size_t word_n;
	size_t word_cap;
	bool in_word;
	bool split; /* the word took part in a "[*]" expansion: when it stays empty it is none */
	char **argv;
	unsigned *cols;
	unsigned *lines;
	size_t argv_cap;

	enum lex_error error; /* its first error, and the byte it is about */
	const char *error_at;
	const char *error_bol;
	unsigned error_line;
};

void lexer_init(struct lexer *lx, lex_var_fn *var, void *ctx);
void lexer_done(struct lexer *lx);
/* From here on text is read, which must stay. */
void lexer_start(struct lexer *lx, struct slice text, bool comments);
/* Reads the next logical line: false at the end of the text. On an error the line has no words. */
bool lexer_next(struct lexer *lx);
const char *lexer_error_text(enum lex_error error);
/* The line of an error and a caret below the byte, for messages. */
void lexer_show_error(const struct lexer *lx, struct strbuf *out);

/* For variables.c. */
void lex_fail(struct lexer *lx, enum lex_error error, const char *at);
void lex_add(struct lexer *lx, const char *bytes, size_t len);
void lex_word_begin(struct lexer *lx, const char *at);
void lex_word_end(struct lexer *lx);
/* pos is at the "$"; moves it behind the reference. */
void lex_variable(struct lexer *lx);

/* ---- environment.c ---- */

struct conf_env {
	struct htab table;
	struct list vars; /* in the order they were set */
};

void conf_env_init(struct conf_env *env);
void conf_env_done(struct conf_env *env);
const char *conf_env_get(const struct conf_env *env, struct slice name);

/* ---- conditions.c, directives.c ---- */

/* The value of a condition whose quotes and variables are resolved: 1, 0, or -1 with a text in err. */
int conf_condition_eval(struct conf *conf, const char *text, char *err, size_t err_size);

#define CONF_IF_DEPTH_MAX 128

enum if_state {
	IF_TAKEN,   /* this branch is read */
	IF_WAITING, /* no branch was true so far */
	IF_DONE,    /* a branch was read before, or the block itself stands in one that is not */
};

struct if_block {
	struct conf_pos pos;
	enum if_state state;
	bool seen_else;
};

struct if_stack {
	struct if_block blocks[CONF_IF_DEPTH_MAX];
	unsigned depth;
	unsigned beyond; /* blocks above the limit: counted, not read */
};

bool conf_if_reading(const struct conf *conf);
/* A line that begins with ".": always eaten. */
void conf_directive(struct conf *conf, const struct conf_line *line);
/* At the end of a file: tells of blocks that are open and closes them. */
void conf_if_finish(struct conf *conf);

/* ---- index.c ---- */

struct conf_ref {
	struct htab_node node;
	const struct conf_keyword *row;
	uint64_t sections; /* a bit for each section of the setup that takes the row */
};

struct conf_option_ref {
	struct htab_node node;
	const struct conf_option *row;
	const struct conf_option *const *tables;
};

struct conf_index {
	struct htab table;
	struct conf_ref **refs;
	size_t ref_n;
	size_t ref_cap;
	struct htab options; /* filled per list of tables, at its first use */
};

struct conf_found {
	const struct conf_keyword *row; /* NULL: not in this section */
	unsigned words;			/* of the keyword: 1 or 2 */
	uint64_t elsewhere;		/* sections that know the keyword when this one does not */
};

int conf_index_build(struct conf *conf);
void conf_index_done(struct conf_index *index);
/* The keyword whose first word is word arg of the line. */
struct conf_found conf_index_find(
    struct conf *conf, const struct conf_line *line, int arg, const struct conf_section *section);
const struct conf_section *conf_section_find(const struct conf *conf, const char *name);
/* -ENOMEM, 0 when there is none, 1. */
int conf_option_find(struct conf *conf, const struct conf_option *const *tables, const char *name,
    const struct conf_option **ret_row);

/* ---- nearest.c ---- */

/* Changes from a to b (insert, drop, replace, swap neighbours); limit + 1 when there are more than limit. */
unsigned conf_distance(const char *a, const char *b, unsigned limit);
/* The distance when the words are near enough to suggest one for the other, else UINT_MAX. */
unsigned conf_near(const char *word, const char *candidate);

/* ---- reader.c, suggest.c ---- */

/* Tells why the word at arg is no keyword of the present section, and which one may have been meant. */
void conf_unknown_keyword(
    struct conf *conf, const struct conf_line *line, int arg, struct conf_found found);
const char *conf_nearest_section(const struct conf *conf, const char *word);
bool conf_is_first_word(const struct conf *conf, const char *word);

struct conf_source {
	const char *name; /* of the diag */
	char *text;
	size_t len;
	bool is_file; /* whose last line must be whole */
};

enum section_state {
	SECTION_NONE,	 /* nothing but the beginning of a file so far */
	SECTION_OPEN,	 /* keywords are set */
	SECTION_REFUSED, /* its open() failed: keywords are checked only */
	SECTION_SKIPPED, /* unknown: its lines are passed over */
};

struct conf {
	void *slots[CONF_SLOT_N];
	struct conf_setup setup;
	unsigned errors_before; /* in the diag, when the run began */
	bool experimental;
	struct conf_source *sources;
	size_t source_n;
	size_t source_cap;
	struct conf_index index;
	struct conf_env env;
	struct lexer lexer;

	/* while reading */
	const struct conf_source *source;
	const struct conf_section *section;
	enum section_state state;
	void *object;
	char *section_name;   /* for ${.SECTION} */
	char line_digits[16]; /* for ${.LINE} */
	struct if_stack ifs;
	struct strbuf dump;
};

/* Variables of the lines being read: the environment and the ones with a dot. */
const char *conf_lookup_var(void *ctx, struct slice name);

#endif
