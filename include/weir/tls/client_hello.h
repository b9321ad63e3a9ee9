/* SPDX-License-Identifier: MIT */
/*
 * The first TLS handshake message of a connection that passes undeciphered (RFC 8446 4.1, 5.1), read from the
 * bytes that are there so far. Pure: no state, any thread. Slices point into the input, or into the arena when
 * the message came in several records.
 */
#ifndef WEIR_TLS_CLIENT_HELLO_H
#define WEIR_TLS_CLIENT_HELLO_H

#include "weir/base/arena.h"
#include "weir/base/slice.h"

enum tls_hello_state {
	TLS_HELLO_WHOLE,
	TLS_HELLO_PARTIAL, /* a beginning of one: more bytes are needed */
	TLS_HELLO_NONE,	   /* not TLS, or no memory */
};

#define TLS_CLIENT_HELLO 1
#define TLS_SERVER_HELLO 2

#define TLS_EXT_SERVER_NAME	 0
#define TLS_EXT_SUPPORTED_GROUPS 10
#define TLS_EXT_POINT_FORMATS	 11
#define TLS_EXT_SIGNATURES	 13
#define TLS_EXT_ALPN		 16
#define TLS_EXT_SESSION_TICKET	 35
#define TLS_EXT_VERSIONS	 43
#define TLS_EXT_KEY_SHARE	 51

/* A handshake message without its header of type and length. */
struct tls_hello_message {
	unsigned type;
	struct slice body;
};
enum tls_hello_state tls_hello_message(
    struct slice in, struct arena *arena, struct tls_hello_message *ret);

struct tls_client_hello {
	unsigned version; /* 0x0303 of TLS 1.2 and later */
	struct slice session_id;
	struct slice ciphers;	 /* two bytes each */
	struct slice extensions; /* type, length, value; empty when there are none */
};
/* The body of a message of type TLS_CLIENT_HELLO. False when it is malformed. */
bool tls_client_hello_parse(struct slice body, struct tls_client_hello *ret);
/* The first extension of a type. False when there is none. */
bool tls_client_hello_extension(const struct tls_client_hello *h, unsigned type, struct slice *ret);

/* The version that the client speaks as major << 16 | minor; known before all of the hello is there. */
enum tls_hello_state tls_hello_version(struct slice in, unsigned *ret);

/* Cuts a block with its length in front (size bytes, network order) off *rest. False when it is too short. */
bool tls_cut_block(struct slice *rest, unsigned size, struct slice *ret);

#endif
