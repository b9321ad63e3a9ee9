/* SPDX-License-Identifier: MIT */
/*
 * What this program is: version, level of the configuration language, what it was built with.
 */
#ifndef WEIR_SRC_MAIN_VERSION_H
#define WEIR_SRC_MAIN_VERSION_H

#include <stdbool.h>
#include <stdio.h>

/* The level of HAProxy's language that version_atleast() compares with. */
#define VERSION_LEVEL  "3.5.0"
#define VERSION_BRANCH "3.5"

/* Features built in, NULL-terminated: what feature() answers and -vv marks with "+". */
extern const char *const version_features[];
/* Mechanisms in use at run time, NULL-terminated, for enabled(). */
extern const char *const version_enabled[];

void version_print(FILE *out, bool with_build);

#endif
