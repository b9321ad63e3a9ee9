/* SPDX-License-Identifier: MIT */
/*
 * Sessions that servers have given us, one a worker and server name, the one used least recently replaced first.
 * Tables are small, and are looked at once a handshake: a linear search does.
 */
#include "client_int.h"
#include "transport_int.h"

static struct client_session *find(struct client_sessions *s, uint64_t key)
{
	for (unsigned i = 0; s && i < s->n; i++) {
		if (s->slot[i].key == key)
			return &s->slot[i];
	}
	return NULL;
}

static void clear(struct client_session *slot)
{
	SSL_SESSION_free(slot->session);
	*slot = (struct client_session){ .key = 0 };
}

static struct client_sessions *table(struct tls_client *client, unsigned worker)
{
	struct client_sessions **s = &client->sessions[worker];
	if (!*s) {
		unsigned n = client->sessions_max;
		*s = calloc(1, sizeof(**s) + n * sizeof((*s)->slot[0]));
		if (*s)
			(*s)->n = n;
	}
	return *s;
}

static struct client_session *victim(struct client_sessions *s)
{
	struct client_session *least = &s->slot[0];
	for (unsigned i = 1; i < s->n && least->key; i++) {
		if (!s->slot[i].key || s->slot[i].used < least->used)
			least = &s->slot[i];
	}
	clear(least);
	return least;
}

/* Keeps the reference that comes with it when the answer is 1. */
static int keep(struct tls_conn *t, SSL_SESSION *session)
{
	if (!t || !t->client || !t->session_key || !SSL_SESSION_is_resumable(session))
		return 0;
	struct client_sessions *s = table(t->client, t->c->worker->id);
	if (!s)
		return 0;
	struct client_session *slot = find(s, t->session_key);
	if (slot)
		clear(slot);
	else
		slot = victim(s);
	*slot = (struct client_session){ t->session_key, ++s->uses, session, false };
	return 1;
}

static int on_new_session(SSL *ssl, SSL_SESSION *session)
{
	return keep(tls_state_of(ssl), session);
}

/* A resumed handshake of TLS 1.2 may bring a new ticket, of which OpenSSL does not tell. */
void tls_client_resumed(struct tls_conn *t)
{
	struct client_session *slot = find(t->client->sessions[t->c->worker->id], t->session_key);
	if (!t->session_key || SSL_version(t->ssl) == TLS1_3_VERSION ||
	    (slot && slot->session == SSL_get0_session(t->ssl)))
		return;
	SSL_SESSION *session = SSL_get1_session(t->ssl);
	if (session && !keep(t, session))
		SSL_SESSION_free(session);
}

SSL_SESSION *client_sessions_get(
    struct tls_client *client, unsigned worker, uint64_t key, bool *early)
{
	struct client_sessions *s = client->sessions[worker];
	struct client_session *slot = find(s, key);
	if (!slot)
		return NULL;
	slot->used = ++s->uses;
	*early = *early && !slot->early_spent && SSL_SESSION_get_max_early_data(slot->session);
	slot->early_spent |= *early;
	SSL_SESSION_up_ref(slot->session);
	return slot->session;
}

void client_sessions_drop(struct tls_client *client, unsigned worker, uint64_t key)
{
	struct client_session *slot = find(client->sessions[worker], key);
	if (slot)
		clear(slot);
}

void client_sessions_setup(struct tls_client *client)
{
	SSL_CTX_set_session_cache_mode(client->ctx,
	    SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL | SSL_SESS_CACHE_NO_AUTO_CLEAR);
	SSL_CTX_sess_set_new_cb(client->ctx, on_new_session);
}

void client_sessions_free(struct tls_client *client)
{
	for (unsigned w = 0; w < WORKER_MAX; w++) {
		struct client_sessions *s = client->sessions[w];
		for (unsigned i = 0; s && i < s->n; i++)
			clear(&s->slot[i]);
		free(s);
	}
}
