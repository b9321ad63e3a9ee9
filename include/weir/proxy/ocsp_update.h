/* SPDX-License-Identifier: MIT */
/*
 * Renews the OCSP responses that are stapled (configuration manual: ocsp-update). One thread of its own asks the
 * responders, so that no worker ever waits for one; what it gets is checked and stapled on worker 0.
 */
#ifndef WEIR_PROXY_OCSP_UPDATE_H
#define WEIR_PROXY_OCSP_UPDATE_H

#include "weir/base/strbuf.h"
#include "weir/event/worker.h"

struct config;
struct ocsp_updater;

/* The global section's words. */
struct ocsp_update_conf {
	bool disable;
	unsigned min_s, max_s; /* between two updates of one response; 300 and 3600 unless set */
	const char *proxy;     /* host[:port], or NULL */
};

/*
 * Starts for a configuration that has responses to renew. Main thread or worker 0; w is worker 0, c outlives the
 * updater. NULL: nothing to do, or no thread could be made, which is logged.
 */
struct ocsp_updater *ocsp_updater_start(struct worker *w, struct config *c);
/* Worker 0, or the main thread when no worker runs. NULL is fine. */
void ocsp_updater_stop(struct ocsp_updater *u);

/* One update at once, whatever the time. done(arg, ok) is called on worker 0. -ENOENT: no such certificate, -EBUSY. */
int ocsp_updater_now(
    struct ocsp_updater *u, const char *name, void (*done)(void *arg, bool ok), void *arg);
/* Nobody waits any more for what ocsp_updater_now() began. */
void ocsp_updater_forget(struct ocsp_updater *u, const void *arg);
/* The lines of "show ssl ocsp-updates", the next one first. */
void ocsp_updater_show(struct ocsp_updater *u, struct strbuf *out);

#endif
