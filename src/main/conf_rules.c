/* SPDX-License-Identifier: MIT */
/*
 * What the global section says to rules: "set-var" and "set-var-fmt", variables of the process that are set while
 * the line is read, and the algorithms that tokens may have.
 */
#include "conf_global.h"
#include "weir/rule/token.h"

static int set_var(const struct conf_call *call)
{
	const struct global_conf *g = call->object;
	return var_proc_set_line(call->conf, call->line, call->arg, call->row->data, &g->vars);
}

static int allow_token(const struct conf_call *call)
{
	return rule_token_allow(call->conf, call->line, call->arg, call->row->data);
}

const struct conf_keyword global_var_keywords[] = {
	{ "set-var", CONF_GLOBAL, 0, 2, -1, set_var, false, "<name> <expr>",
	    "sets a variable of the process to a value" },
	{ "set-var-fmt", CONF_GLOBAL, 0, 2, -1, set_var, true, "<name> <fmt>",
	    "sets a variable of the process to a text" },
	{ "jwt.decrypt_alg_list", CONF_GLOBAL, 0, 1, 1, allow_token, false, "<list>",
	    "algorithms of keys that jwt_decrypt converters accept, separated by colons" },
	{ "jwt.decrypt_enc_list", CONF_GLOBAL, 0, 1, 1, allow_token, true, "<list>",
	    "algorithms of contents that they accept" },
	{ .name = NULL },
};
