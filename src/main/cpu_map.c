/* SPDX-License-Identifier: MIT */
/*
 * "cpu-map" (configuration manual 3.1): lines are kept in order; for a worker the last one that names it
 * counts. With "auto:" the threads of a line and its CPUs are paired, both from low to high. weir has one
 * thread group, so lines about others are kept out.
 */
#include "cpu_map.h"

#include <errno.h>
#include <sched.h>

#include "conf_global.h"

#define CPU_MAX 1024 /* bits of struct cpu_map.cpus */

unsigned cpu_count(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
	return (unsigned)MAX(n, 1);
}

/* ---- reading ---- */

/* "all", "odd", "even", "4", "1-8", "3-": numbers from 1 to 64 as a mask, bit 0 for number 1. */
static int parse_set(struct slice text, uint64_t *ret)
{
	uint64_t low, high;
	if (slice_eq(text, SLICE("all"))) {
		*ret = ~0ull;
		return 0;
	}
	if (slice_eq(text, SLICE("odd")) || slice_eq(text, SLICE("even"))) {
		*ret = text.len == 3 ? 0x5555555555555555ull : 0xaaaaaaaaaaaaaaaaull;
		return 0;
	}
	bool is_range = slice_find(text, '-') < text.len;
	struct slice first = slice_cut(&text, '-');
	if (slice_to_u64(first, 64, &low) < 0 || low < 1)
		return -EINVAL;
	high = is_range ? 64 : low;
	if (is_range && text.len && slice_to_u64(text, 64, &high) < 0)
		return -EINVAL;
	if (high < low)
		return -EINVAL;
	*ret = (~0ull << (low - 1)) & (~0ull >> (64 - high));
	return 0;
}

/* "0-3,8" added to cpus. */
static int parse_cpus(struct slice text, uint64_t cpus[CPU_MAX / 64])
{
	do {
		struct slice part = slice_cut(&text, ',');
		uint64_t low, high;
		bool is_range = slice_find(part, '-') < part.len;
		struct slice first = slice_cut(&part, '-');
		if (slice_to_u64(first, CPU_MAX - 1, &low) < 0)
			return -EINVAL;
		high = is_range ? CPU_MAX - 1 : low;
		if (is_range && part.len && slice_to_u64(part, CPU_MAX - 1, &high) < 0)
			return -EINVAL;
		if (high < low)
			return -EINVAL;
		for (uint64_t cpu = low; cpu <= high; cpu++)
			cpus[cpu / 64] |= 1ull << (cpu % 64);
	} while (text.ptr);
	return 0;
}

static unsigned count_cpus(const uint64_t cpus[CPU_MAX / 64])
{
	unsigned n = 0;
	for (unsigned i = 0; i < CPU_MAX / 64; i++)
		n += (unsigned)__builtin_popcountll(cpus[i]);
	return n;
}

/* The thread range of the first word; false when it names another group than weir's only one. */
static int parse_threads(struct slice text, uint64_t *ret, bool *ret_ours)
{
	struct slice group = slice_cut(&text, '/');
	uint64_t groups;
	if (parse_set(group, &groups) < 0)
		return -EINVAL;
	*ret_ours = groups & 1;
	*ret = ~0ull;
	return text.ptr ? parse_set(text, ret) : 0;
}

static int bad_word(const struct conf_call *call, int arg, const char *what)
{
	conf_error(
	    call->conf, call->line, arg, "cpu-map: '%s' is not %s", call->line->argv[arg], what);
	return -1;
}

int global_set_cpu_map(const struct conf_call *call)
{
	struct global_conf *g = call->object;
	struct cpu_map *map = arena_new(conf_arena(call->conf), struct cpu_map), **last;
	struct slice word = slice_str(call->line->argv[call->arg]);
	bool ours;
	if (!map)
		return -1;
	if (slice_has_prefix(word, SLICE("auto:"))) {
		map->automatic = true;
		word = slice_sub(word, 5, word.len);
	}
	if (parse_threads(word, &map->threads, &ours) < 0)
		return bad_word(call, call->arg, "'<group>[/<threads>]'");
	for (int i = call->arg + 1; i < call->line->argc; i++) {
		if (parse_cpus(slice_str(call->line->argv[i]), map->cpus) < 0)
			return bad_word(call, i, "a set of CPUs such as '0-3,8'");
	}
	unsigned threads = (unsigned)__builtin_popcountll(map->threads);
	if (map->automatic && ours && threads != count_cpus(map->cpus) && map->threads != ~0ull) {
		conf_error(call->conf, call->line, call->arg,
		    "cpu-map: 'auto:' needs as many CPUs as threads, there are %u threads and %u "
		    "CPUs",
		    threads, count_cpus(map->cpus));
		return -1;
	}
	if (!ours) {
		conf_notice(call->conf, call->line, call->arg,
		    "weir has one thread group, 1; a map of others has no effect");
		return 0;
	}
	for (last = &g->cpu_maps; *last; last = &(*last)->next) {
	}
	*last = map;
	return 0;
}

/* ---- use ---- */

static int nth_cpu(const struct cpu_map *map, unsigned n)
{
	for (int cpu = 0; cpu < CPU_MAX; cpu++) {
		if ((map->cpus[cpu / 64] >> (cpu % 64) & 1) && n-- == 0)
			return cpu;
	}
	return -1;
}

static const struct cpu_map *map_of(const struct global_conf *g, unsigned id)
{
	const struct cpu_map *found = NULL;
	for (const struct cpu_map *map = g->cpu_maps; map; map = map->next) {
		if (map->threads >> id & 1)
			found = map;
	}
	return found;
}

/* False when nothing is said about this worker. */
static bool cpus_of(const struct global_conf *g, unsigned id, cpu_set_t *ret)
{
	const struct cpu_map *map = map_of(g, id);
	if (!map)
		return false;
	CPU_ZERO(ret);
	if (map->automatic) {
		uint64_t before = map->threads & ((1ull << id) - 1);
		int cpu = nth_cpu(map, (unsigned)__builtin_popcountll(before));
		if (cpu >= 0)
			CPU_SET(cpu, ret);
	}
	for (int cpu = 0; cpu < CPU_MAX && !map->automatic; cpu++) {
		if (map->cpus[cpu / 64] >> (cpu % 64) & 1)
			CPU_SET(cpu, ret);
	}
	return CPU_COUNT(ret) > 0;
}

int cpu_map_apply(const struct global_conf *g, unsigned id)
{
	cpu_set_t set;
	if (!cpus_of(g, id, &set))
		return 0;
	return sched_setaffinity(0, sizeof(set), &set) < 0 ? -errno : 0;
}

void cpu_map_print(const struct global_conf *g, unsigned workers, FILE *out)
{
	fprintf(out, "%u CPUs usable, %u threads:\n", cpu_count(), workers);
	for (unsigned id = 0; id < workers; id++) {
		cpu_set_t set;
		fprintf(out, "  thread %u:", id + 1);
		if (!cpus_of(g, id, &set)) {
			fputs(" any\n", out);
			continue;
		}
		for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
			if (CPU_ISSET(cpu, &set))
				fprintf(out, " %d", cpu);
		}
		fputc('\n', out);
	}
}
