/* SPDX-License-Identifier: MIT */
/*
 * Reading a configuration: files to lines, lines to words, words to keyword rows. This module knows the
 * language's grammar (quoting, variables, conditionals, sections) and no keyword; the modules above bring
 * tables of rows. All errors of all files are collected and reported in one run.
 *
 * One thread, at start or in a reload. A struct conf lives while the files are read; what setters build
 * (sections, servers, rules) lives in the arena they were given.
 */
#ifndef WEIR_CONF_CONF_H
#define WEIR_CONF_CONF_H

#include <sys/types.h>

#include "weir/base/arena.h"
#include "weir/base/list.h"
#include "weir/base/strbuf.h"
#include "weir/conf/diag.h"

struct conf;

/* One line after quoting, escapes and variables: NUL-terminated words. Valid during the setter's call. */
struct conf_line {
	struct conf_pos pos; /* file and line of its first byte */
	int argc;
	char **argv;	      /* argv[argc] is "" and so are a few behind it */
	const unsigned *cols; /* column of each word, from 1 */
	/* file line of each word, for continued lines; NULL: all stand on pos.line */
	const unsigned *lines;
};

/* Section kinds a keyword may stand in. */
#define CONF_GLOBAL   0x0001u
#define CONF_DEFAULTS 0x0002u
#define CONF_FRONTEND 0x0004u
#define CONF_BACKEND  0x0008u
#define CONF_LISTEN   0x0010u
#define CONF_OTHER    0x0020u /* any other section: its own tables decide */
#define CONF_PROXY    (CONF_DEFAULTS | CONF_FRONTEND | CONF_BACKEND | CONF_LISTEN)
#define CONF_FE	      (CONF_DEFAULTS | CONF_FRONTEND | CONF_LISTEN)
#define CONF_BE	      (CONF_DEFAULTS | CONF_BACKEND | CONF_LISTEN)

/* How "no" and "default" in front of a keyword are taken. */
enum conf_negation {
	CONF_PLAIN,
	CONF_NO,
	CONF_DEFAULT,
};

struct conf_keyword;

/* What a setter gets. */
struct conf_call {
	struct conf *conf;
	const struct conf_line *line;
	const struct conf_keyword *row;
	void *object;		     /* what the section's open() returned */
	enum conf_negation negation; /* only rows with CONF_MAY_NEGATE see other than CONF_PLAIN */
	int arg;		     /* index in line->argv of the first word behind the keyword */
};

/*
 * One keyword of a section: the row is its documentation too. set returns 0, or -1 after it has called
 * conf_error() (the reader goes on with the next line either way).
 */
struct conf_keyword {
	const char *
	    name; /* "maxconn"; two words where the manual has two: "option httplog", "timeout client" */
	unsigned scope; /* CONF_* */
	unsigned flags; /* CONF_MAY_NEGATE ... */
	int args_min;	/* words behind the keyword; checked before set is called (not with "no") */
	int args_max;	/* -1: any number */
	int (*set)(const struct conf_call *call);
	uintptr_t data;	   /* for setters that serve several rows: a flag, an offset */
	const char *usage; /* arguments as the manual writes them: "<number>" */
	const char *help;  /* one line */
};

#define CONF_MAY_NEGATE	  0x01u /* "no" and "default" in front are understood */
#define CONF_EXPERIMENTAL 0x02u /* needs expose-experimental-directives */
#define CONF_DEPRECATED	  0x04u /* works, with a warning */
#define CONF_NOT_YET	  0x08u /* known, not supported in this version: a clear error */
#define CONF_NO_EFFECT                                                                             \
	0x10u		   /* accepted with a notice; data is the text of what weir does instead */
#define CONF_REMOVED 0x20u /* gone from the language: set refuses it and names what replaced it */

/* A table ends with a row without name. */
struct conf_section {
	const char *name; /* "frontend" */
	unsigned scope;	  /* its CONF_* bit */
	/*
	 * Called at the section's own line; returns the object that setters get, or NULL after conf_error():
	 * then the section's lines are checked for known keywords and skipped. An open that is NULL: a section
	 * that this version does not support, which is told.
	 */
	void *(*open)(const struct conf_call *call);
	/* After its last line; may be NULL. */
	int (*close)(struct conf *conf, void *object);
	const struct conf_keyword *const *tables; /* NULL-terminated list of tables */
};

/* ---- words of options inside a line: "check inter 2s weight 10" ---- */

struct conf_option_call {
	struct conf *conf;
	const struct conf_line *line;
	void *object; /* the server, the bind ... */
	const struct conf_option *row;
	int arg;      /* index of the option's first argument */
	bool negated; /* "no-" form of the row */
};

struct conf_option {
	const char *name;
	int args; /* words it takes; -1: set decides and returns how many it took */
	int (*set)(
	    const struct conf_option_call *call); /* 0 or words taken, or -1 after conf_error() */
	uintptr_t data;
	const char *usage;
	const char *help;
	unsigned flags; /* CONF_NOT_YET, CONF_NO_EFFECT, CONF_MAY_NEGATE for a "no-" form ... */
};

/*
 * Reads option words from line->argv[from] to the end against NULL-terminated tables, which must be static:
 * they are indexed by address. 0, or -1 with errors told.
 */
int conf_options(struct conf *conf, const struct conf_line *line, int from,
    const struct conf_option *const *tables, void *object);

/* ---- a run ---- */

struct conf_setup {
	const struct conf_section *const *sections; /* NULL-terminated, at most 64 */
	const struct conf_keyword *const *keywords; /* all tables, for "-dK" and for suggestions */
	struct diag *diag;
	struct arena *arena;	     /* of the configuration that is being built */
	void *user;		     /* conf_user() */
	const char *const *features; /* for the predicate feature(): "OPENSSL", NULL-terminated */
	const char *version;	     /* "3.5.0": for version_atleast() and version_before() */
	bool diagnostics;	     /* -dD: .diag speaks */
	/* for conditions; each may be NULL */
	const char *const *enabled; /* for enabled(): "EPOLL", NULL-terminated */
	const char *ssl_library;    /* "OpenSSL 3.0.15" */
	const char *ssl_version;    /* "3.0.15" */
	bool ssl_fips;
};

struct conf *conf_new(const struct conf_setup *setup);
void conf_free(struct conf *conf);

/* A file, "-" for standard input, or a directory (its *.cfg files in C-locale order). 0 or -errno, told. */
int conf_add_path(struct conf *conf, const char *path);
/* Text with a name for messages: tests and built-in configurations. Copied. */
int conf_add_text(struct conf *conf, const char *name, struct slice text);
/* Reads all that was added. 0, or -1 when there was any error. */
int conf_read(struct conf *conf);
/* Writes the configuration as read, comments gone, to out (-dC). */
int conf_dump(struct conf *conf, FILE *out);

/*
 * One condition as -cc takes it, with quotes and variables: 1 true, 0 false, -1 invalid with a text in err.
 */
int conf_condition(struct conf *conf, const char *text, char *err, size_t err_size);

void *conf_user(const struct conf *conf);
/*
 * What a module above shares between the lines of one run, NULL at first; one row a module. It lies in the arena
 * and needs no freeing.
 */
enum conf_slot {
	CONF_SLOT_RULE,
	CONF_SLOT_USERLISTS,
	CONF_SLOT_ACLS,	   /* of module rule, too: names of ACLs in expressions */
	CONF_SLOT_EXPRS,   /* of module rule, too: expressions that ACLs share */
	CONF_SLOT_OBJECTS, /* and names of proxies and servers */
	CONF_SLOT_JWE,	   /* and algorithms of tokens that are not allowed */
	CONF_SLOT_N,
};
void **conf_slot(struct conf *conf, enum conf_slot slot);
struct arena *conf_arena(const struct conf *conf);
struct diag *conf_diag(const struct conf *conf);
bool conf_experimental_allowed(const struct conf *conf);
void conf_allow_experimental(struct conf *conf);

/*
 * The environment that the lines see: a copy of the process's. Changes hold for later lines and never reach
 * the process's own. Names must not be empty or contain "=": -EINVAL.
 */
const char *conf_getenv(const struct conf *conf, const char *name);
int conf_setenv(struct conf *conf, const char *name, const char *value);
/* Only when it is not set. */
int conf_presetenv(struct conf *conf, const char *name, const char *value);
void conf_unsetenv(struct conf *conf, const char *name);
/* Drops all but the n names of keep. */
void conf_resetenv(struct conf *conf, const char *const *keep, size_t n);
/* "NAME=value" copies, NULL-terminated, for "show env" and child processes. NULL when memory is short. */
char **conf_environ(const struct conf *conf, struct arena *arena);

/* ---- errors, at word arg of the line (-1: at its keyword) ---- */

/* For what is told later. The name of the file lives as long as the struct diag. */
struct conf_pos conf_place(const struct conf_line *line, int arg);

void conf_error(struct conf *conf, const struct conf_line *line, int arg, const char *fmt, ...)
    WEIR_PRINTF(4, 5);
void conf_warning(struct conf *conf, const struct conf_line *line, int arg, const char *fmt, ...)
    WEIR_PRINTF(4, 5);
void conf_notice(struct conf *conf, const struct conf_line *line, int arg, const char *fmt, ...)
    WEIR_PRINTF(4, 5);

/*
 * The known word nearest to word, for "did you mean": NULL when none is near. names is walked by index until
 * next returns NULL.
 */
const char *conf_nearest(
    const char *word, const char *(*next)(const void *names, size_t i), const void *names);

/* ---- typed values; each tells the error itself and returns -1 ---- */

/* "10", "10s", "500ms", "1d" (manual 2.5); a bare number counts in default_unit_us microseconds. */
int conf_time_us(struct conf *conf, const struct conf_line *line, int arg, uint64_t default_unit_us,
    uint64_t min_us, uint64_t max_us, uint64_t *ret_us);
/* Milliseconds by default, as most keywords: result in ms, at most 2^31-1. */
int conf_time_ms(struct conf *conf, const struct conf_line *line, int arg, unsigned *ret_ms);
/* "16k", "1m", "1g" (manual 2.6). */
int conf_size(struct conf *conf, const struct conf_line *line, int arg, uint64_t min, uint64_t max,
    uint64_t *ret);
int conf_int(struct conf *conf, const struct conf_line *line, int arg, int64_t min, int64_t max,
    int64_t *ret);
/* "on" or "off". */
int conf_on_off(struct conf *conf, const struct conf_line *line, int arg, bool *ret);
/* Index in a NULL-terminated list of words, with a suggestion when it is none of them. */
int conf_enum(
    struct conf *conf, const struct conf_line *line, int arg, const char *const *words, int *ret);
/* Identifier of a proxy, server, acl ...: letters, digits and "-_.:". */
int conf_name(struct conf *conf, const struct conf_line *line, int arg, const char **ret_in_arena);

/* The same parsers without a line, for the admin socket: 0 or -EINVAL, -ERANGE. */
int conf_parse_time_us(const char *text, uint64_t default_unit_us, uint64_t *ret_us);
int conf_parse_size(const char *text, uint64_t *ret);
int conf_parse_int(const char *text, int64_t *ret);
/*
 * One argument of a list in parentheses, without its quotes and escapes, added to out. Returns how many bytes
 * of text it took: it stops at an unquoted ',' or ')' or at the end. -EINVAL: unmatched quote.
 */
ssize_t conf_parse_arg(const char *text, struct strbuf *out);

#endif
