/* SPDX-License-Identifier: MIT */
/*
 * Reading a PROXY protocol header, version 1 or 2 (proxy-protocol.txt 2.1, 2.2), from the start of a
 * connection. Works on what has arrived so far: a header is complete, a beginning of one, or wrong, and wrong
 * as soon as a byte says so. No state, any thread.
 *
 * Version 2 with a family or protocol that a TCP proxy has no use for (UNSPEC, UDP, UNIX) keeps the
 * connection's own addresses; values that the specification does not know are errors, as it demands.
 */
#include "pp_internal.h"

#include <arpa/inet.h>

#define PP1_LINE_MAX 107 /* with CR LF */

/* What logs and "fc_err_str" say, in the words of the manual. */
static const char pp_invalid[] = "Received an invalid PROXY protocol header";
static const char pp_unhandled[] = "Received an unhandled protocol in the PROXY protocol header";
static const char pp_no_header[] =
    "Received something which does not look like a PROXY protocol header";

static enum pp_result error(struct pp_header *h, const char *text)
{
	h->error = text;
	return PP_ERROR;
}

/* A number without leading zeroes, up to 65535. */
static bool parse_port(struct slice s, in_port_t *ret)
{
	uint64_t value;
	if ((s.len > 1 && s.ptr[0] == '0') || slice_to_u64(s, 65535, &value) < 0)
		return false;
	*ret = htons((uint16_t)value);
	return true;
}

static bool parse_end(struct slice ip, struct slice port, int family, struct net_peer *ret)
{
	char text[INET6_ADDRSTRLEN];
	if (ip.len == 0 || ip.len >= sizeof(text) || memchr(ip.ptr, '\0', ip.len))
		return false;
	memcpy(text, ip.ptr, ip.len);
	text[ip.len] = '\0';
	memset(ret, 0, sizeof(*ret));
	ret->sa.sa_family = (sa_family_t)family;
	if (family == AF_INET)
		return inet_pton(AF_INET, text, &ret->in.sin_addr) == 1 &&
		       parse_port(port, &ret->in.sin_port);
	return inet_pton(AF_INET6, text, &ret->in6.sin6_addr) == 1 &&
	       parse_port(port, &ret->in6.sin6_port);
}

/* What stands between "PROXY " and CR LF. */
static enum pp_result parse_v1_fields(struct slice line, struct pp_header *h)
{
	struct slice family_text = slice_cut(&line, ' ');
	if (slice_eq(family_text, SLICE("UNKNOWN"))) {
		h->local = true; /* the rest of the line is to be ignored */
		return PP_COMPLETE;
	}
	int family;
	if (slice_eq(family_text, SLICE("TCP4")))
		family = AF_INET;
	else if (slice_eq(family_text, SLICE("TCP6")))
		family = AF_INET6;
	else
		return error(h, pp_unhandled);
	struct slice src = slice_cut(&line, ' ');
	struct slice dst = slice_cut(&line, ' ');
	struct slice src_port = slice_cut(&line, ' ');
	if (!parse_end(src, src_port, family, &h->src) || !parse_end(dst, line, family, &h->dst))
		return error(h, pp_invalid);
	return PP_COMPLETE;
}

static enum pp_result parse_v1(struct slice in, struct pp_header *h)
{
	struct slice window = slice_sub(in, 0, PP1_LINE_MAX);
	size_t cr = slice_find(window, '\r');
	size_t lf = slice_find(window, '\n');
	if (lf < cr)
		return error(h, pp_invalid);
	if (cr + 1 < window.len && window.ptr[cr + 1] != '\n')
		return error(h, pp_invalid);
	if (lf == window.len)
		return window.len < PP1_LINE_MAX ? PP_INCOMPLETE : error(h, pp_invalid);
	const size_t head = sizeof("PROXY ") - 1;
	h->consumed = lf + 1;
	return parse_v1_fields(slice_sub(window, head, cr - head), h);
}

static void read_addresses(const char *p, struct pp_header *h, unsigned family)
{
	if (family == PP2_FAMILY_INET) {
		h->src.sa.sa_family = h->dst.sa.sa_family = AF_INET;
		memcpy(&h->src.in.sin_addr, p, 4);
		memcpy(&h->dst.in.sin_addr, p + 4, 4);
		memcpy(&h->src.in.sin_port, p + 8, 2);
		memcpy(&h->dst.in.sin_port, p + 10, 2);
	} else {
		h->src.sa.sa_family = h->dst.sa.sa_family = AF_INET6;
		memcpy(&h->src.in6.sin6_addr, p, 16);
		memcpy(&h->dst.in6.sin6_addr, p + 16, 16);
		memcpy(&h->src.in6.sin6_port, p + 32, 2);
		memcpy(&h->dst.in6.sin6_port, p + 34, 2);
	}
}

/* Cuts the first TLV off *rest. False when it is malformed. */
static bool next_tlv(struct slice *rest, unsigned *ret_type, struct slice *ret_value)
{
	if (rest->len < PP2_TLV_HEAD)
		return false;
	size_t len = pp_read_u16(rest->ptr + 1);
	if (len > rest->len - PP2_TLV_HEAD)
		return false;
	*ret_type = (uint8_t)rest->ptr[0];
	*ret_value = slice_sub(*rest, PP2_TLV_HEAD, len);
	*rest = slice_sub(*rest, PP2_TLV_HEAD + len, rest->len);
	return true;
}

static bool is_tlv_list(struct slice tlvs)
{
	unsigned type;
	struct slice value;
	while (tlvs.len) {
		if (!next_tlv(&tlvs, &type, &value))
			return false;
	}
	return true;
}

/* The sum is over the whole header, its own four bytes taken as zero. */
static bool crc_matches(struct slice header, struct slice value)
{
	static const char zero[PP2_CRC_LENGTH];
	size_t before = (size_t)(value.ptr - header.ptr);
	uint32_t crc = pp_crc32c_update(PP_CRC32C_START, header.ptr, before);
	uint32_t want;
	crc = pp_crc32c_update(crc, zero, sizeof(zero));
	crc =
	    pp_crc32c_update(crc, value.ptr + PP2_CRC_LENGTH, header.len - before - PP2_CRC_LENGTH);
	memcpy(&want, value.ptr, sizeof(want));
	return ntohl(want) == (uint32_t)~crc;
}

static enum pp_result check_tlvs(struct slice header, struct slice tlvs, struct pp_header *h)
{
	while (tlvs.len) {
		unsigned type;
		struct slice value;
		if (!next_tlv(&tlvs, &type, &value))
			return error(h, pp_invalid);
		if (type == PP2_TYPE_CRC32C &&
		    (value.len != PP2_CRC_LENGTH || !crc_matches(header, value)))
			return error(h, pp_invalid);
	}
	return PP_COMPLETE;
}

/* The fixed part, as far as it has arrived: bytes 13 and 14. */
static const char *check_fixed(struct slice in)
{
	unsigned ver_cmd = in.len > 12 ? (uint8_t)in.ptr[12] : PP2_VERSION;
	if ((ver_cmd & 0xf0) != PP2_VERSION)
		return pp_no_header;
	if ((ver_cmd & 0x0f) > PP2_CMD_PROXY)
		return pp_invalid;
	unsigned family = in.len > 13 ? (uint8_t)in.ptr[13] : 0;
	bool known = (family & 0xf0) <= PP2_FAMILY_UNIX && (family & 0x0f) <= PP2_DGRAM;
	if ((ver_cmd & 0x0f) == PP2_CMD_PROXY && !known)
		return pp_unhandled;
	return NULL;
}

static size_t address_length(unsigned family)
{
	switch (family) {
	case PP2_FAMILY_INET:
		return PP2_INET_LENGTH;
	case PP2_FAMILY_INET6:
		return PP2_INET6_LENGTH;
	case PP2_FAMILY_UNIX:
		return PP2_UNIX_LENGTH;
	default:
		return 0;
	}
}

/* A complete header of the PROXY command. */
static enum pp_result parse_v2_proxy(struct slice header, struct pp_header *h)
{
	unsigned family = (uint8_t)header.ptr[13] & 0xf0;
	unsigned protocol = (uint8_t)header.ptr[13] & 0x0f;
	struct slice body = slice_sub(header, PP2_HEADER_LENGTH, header.len);
	size_t length = address_length(family);
	if (body.len < length)
		return error(h, pp_invalid);
	struct slice tlvs = slice_sub(body, length, body.len);
	if (family == PP2_FAMILY_UNSPEC && !is_tlv_list(tlvs))
		tlvs = SLICE_NULL; /* addresses of an unknown length: to be ignored */
	enum pp_result r = check_tlvs(header, tlvs, h);
	if (r != PP_COMPLETE)
		return r;
	h->tlvs = tlvs;
	h->local = protocol != PP2_STREAM || length == 0 || family == PP2_FAMILY_UNIX;
	if (!h->local)
		read_addresses(body.ptr, h, family);
	return PP_COMPLETE;
}

static enum pp_result parse_v2(struct slice in, struct pp_header *h)
{
	const char *wrong = check_fixed(in);
	if (wrong)
		return error(h, wrong);
	if (in.len < PP2_HEADER_LENGTH)
		return PP_INCOMPLETE;
	size_t total = PP2_HEADER_LENGTH + pp_read_u16(in.ptr + 14);
	if (total > PP_HEADER_MAX)
		return error(h, pp_invalid);
	if (in.len < total)
		return PP_INCOMPLETE;
	h->consumed = total;
	if ((in.ptr[12] & 0x0f) == PP2_CMD_LOCAL) {
		/* the whole block is to be skipped unread */
		h->local = true;
		return PP_COMPLETE;
	}
	return parse_v2_proxy(slice_sub(in, 0, total), h);
}

/* Whether in begins with all of magic, with a part of it because it is short, or not. */
static enum pp_result match(struct slice in, struct slice magic)
{
	size_t n = MIN(in.len, magic.len);
	if (memcmp(in.ptr, magic.ptr, n) != 0)
		return PP_ERROR;
	return n == magic.len ? PP_COMPLETE : PP_INCOMPLETE;
}

enum pp_result pp_parse(const char *in, size_t len, struct pp_header *ret)
{
	struct slice bytes = slice_make(in, len);
	enum pp_result v1, v2;
	memset(ret, 0, sizeof(*ret));
	if (len == 0)
		return PP_INCOMPLETE;
	v1 = match(bytes, SLICE("PROXY "));
	if (v1 == PP_COMPLETE)
		return parse_v1(bytes, ret);
	v2 = match(bytes, slice_make(PP2_SIGNATURE, PP2_SIGNATURE_LENGTH));
	if (v2 == PP_COMPLETE)
		return parse_v2(bytes, ret);
	if (v1 == PP_INCOMPLETE || v2 == PP_INCOMPLETE)
		return PP_INCOMPLETE;
	return error(ret, pp_no_header);
}

bool pp_tlv_find(struct slice tlvs, unsigned type, struct slice *ret_value)
{
	unsigned found;
	struct slice value;
	while (tlvs.len && next_tlv(&tlvs, &found, &value)) {
		if (found == type) {
			*ret_value = value;
			return true;
		}
	}
	return false;
}
