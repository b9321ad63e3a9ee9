/* SPDX-License-Identifier: MIT */
/*
 * Fields of binary protocols: protobuf, gRPC, FIX, MQTT.
 */
#include "rule_int.h"

const struct conv_row conv_proto_rows[] = {
	{ .name = NULL },
};
