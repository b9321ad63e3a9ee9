/* SPDX-License-Identifier: MIT */
/*
 * What rules may ask of a client's connection: by itself in "tcp-request connection" and "session", where there is
 * no stream yet, and for its streams later. Client's worker.
 */
#include <openssl/ssl.h>

#include "facts.h"
#include "weir/tls/transport.h"

/* NULL: no memory. */
static struct client_extra *extra_of(struct client *c)
{
	if (!c->extra)
		c->extra = calloc(1, sizeof(*c->extra));
	return c->extra;
}

static bool is_known(const struct net_peer *peer)
{
	return peer->sa.sa_family != AF_UNSPEC;
}

const struct net_peer *client_fc_src(const struct client *c)
{
	return c->extra && is_known(&c->extra->fc_src) ? &c->extra->fc_src : &c->src;
}

/* Asked of the kernel once, and only when somebody wants it. */
const struct net_peer *client_fc_dst(struct client *c)
{
	struct client_extra *x = extra_of(c);
	if (!x)
		return NULL;
	if (!is_known(&x->fc_dst) && net_local_peer(c->m.conn.io.fd, &x->fc_dst) < 0)
		x->fc_dst.sa.sa_family = AF_UNSPEC;
	return is_known(&x->fc_dst) ? &x->fc_dst : NULL;
}

const struct net_peer *client_dst(struct client *c)
{
	return c->extra && is_known(&c->extra->dst) ? &c->extra->dst : client_fc_dst(c);
}

struct slice client_text(const struct client *c, struct slice error, const char *what)
{
	const struct conn_error *e = conn_error_of_client(c, error);
	if (strcmp(what, "fc_err_name") == 0)
		return slice_str(e->name);
	if (strcmp(what, "fc_err_str") == 0)
		return slice_str(e->text);
	if (strcmp(what, "fc_pp_tlvs") == 0 && c->extra)
		return slice_make(c->extra->tlvs, c->extra->tlvs_len);
	return SLICE_NULL;
}

void client_note_tls(const struct client *c, struct log_record *r)
{
	const struct ssl_st *ssl = tls_ssl(&c->m.conn);
	if (!ssl)
		return;
	r->frontend_tls = true;
	r->tls_version = slice_str(SSL_get_version(ssl));
	r->tls_cipher = slice_str(SSL_get_cipher_name(ssl));
}

static const struct net_peer *host_dst(void *client)
{
	return client_dst(client);
}

static const struct net_peer *host_fc_peer(void *client, bool dst)
{
	struct client *c = client;
	return dst ? client_fc_dst(c) : client_fc_src(c);
}

static int host_fd(void *client, bool server)
{
	return server ? -1 : ((struct client *)client)->m.conn.io.fd;
}

static struct conn *host_conn(void *client, bool server)
{
	return server ? NULL : &((struct client *)client)->m.conn;
}

static int64_t host_gauge(void *client, const char *fetch, const char *object)
{
	return fact_value(client, NULL, fetch, object);
}

static struct slice host_name(void *client, const char *what)
{
	const struct client *c = client;
	if (strcmp(what, "fe_name") == 0)
		return slice_str(c->fe->name);
	if (strcmp(what, "so_name") == 0)
		return slice_str(c->bind->name);
	if (strcmp(what, "fe_defbe") == 0 && c->fe->default_backend)
		return slice_str(c->fe->default_backend->name);
	return client_text(c, SLICE_NULL, what);
}

static void host_set_src(void *client, const struct net_peer *peer, bool is_dst)
{
	struct client *c = client;
	struct client_extra *x = is_dst ? extra_of(c) : NULL;
	if (x)
		x->dst = x->fc_dst = *peer;
	else if (!is_dst)
		c->src = *peer;
}

static void host_set(void *client, enum rule_knob knob, int64_t value)
{
	client_set(client, knob, value);
}

static void host_do_log(struct rule_ctx *cx, enum rules_kind kind, const void *profile)
{
	client_do_log(cx->stream, cx, kind, profile);
}

const struct rule_host client_rule_host = {
	.dst = host_dst,
	.fc_peer = host_fc_peer,
	.fd = host_fd,
	.conn = host_conn,
	.gauge = host_gauge,
	.name = host_name,
	.set_src = host_set_src,
	.set = host_set,
	.do_log = host_do_log,
};
