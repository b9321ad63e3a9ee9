/* SPDX-License-Identifier: MIT */
/*
 * The wire end of the TLS transport: a BIO over the connection's descriptor. Reading is one recv(2) into OpenSSL's
 * own buffer, which reads ahead; a short one marks the connection as drained, so that no second call asks in vain.
 * Writing collects records in the worker's stage until the last one of a call, which leaves OpenSSL's buffer together
 * with the stage in one sendmsg(2), uncopied. The BIO always takes all: OpenSSL never has half a record to retry.
 */
#include <errno.h>
#include <openssl/bio.h>
#include <pthread.h>
#include <sys/socket.h>

#include "transport_int.h"

/* ---- bytes of a connection ---- */

void tls_bytes_free(struct tls_bytes *b)
{
	free(b->mem);
	*b = (struct tls_bytes){ .mem = NULL };
}

int tls_bytes_add(struct tls_bytes *b, const void *data, size_t len)
{
	if (len == 0)
		return 0;
	if (b->len + len > UINT32_MAX / 2)
		return -ENOMEM;
	char *mem = malloc(b->len + len);
	if (!mem)
		return -ENOMEM;
	if (b->len)
		memcpy(mem, b->mem + b->off, b->len);
	memcpy(mem + b->len, data, len);
	free(b->mem);
	*b = (struct tls_bytes){ .mem = mem, .len = (uint32_t)(b->len + len) };
	return 0;
}

size_t tls_bytes_take(struct tls_bytes *b, void *out, size_t cap)
{
	size_t n = MIN(cap, b->len);
	if (n)
		memcpy(out, b->mem + b->off, n);
	b->off += (uint32_t)n;
	b->len -= (uint32_t)n;
	if (!b->len)
		tls_bytes_free(b);
	return n;
}

/* ---- out ---- */

static ssize_t send_vec(int fd, struct iovec *v, int n, bool more)
{
	int flags = MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0);
	struct msghdr msg = { .msg_iov = v, .msg_iovlen = (size_t)n };
	ssize_t sent;
	do {
		sent = n == 1 ? send(fd, v->iov_base, v->iov_len, flags) : sendmsg(fd, &msg, flags);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return errno == EAGAIN || errno == ENOBUFS ? 0 : -errno;
	return sent;
}

/* Behind bytes that wait already, or behind those of v that the kernel took. */
static int keep_unsent(struct tls_conn *t, const struct iovec *v, int n, size_t sent)
{
	for (int i = 0; i < n; i++) {
		size_t skip = MIN(sent, v[i].iov_len);
		int r = tls_bytes_add(
		    &t->unsent, (const char *)v[i].iov_base + skip, v[i].iov_len - skip);
		if (r < 0)
			return r;
		sent -= skip;
	}
	if (t->unsent.len)
		t->c->flags |= CONN_UNSENT;
	return 0;
}

/* Sends the stage and data behind it. Nothing is staged afterwards, whatever happens. */
static int wire_send(struct tls_conn *t, const char *data, size_t len, bool more)
{
	struct tls_worker *tw = t->tw;
	struct iovec v[2];
	int n = 0;
	ssize_t sent = 0;
	if (tw->staged)
		v[n++] = (struct iovec){ tw->stage, tw->staged };
	if (len)
		v[n++] = (struct iovec){ (void *)data, len };
	tw->staged = 0;
	if (n == 0)
		return 0;
	if (t->error)
		return -(int)t->error;
	if (!t->unsent.len)
		sent = send_vec(t->c->io.fd, v, n, more);
	int r = sent < 0 ? (int)sent : keep_unsent(t, v, n, (size_t)sent);
	if (r < 0)
		t->error = (uint16_t)-r;
	return r;
}

int tls_wire_push(struct tls_conn *t, bool more)
{
	return wire_send(t, NULL, 0, more);
}

int tls_wire_flush(struct tls_conn *t)
{
	struct tls_bytes *b = &t->unsent;
	while (b->len) {
		struct iovec v = { b->mem + b->off, b->len };
		ssize_t sent = send_vec(t->c->io.fd, &v, 1, false);
		if (sent < 0) {
			t->error = (uint16_t)-sent;
			return (int)sent;
		}
		if (sent == 0)
			return -EAGAIN;
		b->off += (uint32_t)sent;
		b->len -= (uint32_t)sent;
	}
	tls_bytes_free(b);
	t->c->flags &= (uint16_t)~CONN_UNSENT;
	if (t->fin_due) {
		t->fin_due = false;
		shutdown(t->c->io.fd, SHUT_WR);
	}
	return 0;
}

static int wire_write(BIO *b, const char *data, int len)
{
	struct tls_conn *t = BIO_get_data(b);
	struct tls_worker *tw = t->tw;
	BIO_clear_retry_flags(b);
	if (len <= 0)
		return 0;
	if (t->error)
		return -1;
	if (!t->corked)
		return wire_send(t, data, (size_t)len, t->more) < 0 ? -1 : len;
	if (tw->staged + (size_t)len > TLS_STAGE_SIZE && wire_send(t, NULL, 0, true) < 0)
		return -1;
	if ((size_t)len > TLS_STAGE_SIZE)
		return wire_send(t, data, (size_t)len, true) < 0 ? -1 : len;
	memcpy(tw->stage + tw->staged, data, (size_t)len);
	tw->staged += (size_t)len;
	return len;
}

/* ---- in ---- */

static int wait_for_bytes(BIO *b)
{
	BIO_set_retry_read(b);
	return -1;
}

static int wire_read(BIO *b, char *out, int len)
{
	struct tls_conn *t = BIO_get_data(b);
	struct conn *c = t->c;
	ssize_t n;
	BIO_clear_retry_flags(b);
	if (len <= 0)
		return 0;
	if (unlikely(t->in.len)) {
		t->got_bytes = true;
		return (int)tls_bytes_take(&t->in, out, (size_t)len);
	}
	if (c->flags & CONN_DRAINED)
		return wait_for_bytes(b);
	do {
		n = recv(c->io.fd, out, (size_t)len, 0);
	} while (n < 0 && errno == EINTR);
	if (n > 0) {
		t->got_bytes = true;
		/* what is short has emptied the queue, unless a FIN is behind */
		if (n < len && !(c->flags & CONN_PEER_CLOSED))
			c->flags |= CONN_DRAINED;
		return (int)n;
	}
	if (n == 0) {
		t->eof = true;
		return 0;
	}
	if (errno == EAGAIN) {
		c->flags |= CONN_DRAINED;
		return wait_for_bytes(b);
	}
	t->error = (uint16_t)errno;
	return -1;
}

static long wire_ctrl(BIO *b, int cmd, long num, void *ptr)
{
	const struct tls_conn *t = BIO_get_data(b);
	(void)num;
	(void)ptr;
	switch (cmd) {
	case BIO_CTRL_FLUSH:
	case BIO_CTRL_DUP:
		return 1;
	case BIO_CTRL_EOF:
		return t && t->eof;
	default:
		return 0;
	}
}

/* One method for the process, made at the first connection; OpenSSL frees nothing of it. */
static BIO_METHOD *wire_method;
static pthread_once_t wire_once = PTHREAD_ONCE_INIT;

static void make_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weir wire");
	if (!m)
		return;
	BIO_meth_set_write(m, wire_write);
	BIO_meth_set_read(m, wire_read);
	BIO_meth_set_ctrl(m, wire_ctrl);
	wire_method = m;
}

int tls_wire_attach(struct tls_conn *t)
{
	pthread_once(&wire_once, make_method);
	BIO *b = wire_method ? BIO_new(wire_method) : NULL;
	if (!b)
		return -ENOMEM;
	BIO_set_data(b, t);
	BIO_set_init(b, 1);
	SSL_set_bio(t->ssl, b, b);
	return 0;
}
