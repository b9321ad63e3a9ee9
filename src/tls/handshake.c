/* SPDX-License-Identifier: MIT */
/*
 * The TLS handshake, one event at a time, and what is kept of its failure. A flight leaves in one send(2). With early
 * data the connection is handed out before the end: then reading carries the handshake on.
 */
#include <errno.h>
#include <pthread.h>

#include "transport_int.h"

/* ---- from OpenSSL's object to ours ---- */

static int state_index = -1; /* set once for the process */
static pthread_once_t state_once = PTHREAD_ONCE_INIT;

static void make_index(void)
{
	state_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

int tls_state_attach(struct tls_conn *t)
{
	pthread_once(&state_once, make_index);
	return state_index >= 0 && SSL_set_ex_data(t->ssl, state_index, t) ? 0 : -ENOMEM;
}

struct tls_conn *tls_state_of(const SSL *ssl)
{
	return state_index < 0 ? NULL : SSL_get_ex_data(ssl, state_index);
}

struct conn *tls_conn_of(const struct ssl_st *ssl)
{
	const struct tls_conn *t = tls_state_of(ssl);
	return t ? t->c : NULL;
}

/* ---- failures ---- */

static bool is_name_mismatch(long result)
{
	return result == X509_V_ERR_HOSTNAME_MISMATCH || result == X509_V_ERR_IP_ADDRESS_MISMATCH;
}

static enum tls_fault verify_fault(const struct tls_conn *t)
{
	if (is_name_mismatch(SSL_get_verify_result(t->ssl)))
		return t->by_verifyhost ? TLS_FAULT_HOST : TLS_FAULT_NAME;
	if (!t->info.server_side)
		return TLS_FAULT_HANDSHAKE;
	return t->info.ca_err ? TLS_FAULT_CA : TLS_FAULT_CRT;
}

static enum tls_fault handshake_fault(const struct tls_conn *t, unsigned long err)
{
	if (t->eof)
		return t->got_bytes ? TLS_FAULT_CLOSED : TLS_FAULT_CLOSED_EMPTY;
	if (t->error)
		return TLS_FAULT_SOCKET;
	if (ERR_GET_REASON(err) == ERR_R_MALLOC_FAILURE)
		return TLS_FAULT_MEMORY;
	if (ERR_GET_LIB(err) == ERR_LIB_SSL &&
	    ERR_GET_REASON(err) == SSL_R_CERTIFICATE_VERIFY_FAILED)
		return verify_fault(t);
	return TLS_FAULT_HANDSHAKE;
}

int tls_failed(struct tls_conn *t, int ssl_error)
{
	unsigned long err = ERR_peek_last_error();
	(void)ssl_error;
	tls_clear_errors();
	if (!t->info.err)
		t->info.err = err;
	if (t->info.fault == TLS_FAULT_NONE)
		t->info.fault = t->info.handshaken ? TLS_FAULT_FATAL : handshake_fault(t, err);
	if (!t->info.handshaken) {
		t->tw->counters.failed[!t->info.server_side]++;
		if (t->client)
			tls_client_failed(t);
	}
	if (!t->error)
		t->error = t->eof ? ECONNRESET : EPROTO;
	return -(int)t->error;
}

/* ---- steps ---- */

/* Takes all early data that is there. 1: it is over, else what SSL_get_error() is to be asked with. */
static int read_early(struct tls_conn *t)
{
	char *buf = t->tw->gather;
	for (;;) {
		size_t n = 0;
		switch (SSL_read_early_data(t->ssl, buf, sizeof(t->tw->gather), &n)) {
		case SSL_READ_EARLY_DATA_SUCCESS:
			t->info.early = t->info.resumed = true;
			if (tls_bytes_add(&t->early, buf, n) < 0)
				return -1;
			break;
		case SSL_READ_EARLY_DATA_FINISH:
			t->early_wanted = false;
			return 1;
		default:
			return 0;
		}
	}
}

static int advance(struct tls_conn *t)
{
	if (t->early_wanted) {
		int r = read_early(t);
		if (r != 1)
			return r;
	}
	return SSL_do_handshake(t->ssl);
}

/* An object whose type is set lets go of the key that was in it. Takes a reference. */
static void empty_key(EVP_PKEY *key)
{
	if (EVP_PKEY_is_a(key, "X25519"))
		(void)EVP_PKEY_set_type(key, EVP_PKEY_X25519);
	else if (EVP_PKEY_is_a(key, "EC"))
		(void)EVP_PKEY_set_type(key, EVP_PKEY_EC);
	EVP_PKEY_free(key);
}

/*
 * OpenSSL keeps both sides' keys of the exchange as long as the connection. They are of no use behind a handshake of
 * TLS 1.3, and a private key that is gone cannot be stolen.
 */
static void drop_exchange_keys(struct tls_conn *t)
{
	EVP_PKEY *key;
	if (SSL_version(t->ssl) != TLS1_3_VERSION)
		return;
	if (SSL_get_tmp_key(t->ssl, &key))
		empty_key(key);
	if (SSL_get_peer_tmp_key(t->ssl, &key))
		empty_key(key);
	tls_clear_errors();
}

static void complete(struct tls_conn *t)
{
	drop_exchange_keys(t);
	unsigned side = !t->info.server_side;
	t->info.handshaken = true;
	t->info.resumed = SSL_session_reused(t->ssl);
	t->tw->counters.handshakes[side]++;
	t->tw->counters.resumed[side] += t->info.resumed;
	tls_rates_count(t->tw, side, t->info.resumed);
	t->tickets_due = (uint8_t)tls_server_tickets(t);
	if (t->client && t->info.resumed)
		tls_client_resumed(t);
}

/* What became of early data that we have sent. 0 or -errno. */
static int settle_early(struct tls_conn *t)
{
	if (SSL_get_early_data_status(t->ssl) == SSL_EARLY_DATA_ACCEPTED) {
		t->info.early = true;
		tls_bytes_free(&t->resend);
		return 0;
	}
	if (slice_eq(tls_alpn(t->c), SLICE("h2")) == t->early_h2)
		return tls_send_again(t);
	t->info.fault = TLS_FAULT_EARLY;
	tls_client_failed(t);
	return tls_failed(t, SSL_ERROR_SSL);
}

int tls_handshake_step(struct tls_conn *t)
{
	uint64_t start_us = tls_worker_spend_start();
	int error = SSL_ERROR_NONE, result = 0;
	t->granted = false;
	t->corked = true;
	tls_clear_errors();
	int r = advance(t);
	if (r == 1)
		complete(t);
	if (r == 1 && t->early_out)
		result = settle_early(t);
	if (r != 1)
		error = SSL_get_error(t->ssl, r);
	bool waits = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
	t->started = t->started || t->tw->staged;
	if (r != 1 && !waits)
		result = tls_failed(t, error);
	/* an alert goes out as well: the failure was noted before, and one of sending does not replace it */
	uint16_t failed_before = t->error;
	t->error = 0;
	int push = tls_wire_push(t, false);
	if (failed_before)
		t->error = failed_before;
	tls_worker_spend_end(t->tw, start_us);
	if (result < 0)
		return result;
	if (push < 0)
		return tls_failed(t, SSL_ERROR_SYSCALL);
	if (unlikely(t->bye_due && t->info.handshaken))
		tls_end_writing(t);
	return r == 1 || t->early.len ? 0 : -EAGAIN;
}

ssize_t tls_early_recv(struct tls_conn *t, void *buf, size_t len)
{
	size_t got = tls_bytes_take(&t->early, buf, len);
	while (got < len && !t->info.handshaken) {
		int r = tls_handshake_step(t);
		got += tls_bytes_take(&t->early, (char *)buf + got, len - got);
		if (r < 0)
			return got ? (ssize_t)got : r;
	}
	return (ssize_t)got;
}
