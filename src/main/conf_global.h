/* SPDX-License-Identifier: MIT */
/*
 * The "global" section: what its conf_global*.c files share. Setters get the struct global_conf of the
 * configuration that is being read.
 */
#ifndef WEIR_SRC_MAIN_CONF_GLOBAL_H
#define WEIR_SRC_MAIN_CONF_GLOBAL_H

#include "weir/proxy/config.h"

extern const struct conf_section section_global;
extern const struct conf_keyword global_process_keywords[], global_identity_keywords[],
    global_environment_keywords[], global_stats_keywords[], global_limit_keywords[],
    global_tune_keywords[], global_ignored_keywords[], global_tune_ignored_keywords[],
    global_later_keywords[], global_var_keywords[], global_tls_file_keywords[],
    global_tls_library_keywords[], global_tls_default_keywords[], global_tls_tune_keywords[],
    global_h2_keywords[];
extern const struct conf_keyword *const global_keyword_tables[];

/* What row->data of a number points to. */
struct global_number {
	size_t offset; /* of an unsigned in struct global_conf */
	int64_t min, max;
};

#define GLOBAL_FIELD(field) offsetof(struct global_conf, field)
#define GLOBAL_NUMBER(field, low, high)                                                            \
	((uintptr_t) & (const struct global_number){ GLOBAL_FIELD(field), (low), (high) })

/* Setters for rows of plain values. data: an offset, or GLOBAL_NUMBER() for numbers and sizes. */
int global_set_flag(const struct conf_call *call);
int global_set_number(const struct conf_call *call);
int global_set_size(const struct conf_call *call);
int global_set_time(const struct conf_call *call);
int global_set_text(const struct conf_call *call);
/* All words of the line with a space between. */
int global_set_words(const struct conf_call *call);

/* cpu_map.c: "cpu-map ..." */
int global_set_cpu_map(const struct conf_call *call);

#endif
