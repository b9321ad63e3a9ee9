/* SPDX-License-Identifier: MIT */
/*
 * The command line: one row of a table an option. What an option changes is a field of struct cmdline; options
 * whose feature is not there yet are rows too and leave a notice.
 */
#include "cmdline.h"

#include <errno.h>
#include <signal.h>

#include "weir/conf/conf.h"

enum takes {
	TAKES_NOTHING,
	TAKES_WORD, /* the next argument */
	TAKES_REST, /* what is attached to the option itself, maybe nothing */
	TAKES_PIDS, /* all following numbers */
	TAKES_ALL,  /* everything that follows */
};

struct reading {
	struct cmdline *args;
	char *err;
	size_t err_size;
};

struct option_row {
	const char *name;
	enum takes takes;
	int (*set)(struct reading *r, const struct option_row *row, const char *value);
	uintptr_t data; /* offset of the field in struct cmdline, or a text */
	const char *usage;
	const char *help;
};

static int fail(struct reading *r, const struct option_row *row, const char *value, const char *why)
{
	snprintf(r->err, r->err_size, "'%s %s': %s", row->name, value, why);
	return -1;
}

static int set_flag(struct reading *r, const struct option_row *row, const char *value)
{
	*(bool *)((char *)r->args + row->data) = true;
	return 0;
}

static int set_text(struct reading *r, const struct option_row *row, const char *value)
{
	*(const char **)((char *)r->args + row->data) = value;
	return 0;
}

static int set_number(struct reading *r, const struct option_row *row, const char *value)
{
	int64_t n;
	if (conf_parse_int(value, &n) < 0 || n < 1 || n > 2000000000)
		return fail(r, row, value, "a number from 1 to 2000000000 is wanted");
	*(unsigned *)((char *)r->args + row->data) = (unsigned)n;
	return 0;
}

static int set_path(struct reading *r, const struct option_row *row, const char *value)
{
	r->args->paths[r->args->paths_n++] = value;
	return 0;
}

/* -q and -V undo each other; the last one counts. */
static int set_loudness(struct reading *r, const struct option_row *row, const char *value)
{
	r->args->quiet = row->data == 'q';
	r->args->verbose = row->data == 'V';
	return 0;
}

static int set_notify(struct reading *r, const struct option_row *row, const char *value)
{
	r->args->master = true;
	r->args->notify = true;
	return 0;
}

static int set_build(struct reading *r, const struct option_row *row, const char *value)
{
	r->args->show_version = true;
	r->args->show_build = true;
	return 0;
}

/* data: the signal; value is NULL at the option itself, then one number a call. */
static int add_old_pid(struct reading *r, const struct option_row *row, const char *value)
{
	int64_t pid;
	r->args->old_signal = (int)row->data;
	if (!value)
		return 0;
	if (conf_parse_int(value, &pid) < 0 || pid < 1 || pid > INT32_MAX)
		return fail(r, row, value, "process numbers are wanted");
	r->args->old_pids[r->args->old_pids_n++] = (pid_t)pid;
	return 0;
}

static int set_poison(struct reading *r, const struct option_row *row, const char *value)
{
	int64_t byte = 'P';
	char number[8];
	size_t len = strcspn(value, ",");
	if (len && ascii_is_digit(*value) && len < sizeof(number)) {
		memcpy(number, value, len);
		number[len] = '\0';
		if (conf_parse_int(number, &byte) < 0 || byte > 255)
			return fail(r, row, value, "a byte from 0 to 255 is wanted");
	} else if (len) {
		strbuf_addf(&r->args->notices,
		    "'-dM%s': weir's pools have no debugging options; '-dM[<byte>]' poisons "
		    "memory.\n",
		    value);
		return 0;
	}
	r->args->poison = (int)byte;
	return 0;
}

/* data: what is said about it. */
static int set_later(struct reading *r, const struct option_row *row, const char *value)
{
	strbuf_addf(&r->args->notices, "'%s': %s.\n", row->name, (const char *)row->data);
	if (strcmp(row->name, "-S") == 0)
		r->args->master_cli = value;
	return 0;
}

/* For options that switch off what weir never uses. */
static int set_nothing(struct reading *r, const struct option_row *row, const char *value)
{
	return 0;
}

#define FIELD(name) offsetof(struct cmdline, name)
#define LATER(text) (uintptr_t)(text)

static const struct option_row options[] = {
	{ "-f", TAKES_WORD, set_path, 0, "<file|dir>",
	    "adds a configuration file, or the *.cfg files of a directory" },
	{ "--", TAKES_ALL, set_path, 0, "<file|dir>*", "all that follows are configuration files" },
	{ "-c", TAKES_NOTHING, set_flag, FIELD(check), "", "checks the configuration and exits" },
	{ "-cc", TAKES_WORD, set_text, FIELD(condition), "<condition>",
	    "evaluates a condition: exit status 0 true, 1 false, 2 invalid" },
	{ "-C", TAKES_WORD, set_text, FIELD(chdir), "<dir>",
	    "changes to that directory before files are read" },
	{ "-D", TAKES_NOTHING, set_flag, FIELD(daemon), "", "goes to the background" },
	{ "-W", TAKES_NOTHING, set_flag, FIELD(master), "",
	    "a master process watches over the worker process" },
	{ "-Ws", TAKES_NOTHING, set_notify, 0, "", "the same, telling systemd its state" },
	{ "-d", TAKES_NOTHING, set_flag, FIELD(debug), "", "stays in the foreground, debug mode" },
	{ "-db", TAKES_NOTHING, set_flag, FIELD(foreground), "",
	    "stays in the foreground, as one process" },
	{ "-q", TAKES_NOTHING, set_loudness, 'q', "", "quiet: shows no messages" },
	{ "-V", TAKES_NOTHING, set_loudness, 'V', "", "verbose: undoes -q and 'quiet'" },
	{ "-v", TAKES_NOTHING, set_flag, FIELD(show_version), "", "shows the version" },
	{ "-vv", TAKES_NOTHING, set_build, 0, "", "shows version, build options and features" },
	{ "-p", TAKES_WORD, set_text, FIELD(pidfile), "<file>", "writes the process number there" },
	{ "-m", TAKES_WORD, set_number, FIELD(memory_mb), "<megabytes>",
	    "limits the memory of a process" },
	{ "-n", TAKES_WORD, set_number, FIELD(maxconn), "<number>",
	    "most connections of the process, over 'maxconn'" },
	{ "-N", TAKES_WORD, set_number, FIELD(proxy_maxconn), "<number>",
	    "most connections of a proxy that does not say" },
	{ "-L", TAKES_WORD, set_text, FIELD(localpeer), "<name>", "name of the local peer" },
	{ "-sf", TAKES_PIDS, add_old_pid, SIGUSR1, "<pid>*",
	    "lets these processes finish once this one serves" },
	{ "-st", TAKES_PIDS, add_old_pid, SIGTERM, "<pid>*",
	    "stops these processes once this one serves" },
	{ "-S", TAKES_WORD, set_later, LATER("the master's own socket is not supported yet"),
	    "<bind>[,<option>]*", "socket of the master (not yet)" },
	{ "-x", TAKES_WORD, set_later, LATER("taking over sockets is not supported yet"),
	    "<socket>", "takes listening sockets over from there (not yet)" },
	{ "-4", TAKES_NOTHING, set_nothing, 0, "", "asks resolvers for IPv4 alone (none yet)" },
	{ "-dA", TAKES_REST, set_later, LATER("archives of libraries are not supported yet"),
	    "[file]", "writes an archive of the libraries (not yet)" },
	{ "-dC", TAKES_REST, set_flag, FIELD(dump_config), "",
	    "writes the configuration as it was read" },
	{ "-dD", TAKES_NOTHING, set_flag, FIELD(diagnostics), "",
	    "shows more doubtful statements" },
	{ "-dF", TAKES_NOTHING, set_flag, FIELD(no_splice), "", "no splice(), as -dS" },
	{ "-dG", TAKES_NOTHING, set_later,
	    LATER("names are always resolved with getaddrinfo(), the option is ignored"), "",
	    "accepted, no effect" },
	{ "-dI", TAKES_NOTHING, set_nothing, 0, "", "accepted: weir starts no other programs" },
	{ "-dK", TAKES_REST, set_text, FIELD(list_classes), "<class>[,<class>]*",
	    "lists keywords; -dKhelp names the classes" },
	{ "-dL", TAKES_NOTHING, set_flag, FIELD(dump_libs), "", "lists the loaded libraries" },
	{ "-dM", TAKES_REST, set_poison, 0, "[<byte>]", "fills fresh memory with that byte" },
	{ "-dR", TAKES_NOTHING, set_flag, FIELD(no_reuseport), "", "no SO_REUSEPORT" },
	{ "-dS", TAKES_NOTHING, set_flag, FIELD(no_splice), "", "no splice()" },
	{ "-dT", TAKES_NOTHING, set_nothing, 0, "", "no kernel TLS (never used)" },
	{ "-dV", TAKES_NOTHING, set_later, LATER("TLS is not supported yet"), "",
	    "no verification of servers (not yet)" },
	{ "-dW", TAKES_NOTHING, set_flag, FIELD(zero_warning), "", "warnings are errors" },
	{ "-dZ", TAKES_NOTHING, set_flag, FIELD(no_splice), "", "no splice(), as -dS" },
	{ "-dc", TAKES_NOTHING, set_flag, FIELD(show_cpus), "", "shows where the threads run" },
	{ "-de", TAKES_NOTHING, set_later, LATER("epoll is weir's only poller, it stays in use"),
	    "", "accepted, no effect" },
	{ "-dk", TAKES_NOTHING, set_nothing, 0, "", "no kqueue (never used)" },
	{ "-dp", TAKES_NOTHING, set_nothing, 0, "", "no poll() (never used)" },
	{ "-dr", TAKES_NOTHING, set_flag, FIELD(ignore_unresolved), "",
	    "servers whose names have no address do not matter" },
	{ "-ds", TAKES_NOTHING, set_nothing, 0, "", "no speculative epoll (never used)" },
	{ "-dt", TAKES_REST, set_later, LATER("traces are not supported yet"), "[<source>,...]",
	    "traces (not yet)" },
	{ "-dv", TAKES_NOTHING, set_nothing, 0, "", "no event ports (never used)" },
	{ .name = NULL },
};

static const struct option_row *find(const char *word)
{
	for (const struct option_row *row = options; row->name; row++) {
		if (strcmp(row->name, word) == 0)
			return row;
	}
	for (const struct option_row *row = options; row->name; row++) {
		if (row->takes == TAKES_REST && strncmp(word, row->name, strlen(row->name)) == 0)
			return row;
	}
	return NULL;
}

/* Reads the option at argv[i]; returns the index of its last word, or -1. */
static int read_option(struct reading *r, char **argv, int argc, int i)
{
	const struct option_row *row = find(argv[i]);
	int result = 0;
	if (!row) {
		snprintf(r->err, r->err_size, "unknown option '%s'", argv[i]);
		return -1;
	}
	switch (row->takes) {
	case TAKES_NOTHING:
		result = row->set(r, row, "");
		break;
	case TAKES_REST:
		result = row->set(r, row, argv[i] + strlen(row->name));
		break;
	case TAKES_WORD:
		if (++i >= argc) {
			snprintf(r->err, r->err_size, "'%s' needs an argument: %s", row->name,
			    row->usage);
			return -1;
		}
		result = row->set(r, row, argv[i]);
		break;
	case TAKES_PIDS:
		result = row->set(r, row, NULL);
		while (result == 0 && i + 1 < argc && *argv[i + 1] && *argv[i + 1] != '-')
			result = row->set(r, row, argv[++i]);
		break;
	case TAKES_ALL:
		while (result == 0 && i + 1 < argc)
			result = row->set(r, row, argv[++i]);
		break;
	}
	return result < 0 ? -1 : i;
}

int cmdline_parse(struct cmdline *a, int argc, char **argv, char *err, size_t err_size)
{
	struct reading r = { .args = a, .err = err, .err_size = err_size };
	*a = (struct cmdline){ .poison = -1 };
	*err = '\0';
	a->paths = calloc((size_t)argc, sizeof(*a->paths));
	a->old_pids = calloc((size_t)argc, sizeof(*a->old_pids));
	if (!a->paths || !a->old_pids) {
		snprintf(err, err_size, "out of memory");
		return -1;
	}
	if (argc < 2)
		return -1;
	for (int i = 1; i < argc; i++) {
		i = read_option(&r, argv, argc, i);
		if (i < 0)
			return -1;
	}
	if (a->debug)
		strbuf_adds(&a->notices, "'-d': connections are not shown yet.\n");
	return 0;
}

void cmdline_done(struct cmdline *a)
{
	free(a->paths);
	free(a->old_pids);
	strbuf_done(&a->notices);
}

void cmdline_usage(FILE *out)
{
	fputs("Usage: weir [-f <file|dir>]* [<option>]* [-- <file|dir>*]\n", out);
	for (const struct option_row *row = options; row->name; row++) {
		int width = fprintf(out, "  %s%s%s", row->name,
		    *row->usage && row->takes != TAKES_REST ? " " : "", row->usage);
		fprintf(out, "%*s%s\n", width < 24 ? 24 - width : 1, "", row->help);
	}
}
