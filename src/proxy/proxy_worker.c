/* SPDX-License-Identifier: MIT */
/*
 * This module's state on each worker: pools and lists of clients and streams. Made and freed on its worker.
 */
#include <errno.h>

#include "client.h"
#include "stream.h"

#define FREE_CLIENTS_MAX 4096
#define FREE_STREAMS_MAX 512
#define ARENA_BLOCK	 4096

int proxy_worker_start(struct worker *w, struct process *p)
{
	struct proxy_local *l = calloc(1, sizeof(*l));
	size_t tables = 2 * (size_t)p->config->global.maxhdr * sizeof(struct http_hdr);
	if (!l)
		return -ENOMEM;
	l->log_line = malloc(LOG_LEN_MAX + 1);
	if (!l->log_line) {
		free(l);
		return -ENOMEM;
	}
	l->process = p;
	l->worker = w;
	pool_init(&l->clients, "client", sizeof(struct client), FREE_CLIENTS_MAX);
	pool_init(&l->streams, "stream", sizeof(struct stream) + tables, FREE_STREAMS_MAX);
	pool_init(&l->blocks, "stream memory", ARENA_BLOCK, 2 * FREE_STREAMS_MAX);
	list_init(&l->client_list);
	list_init(&l->stream_list);
	list_init(&l->paused);
	w->slot[WORKER_SLOT_PROXY] = l;
	return 0;
}

void proxy_worker_end_streams(struct worker *w)
{
	struct proxy_local *l = proxy_local(w);
	while (l && !list_is_empty(&l->stream_list))
		stream_kill(list_first(&l->stream_list, struct stream, all), 'K');
}

void proxy_worker_stop(struct worker *w)
{
	struct proxy_local *l = proxy_local(w);
	if (!l)
		return;
	proxy_worker_end_streams(w);
	while (!list_is_empty(&l->client_list))
		client_close(list_first(&l->client_list, struct client, link));
	pool_trim(&l->clients);
	pool_trim(&l->streams);
	pool_trim(&l->blocks);
	free(l->log_line);
	free(l);
	w->slot[WORKER_SLOT_PROXY] = NULL;
}
