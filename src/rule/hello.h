/* SPDX-License-Identifier: MIT */
/*
 * The first TLS handshake message of a connection that passes undeciphered (RFC 8446 4.1, 5.1), read from the
 * bytes that are there so far. Pure: no state, any thread. Slices point into the input, or into the arena when
 * the message came in several records.
 */
#ifndef WEIR_RULE_HELLO_H
#define WEIR_RULE_HELLO_H

#include "weir/base/arena.h"
#include "weir/base/slice.h"

enum hello_state {
	HELLO_WHOLE,
	HELLO_PARTIAL, /* a beginning of one: more bytes are needed */
	HELLO_NONE,    /* not TLS, or no memory */
};

#define TLS_CLIENT_HELLO 1
#define TLS_SERVER_HELLO 2

#define TLS_EXT_SERVER_NAME	 0
#define TLS_EXT_SUPPORTED_GROUPS 10
#define TLS_EXT_SIGNATURES	 13
#define TLS_EXT_ALPN		 16
#define TLS_EXT_SESSION_TICKET	 35
#define TLS_EXT_KEY_SHARE	 51

/* A handshake message without its header of type and length. */
struct hello_message {
	unsigned type;
	struct slice body;
};
enum hello_state hello_message(struct slice in, struct arena *arena, struct hello_message *ret);

struct client_hello {
	unsigned version; /* 0x0303 of TLS 1.2 and later */
	struct slice session_id;
	struct slice ciphers;	 /* two bytes each */
	struct slice extensions; /* type, length, value; empty when there are none */
};
/* The body of a message of type TLS_CLIENT_HELLO. False when it is malformed. */
bool client_hello_parse(struct slice body, struct client_hello *ret);
/* The first extension of a type. False when there is none. */
bool client_hello_extension(const struct client_hello *h, unsigned type, struct slice *ret);

/* The version that the client speaks as major << 16 | minor; known before all of the hello is there. */
enum hello_state hello_version(struct slice in, unsigned *ret);

/* Cuts a block with its length in front (size bytes, network order) off *rest. False when it is too short. */
bool hello_cut_block(struct slice *rest, unsigned size, struct slice *ret);

#endif
