/* SPDX-License-Identifier: MIT */
/*
 * The explicit list of what the program is made of: sections, keyword tables, command tables. Nothing registers
 * itself.
 */
#ifndef WEIR_SRC_MAIN_MODULES_H
#define WEIR_SRC_MAIN_MODULES_H

#include <stdio.h>

#include "weir/admin/cli.h"
#include "weir/conf/conf.h"

extern const struct conf_section *const module_sections[];
extern const struct conf_keyword *const module_keywords[];
extern const struct cli_command *const module_commands[];

/* -dK: lists the keywords of comma-separated classes. False: a class is unknown, which was told on stderr. */
bool modules_list(const char *classes, FILE *out);

#endif
