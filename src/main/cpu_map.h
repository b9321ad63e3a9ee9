/* SPDX-License-Identifier: MIT */
/*
 * "cpu-map": which CPUs the worker threads may run on.
 */
#ifndef WEIR_SRC_MAIN_CPU_MAP_H
#define WEIR_SRC_MAIN_CPU_MAP_H

#include <stdio.h>

#include "weir/proxy/config.h"

/* CPUs that this process may use, at least 1. */
unsigned cpu_count(void);
/* Binds the calling thread, worker `id`, as the configuration wants. 0 or -errno. */
int cpu_map_apply(const struct global_conf *g, unsigned id);
/* One line a worker (-dc). */
void cpu_map_print(const struct global_conf *g, unsigned workers, FILE *out);

#endif
