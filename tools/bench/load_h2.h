/* SPDX-License-Identifier: MIT */
/*
 * Just enough HTTP/2 for one GET on a connection that is to lie idle afterwards. h2load makes all other traffic.
 */
#ifndef LOAD_H2_H
#define LOAD_H2_H

#include <stdbool.h>
#include <stddef.h>

#define H2_HEAD 9

struct h2 {
	unsigned char head[H2_HEAD]; /* of the frame being read */
	size_t head_len;
	size_t left;   /* bytes of its payload to come */
	bool answered; /* the answer has ended */
	bool ack_due;  /* the server's settings wait for h2_ack() */
};

/* The preface, the settings and GET /SIZE; returns the length. */
size_t h2_request(char *buf, size_t room, size_t size);

/* Reads frames; false when the server refuses the request or says goodbye. */
bool h2_read(struct h2 *h, const unsigned char *data, size_t len);

/* The acknowledgement of settings, H2_HEAD bytes. */
void h2_ack(char *buf);

#endif
