/* SPDX-License-Identifier: MIT */
/*
 * The PROXY protocol, versions 1 and 2 (proxy-protocol.txt): parsing in front of a client's bytes, writing in
 * front of a server's.
 */
#ifndef WEIR_NET_PROXY_PROTO_H
#define WEIR_NET_PROXY_PROTO_H

#include "weir/net/addr.h"

enum pp_result {
	PP_COMPLETE,
	PP_INCOMPLETE,
	PP_ERROR,
};

/* TLV types (proxy-protocol.txt 2.2). */
#define PP2_TYPE_ALPN	   0x01
#define PP2_TYPE_AUTHORITY 0x02
#define PP2_TYPE_CRC32C	   0x03
#define PP2_TYPE_NOOP	   0x04
#define PP2_TYPE_UNIQUE_ID 0x05
#define PP2_TYPE_SSL	   0x20
#define PP2_TYPE_NETNS	   0x30

struct pp_header {
	size_t consumed; /* bytes of the header */
	bool local;	 /* LOCAL or UNKNOWN: keep the connection's own addresses */
	struct net_peer src, dst;
	struct slice tlvs; /* version 2: the raw TLVs, in the input */
	const char *error; /* with PP_ERROR: static text */
};

/* The longest header that is accepted, so how much must be buffered before giving up. */
#define PP_HEADER_MAX 4096

enum pp_result pp_parse(const char *in, size_t len, struct pp_header *ret);

/* The first TLV of a type. False when there is none. */
bool pp_tlv_find(struct slice tlvs, unsigned type, struct slice *ret_value);

#define PP_V1_MAX 108
/* src or dst of a family other than IP gives "UNKNOWN". Returns the length. */
size_t pp_write_v1(const struct net_peer *src, const struct net_peer *dst, char out[PP_V1_MAX]);

struct pp_tlv {
	unsigned type;
	struct slice value;
};
/*
 * Version 2 with TLVs; local writes the LOCAL command (health checks). crc32c adds that TLV. Returns the
 * length, 0 when cap is too small.
 */
size_t pp_write_v2(const struct net_peer *src, const struct net_peer *dst, bool local,
    const struct pp_tlv *tlvs, size_t tlvs_n, bool crc32c, char *out, size_t cap);

/* CRC-32C (Castagnoli) as the TLV wants it. */
uint32_t pp_crc32c(const void *bytes, size_t len);
/* The same without special instructions: what processors that have none run. */
uint32_t pp_crc32c_portable(const void *bytes, size_t len);

#endif
