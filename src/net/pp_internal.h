/* SPDX-License-Identifier: MIT */
/*
 * What the reader and the writer of the PROXY protocol share. Private to the net module.
 */
#ifndef WEIR_NET_PP_INTERNAL_H
#define WEIR_NET_PP_INTERNAL_H

#include "weir/net/proxy_proto.h"

#define PP2_SIGNATURE	     "\r\n\r\n\0\r\nQUIT\n"
#define PP2_SIGNATURE_LENGTH 12
#define PP2_HEADER_LENGTH    16 /* signature, version and command, family, length */

#define PP2_VERSION	  0x20
#define PP2_CMD_LOCAL	  0x00
#define PP2_CMD_PROXY	  0x01
#define PP2_FAMILY_UNSPEC 0x00
#define PP2_FAMILY_INET	  0x10
#define PP2_FAMILY_INET6  0x20
#define PP2_FAMILY_UNIX	  0x30
#define PP2_STREAM	  0x01
#define PP2_DGRAM	  0x02

#define PP2_INET_LENGTH	 12
#define PP2_INET6_LENGTH 36
#define PP2_UNIX_LENGTH	 216
#define PP2_TLV_HEAD	 3 /* type, length */
#define PP2_CRC_LENGTH	 4

static inline unsigned pp_read_u16(const char *p)
{
	return (unsigned)(uint8_t)p[0] << 8 | (uint8_t)p[1];
}

static inline char *pp_put_u16(char *p, size_t value)
{
	p[0] = (char)(value >> 8);
	p[1] = (char)value;
	return p + 2;
}

/* A checksum in pieces: starts at PP_CRC32C_START, the result is its complement. */
#define PP_CRC32C_START UINT32_MAX
uint32_t pp_crc32c_update(uint32_t crc, const void *bytes, size_t len);

#endif
