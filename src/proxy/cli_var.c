/* SPDX-License-Identifier: MIT */
/*
 * Commands about variables of the process. What "set var" gets is compiled like a line of the global section, in
 * memory of its own. Worker 0; variables themselves take care of the other threads.
 */
#include "cli_proxy.h"
#include "weir/conf/conf.h"
#include "weir/rule/var.h"

static void run_get_var(struct cli_call *call)
{
	struct arena arena;
	struct sample s;
	if (call->argc < 3) {
		cli_err(call, "Missing process-wide variable identifier.\n");
		return;
	}
	arena_init(&arena, 4096);
	if (!var_proc_get(slice_str(call->argv[2]), &arena, &s)) {
		cli_err(call, "Variable not found.\n");
	} else {
		strbuf_addf(
		    call->out, "%s: type=%s value=<", call->argv[2], sample_type_short(s.type));
		if (sample_cast(&s, SMP_STR, &arena))
			strbuf_addslice(call->out, s.str);
		strbuf_adds(call->out, ">\n");
	}
	arena_reset(&arena);
}

/* Takes the word at that place out of the line. */
static void drop_word(char **argv, int *argc, int at)
{
	for (int i = at; i < *argc; i++)
		argv[i] = argv[i + 1];
	(*argc)--;
}

static void set_line(struct cli_call *call, struct conf *conf, struct diag *diag)
{
	const struct process *p = call->user;
	int argc = call->argc;
	bool format = strcmp(call->argv[3], "fmt") == 0;
	if (argc > 4 && (format || strcmp(call->argv[3], "expr") == 0))
		drop_word(call->argv, &argc, 3);
	unsigned *cols = arena_array(conf_arena(conf), unsigned, (size_t)argc + 1);
	struct conf_line line = { .argc = argc, .argv = call->argv, .cols = cols };
	if (!cols || var_proc_set_line(conf, &line, 2, format, &p->config->global.vars) < 0) {
		const char *why = diag_first(diag);
		cli_err(call, "%s\n", why ? why : "Out of memory.");
	}
}

static void run_set_var(struct cli_call *call)
{
	if (!cli_need_experimental(call))
		return;
	if (call->argc < 3) {
		cli_err(call, "Missing process-wide variable identifier.\n");
		return;
	}
	if (call->argc < 4) {
		cli_err(call, "Missing either 'expr', 'fmt' or expression.\n");
		return;
	}
	struct arena arena;
	struct diag *diag = diag_new();
	const struct conf_setup setup = { .diag = diag, .arena = &arena };
	arena_init(&arena, 4096);
	struct conf *conf = diag ? conf_new(&setup) : NULL;
	if (conf)
		set_line(call, conf, diag);
	else
		cli_err(call, "Out of memory.\n");
	conf_free(conf);
	diag_free(diag);
	arena_reset(&arena);
}

const struct cli_command proxy_var_commands[] = {
	{ "get var", CLI_OPERATOR, run_get_var, "<name>", "show a variable of the process" },
	{ "set var", CLI_OPERATOR, run_set_var, "<name> { <expr> | expr <expr> | fmt <fmt> }",
	    "set a variable of the process (experimental mode)" },
	{ .name = NULL },
};
