/* SPDX-License-Identifier: MIT */
/*
 * "set-var" and "set-var-fmt" of the global section: variables of the process, set while the line is read.
 */
#include "conf_global.h"

static int set_var(const struct conf_call *call)
{
	const struct global_conf *g = call->object;
	return var_proc_set_line(call->conf, call->line, call->arg, call->row->data, &g->vars);
}

const struct conf_keyword global_var_keywords[] = {
	{ "set-var", CONF_GLOBAL, 0, 2, -1, set_var, false, "<name> <expr>",
	    "sets a variable of the process to a value" },
	{ "set-var-fmt", CONF_GLOBAL, 0, 2, -1, set_var, true, "<name> <fmt>",
	    "sets a variable of the process to a text" },
	{ .name = NULL },
};
