/* SPDX-License-Identifier: MIT */
/*
 * Fields of saved SYN packets: Ethernet, IP, TCP headers.
 */
#include "rule_int.h"

const struct conv_row conv_packet_rows[] = {
	{ .name = NULL },
};
