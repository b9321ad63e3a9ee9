/* SPDX-License-Identifier: MIT */
/* Which algorithms tokens may be encrypted with. */
#ifndef WEIR_RULE_TOKEN_H
#define WEIR_RULE_TOKEN_H

#include "weir/conf/conf.h"

/*
 * "jwt.decrypt_alg_list" (enc: "jwt.decrypt_enc_list") with the list at line->argv[arg]. Holds for all of the
 * configuration. 0, or -1 told.
 */
int rule_token_allow(struct conf *conf, const struct conf_line *line, int arg, bool enc);

#endif
