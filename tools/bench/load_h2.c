/* SPDX-License-Identifier: MIT */
/*
 * One GET over HTTP/2 (RFC 9113): frames are skipped by their heads, field blocks are not decoded.
 */
#include "load_h2.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { DATA = 0, HEADERS = 1, RST_STREAM = 3, SETTINGS = 4, GOAWAY = 7 };
enum { ACK = 1, END_STREAM = 1, END_HEADERS = 4 };

static size_t frame(char *out, size_t len, int type, int flags, unsigned stream)
{
	const unsigned char head[H2_HEAD] = { (unsigned char)(len >> 16), (unsigned char)(len >> 8),
		(unsigned char)len, (unsigned char)type, (unsigned char)flags, 0, 0, 0,
		(unsigned char)stream };

	memcpy(out, head, sizeof(head));
	return sizeof(head);
}

/* A literal of HPACK without Huffman's code and without a place in the table: index of the name, value. */
static size_t literal(char *out, unsigned index, const char *value)
{
	size_t len = strlen(value);

	out[0] = (char)index;
	out[1] = (char)len;
	memcpy(out + 2, value, len);
	return len + 2;
}

size_t h2_request(char *buf, size_t room, size_t size)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
	char block[64], path[24];
	size_t block_len = 0, len = sizeof(preface) - 1;

	if (room < 160)
		return 0;
	snprintf(path, sizeof(path), "/%zu", size);
	block[block_len++] = (char)0x82; /* :method: GET */
	block[block_len++] = (char)0x87; /* :scheme: https */
	block_len += literal(block + block_len, 4, path);
	block_len += literal(block + block_len, 1, "bench.example");

	memcpy(buf, preface, len);
	len += frame(buf + len, 0, SETTINGS, 0, 0);
	len += frame(buf + len, block_len, HEADERS, END_STREAM | END_HEADERS, 1);
	memcpy(buf + len, block, block_len);
	return len + block_len;
}

void h2_ack(char *buf)
{
	frame(buf, 0, SETTINGS, ACK, 0);
}

bool h2_read(struct h2 *h, const unsigned char *data, size_t len)
{
	while (len) {
		if (h->left) {
			size_t n = len < h->left ? len : h->left;
			h->left -= n;
			data += n;
			len -= n;
		} else {
			h->head[h->head_len++] = *data++;
			len--;
			if (h->head_len < H2_HEAD)
				continue;
			h->head_len = 0;
			h->left = (size_t)h->head[0] << 16 | (size_t)h->head[1] << 8 | h->head[2];
			if (h->head[3] == RST_STREAM || h->head[3] == GOAWAY)
				return false;
		}
		if (h->left || h->head_len)
			continue;
		if (h->head[3] <= HEADERS && (h->head[4] & END_STREAM))
			h->answered = true;
		if (h->head[3] == SETTINGS && !(h->head[4] & ACK))
			h->ack_due = true;
	}
	return true;
}
