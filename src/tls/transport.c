/* SPDX-License-Identifier: MIT */
/*
 * TLS behind struct xprt_ops: plain text in and out of SSL objects. A read fills the caller's buffer from as many
 * records as there are; a write makes full records of small pieces and leaves in one system call. The state belongs to
 * the connection and its worker.
 */
#include "weir/tls/transport.h"

#include <errno.h>
#include <sys/socket.h>

#include "transport_int.h"
#include "weir/tls/client.h"

/* ---- in ---- */

/* What a call that gave no bytes means: 0 for the end, -EAGAIN or -errno. */
static int read_nothing(struct tls_conn *t, int result)
{
	int error = SSL_get_error(t->ssl, result);
	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
		return likely(!t->error) ? -EAGAIN : -(int)t->error;
	if (error == SSL_ERROR_ZERO_RETURN && !t->eof) /* else OpenSSL takes a bare FIN for one */
		t->c->flags |= CONN_FAREWELL;
	if (error == SSL_ERROR_ZERO_RETURN || (t->eof && !t->error)) {
		t->read_end = true;
		return 0;
	}
	return tls_failed(t, error);
}

/* Fills buf as far as possible; *ret_why says what stopped it before the end. */
static size_t read_records(struct tls_conn *t, char *buf, size_t len, int *ret_why)
{
	size_t got = 0;
	tls_clear_errors();
	do {
		size_t n;
		int r = SSL_read_ex(t->ssl, buf + got, len - got, &n);
		if (r != 1) {
			*ret_why = read_nothing(t, r);
			return got;
		}
		got += n;
		if (unlikely(t->error)) { /* by a callback: too many key updates */
			*ret_why = -(int)t->error;
			return got;
		}
		/* asking once more would have OpenSSL make a buffer, to find nothing */
		if ((t->c->flags & CONN_DRAINED) && !t->in.len && !SSL_has_pending(t->ssl)) {
			*ret_why = -EAGAIN;
			return got;
		}
	} while (got < len);
	return got;
}

static ssize_t tls_recv(struct conn *c, void *buf, size_t len)
{
	struct tls_conn *t = tls_state(c);
	size_t got = 0;
	int why = -EAGAIN;
	if (unlikely(t->client && !t->info.handshaken))
		return t->error ? -(int)t->error : -EAGAIN;
	if (unlikely(t->early.len || !t->info.handshaken)) {
		ssize_t n = tls_early_recv(t, buf, len);
		if (n < 0 || (size_t)n == len || !t->info.handshaken)
			return n;
		got = (size_t)n;
	}
	if (t->read_end || t->error)
		return got ? (ssize_t)got : -(ssize_t)t->error;
	t->corked = true;
	got += read_records(t, (char *)buf + got, len - got, &why);
	if (unlikely(t->tw->staged)) /* an answer to a key update, an alert */
		(void)tls_wire_push(t, false);
	if (got == 0)
		return why;
	if (why != -EAGAIN && got < len)
		c->flags |= CONN_PEER_CLOSED; /* the end is known, and is to be read next */
	return (ssize_t)got;
}

/* ---- out ---- */

/* Walks an iovec array in pieces of at most one record. */
struct pieces {
	const struct iovec *iov;
	int n;
	size_t off; /* into iov[0] */
	size_t left;
};

static struct slice next_piece(struct pieces *p, size_t max, char *gather)
{
	size_t len = 0;
	while (p->n && p->off == p->iov->iov_len) {
		p->iov++;
		p->n--;
		p->off = 0;
	}
	size_t here = p->iov->iov_len - p->off;
	if (here >= max || here == p->left) {
		struct slice s = slice_make((char *)p->iov->iov_base + p->off, MIN(here, max));
		p->off += s.len;
		p->left -= s.len;
		return s;
	}
	while (len < max && p->left) {
		size_t take = MIN(p->iov->iov_len - p->off, max - len);
		memcpy(gather + len, (char *)p->iov->iov_base + p->off, take);
		len += take;
		p->off += take;
		p->left -= take;
		if (p->off == p->iov->iov_len && p->left) {
			p->iov++;
			p->n--;
			p->off = 0;
		}
	}
	return slice_make(gather, len);
}

static size_t record_limit(const struct tls_conn *t)
{
	size_t limit = TLS_RECORD_MAX;
	if (t->tune.first_record && t->burst < TLS_FIRST_BYTES)
		limit = MIN(limit, t->tune.first_record);
	if (t->tune.hard_record)
		limit = MIN(limit, t->tune.hard_record);
	return limit;
}

static void note_pause(struct tls_conn *t)
{
	uint64_t now = worker_now_ms(t->c->worker);
	if (t->tune.idle_ms && now - t->last_send_ms >= t->tune.idle_ms)
		t->burst = 0;
	t->last_send_ms = now;
}

/* Session tickets go with the first answer: they cost no packet, and a connection without answer none at all. */
static bool make_tickets(struct tls_conn *t)
{
	if (!t->tickets_due)
		return false;
	while (t->tickets_due && SSL_new_session_ticket(t->ssl))
		t->tickets_due--;
	t->tickets_due = 0;
	return true;
}

static int write_piece(struct tls_conn *t, struct slice piece)
{
	size_t n;
	int r = t->info.handshaken ? SSL_write_ex(t->ssl, piece.ptr, piece.len, &n)
				   : SSL_write_early_data(t->ssl, piece.ptr, piece.len, &n);
	return r == 1 ? 0 : tls_failed(t, SSL_get_error(t->ssl, r));
}

/* Records of at most TLS_SEND_MAX bytes, in one system call. */
static int send_round(struct tls_conn *t, struct pieces *p, bool more, size_t *taken)
{
	size_t end = MIN(p->left, (size_t)TLS_SEND_MAX), done = 0;
	/* what else is to be written goes in front of the first record, which is then staged like it */
	bool direct = t->info.handshaken && !SSL_in_init(t->ssl);
	int r = 0;
	t->more = more || p->left > end;
	while (r == 0 && done < end) {
		struct slice piece = next_piece(p, MIN(record_limit(t), end - done), t->tw->gather);
		done += piece.len;
		t->corked = !(direct && done == end);
		r = write_piece(t, piece);
		t->burst = (uint32_t)MIN(t->burst + piece.len, (size_t)UINT32_MAX / 2);
	}
	t->corked = true;
	*taken += done;
	int push = tls_wire_push(t, t->more);
	return r < 0 ? r : push;
}

/* Of a record of early data: servers that skip what they refuse count it. */
#define EARLY_OVERHEAD 32u

/*
 * To a server, ahead of the handshake's end: as much as the session allows, and a copy of it is kept. The handshake's
 * events are waited for from here on; they tell the user as well that more can be sent.
 */
static ssize_t send_early(struct tls_conn *t, struct pieces *p)
{
	int r = 0;
	size_t taken = 0;
	if (t->early_left <= EARLY_OVERHEAD)
		return -EAGAIN;
	tls_clear_errors();
	t->c->flags |= CONN_HANDSHAKE;
	t->corked = true;
	while (r == 0 && p->left && t->early_left > EARLY_OVERHEAD) {
		size_t fits = t->early_left - EARLY_OVERHEAD;
		struct slice piece = next_piece(p, MIN(record_limit(t), fits), t->tw->gather);
		r = tls_bytes_add(&t->resend, piece.ptr, piece.len);
		if (r < 0)
			break;
		r = write_piece(t, piece);
		t->early_left -= (uint32_t)piece.len + EARLY_OVERHEAD;
		taken += piece.len;
	}
	int push = tls_wire_push(t, false);
	return r < 0 ? r : push < 0 ? push : (ssize_t)taken;
}

int tls_send_again(struct tls_conn *t)
{
	char *buf = t->tw->gather;
	size_t n;
	while ((n = tls_bytes_take(&t->resend, buf, record_limit(t)))) {
		int r = write_piece(t, slice_make(buf, n));
		if (r < 0)
			return r;
	}
	return 0;
}

static ssize_t tls_send(struct conn *c, const struct iovec *iov, int n, bool more)
{
	struct tls_conn *t = tls_state(c);
	struct pieces p = { .iov = iov, .n = n };
	size_t taken = 0;
	int r = 0;
	for (int i = 0; i < n; i++)
		p.left += iov[i].iov_len;
	if (t->error)
		return -(ssize_t)t->error;
	if (t->unsent.len)
		return -EAGAIN;
	if (p.left == 0)
		return 0;
	if (unlikely(t->client && !t->info.handshaken))
		return send_early(t, &p);
	tls_clear_errors();
	t->corked = true;
	bool tickets = make_tickets(t);
	note_pause(t);
	/* short only when the kernel has refused some, so that an event will follow */
	while (p.left && r == 0 && !t->unsent.len)
		r = send_round(t, &p, more, &taken);
	if (tickets) /* OpenSSL keeps a write buffer behind them, in spite of SSL_MODE_RELEASE_BUFFERS */
		(void)SSL_free_buffers(t->ssl);
	return r < 0 ? r : (ssize_t)taken;
}

static int tls_flush(struct conn *c)
{
	return tls_wire_flush(tls_state(c));
}

/* ---- begin and end ---- */

static int tls_handshake(struct conn *c)
{
	struct tls_conn *t = tls_state(c);
	if (list_is_linked(&t->waiting) && (c->flags & CONN_PEER_CLOSED)) {
		/* nobody is there any more to shake hands with */
		tls_worker_forget(t);
		t->eof = true;
		return tls_failed(t, SSL_ERROR_SYSCALL);
	}
	if (t->early_out && !t->early_open) {
		/* the hello goes out with what is sent */
		t->early_open = true;
		return 0;
	}
	int r = tls_worker_admit(t);
	if (r == -EBUSY) {
		t->info.fault = TLS_FAULT_BUSY;
		t->error = EBUSY;
		return tls_failed(t, SSL_ERROR_SYSCALL);
	}
	if (r < 0)
		return r;
	if (t->unsent.len && (r = tls_wire_flush(t)) < 0)
		return r == -EAGAIN ? r : tls_failed(t, SSL_ERROR_SYSCALL);
	return tls_handshake_step(t);
}

bool tls_handshake_done(const struct conn *c)
{
	return !conn_is_tls(c) || tls_state(c)->info.handshaken;
}

int tls_finish_handshake(struct conn *c)
{
	struct tls_conn *t = conn_is_tls(c) ? tls_state(c) : NULL;
	if (!t || t->info.handshaken)
		return 0;
	if (t->error)
		return -(int)t->error;
	int r = tls_handshake_step(t);
	return t->info.handshaken ? 0 : r == 0 ? -EAGAIN : r;
}

/* The FIN that follows at once takes the alert along. */
static void say_goodbye(struct tls_conn *t)
{
	if (!t->info.handshaken || t->error)
		return;
	tls_clear_errors();
	t->corked = true;
	(void)SSL_shutdown(t->ssl);
	(void)tls_wire_push(t, true);
}

void tls_end_writing(struct tls_conn *t)
{
	t->bye_due = false;
	say_goodbye(t);
	if (t->unsent.len)
		t->fin_due = true;
	else
		shutdown(t->c->io.fd, SHUT_WR);
}

static void tls_shut_write(struct conn *c)
{
	struct tls_conn *t = tls_state(c);
	if (t->info.handshaken || t->error) {
		tls_end_writing(t);
		return;
	}
	/* behind an answer to early data the farewell must wait for the client's last flight, which may be here */
	t->bye_due = true;
	(void)tls_handshake_step(t);
	if (t->error)
		shutdown(c->io.fd, SHUT_WR);
}

static void free_state(struct tls_conn *t)
{
	struct tls_worker *tw = t->tw;
	SSL_free(t->ssl);
	tls_client_unref(t->client);
	tls_bytes_free(&t->unsent);
	tls_bytes_free(&t->in);
	tls_bytes_free(&t->early);
	tls_bytes_free(&t->resend);
	tls_secrets_free(t->secrets);
	X509_free(t->refused);
	free((void *)t->info.hello);
	pool_put(&tw->conns, t);
}

static void tls_leave(struct conn *c)
{
	struct tls_conn *t = tls_state(c);
	tls_worker_forget(t);
	bool orderly = t->info.handshaken && !t->error;
	if (orderly && !(c->flags & (CONN_ERROR | CONN_NOLINGER | CONN_SHUT_WRITE)) &&
	    (!t->unsent.len || tls_wire_flush(t) == 0))
		say_goodbye(t);
	/* a session without a farewell would count as broken, and could not be resumed */
	if (orderly)
		SSL_set_shutdown(t->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

static void tls_release(struct conn *c)
{
	if (conn_is_open(c))
		tls_leave(c);
	free_state(tls_state(c));
	tls_clear_errors();
	c->xprt = &xprt_plain;
	c->xprt_state = NULL;
}

const struct xprt_ops xprt_tls = {
	.name = "tls",
	.recv = tls_recv,
	.send = tls_send,
	.handshake = tls_handshake,
	.flush = tls_flush,
	.shut_write = tls_shut_write,
	.leave = tls_leave,
	.release = tls_release,
};

static int start(struct conn *c, SSL_CTX *ctx, const struct tls_tune *tune, struct tls_conn **ret)
{
	struct tls_worker *tw = tls_worker_get(c->worker);
	struct tls_conn *t = tw ? pool_get(&tw->conns) : NULL;
	if (!t)
		return -ENOMEM;
	memset(t, 0, sizeof(*t));
	t->c = c;
	t->tw = tw;
	t->tune = tune ? *tune : TLS_TUNE_DEFAULT;
	list_init(&t->waiting);
	tls_clear_errors();
	t->ssl = SSL_new(ctx);
	if (!t->ssl || tls_wire_attach(t) < 0 || tls_state_attach(t) < 0) {
		free_state(t);
		return -ENOMEM;
	}
	*ret = t;
	return 0;
}

static void install(struct conn *c, struct tls_conn *t)
{
	c->xprt = &xprt_tls;
	c->xprt_state = t;
	c->flags |= CONN_HANDSHAKE;
	if (!(c->flags & CONN_READABLE)) /* no event has told of bytes; one will */
		c->flags |= CONN_DRAINED;
}

int tls_accept(struct conn *c, struct ssl_ctx_st *ctx, const struct tls_accept_opts *opts)
{
	struct tls_conn *t;
	int r = start(c, ctx, opts ? opts->tune : NULL, &t);
	if (r == 0 && opts && opts->early_bytes.len &&
	    tls_bytes_add(&t->in, opts->early_bytes.ptr, opts->early_bytes.len) < 0) {
		free_state(t);
		r = -ENOMEM;
	}
	if (r < 0)
		return r;
	t->info.server_side = true;
	t->early_wanted = SSL_get_max_early_data(t->ssl) > 0;
	SSL_set_accept_state(t->ssl);
	install(c, t);
	return 0;
}

int tls_connect(struct conn *c, struct tls_client *client, const struct tls_connect_opts *opts)
{
	static const struct tls_connect_opts none;
	struct tls_conn *t;
	if (!opts)
		opts = &none;
	int r = start(c, tls_client_ctx(client), opts->tune, &t);
	if (r < 0)
		return r;
	t->client = tls_client_ref(client);
	SSL_set_connect_state(t->ssl);
	r = tls_client_apply(t, opts);
	if (r < 0) {
		free_state(t);
		return r;
	}
	install(c, t);
	return 0;
}
