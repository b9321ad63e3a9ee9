/* SPDX-License-Identifier: MIT */
/*
 * Fields of saved SYN packets: Ethernet, IP, TCP headers.
 */
#include "tables.h"

const struct conv_row conv_packet_rows[] = {
	{ .name = NULL },
};
