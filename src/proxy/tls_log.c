/* SPDX-License-Identifier: MIT */
/*
 * What the certificate store finds wrong while workers run, such as a key that turns out broken at its first handshake:
 * to the logs of the global section, a few lines a second at most. Before workers run it goes to standard error.
 */
#include "weir/proxy/process.h"
#include "weir/telemetry/log.h"

#define LINES_A_SECOND 10

/* The worker whose thread this is; the store knows of none. Set once, as the thread starts. */
static _Thread_local struct worker *here;

/* Counts one in the present second. What it returns is above LINES_A_SECOND for one too many. */
static unsigned count_line(atomic_ullong *word, uint64_t second)
{
	unsigned long long seen = atomic_load(word), next;
	do
		next = (seen >> 32) == (uint32_t)second ? seen + 1 : (second << 32) + 1;
	while (!atomic_compare_exchange_weak(word, &seen, next));
	return (unsigned)next;
}

static void say(void *arg, enum diag_level level, const char *text)
{
	struct process *p = arg;
	if (!here) {
		fprintf(stderr, "%s\n", text);
		return;
	}
	unsigned n = count_line(&p->tls_log_word, worker_now_ms(here) / 1000);
	if (n > LINES_A_SECOND)
		return;
	log_emitf(here, &p->config->global.logs,
	    level == DIAG_ERROR ? LOG_LV_ALERT : LOG_LV_WARNING, "%s%s", text,
	    n == LINES_A_SECOND ? " (more of this second are left out)" : "");
}

void tls_log_open(struct process *p)
{
	if (p->config->tls.store)
		tls_store_set_log(
		    p->config->tls.store, &(struct tls_report){ .say = say, .arg = p });
}

void tls_log_start(struct worker *w)
{
	here = w;
}
