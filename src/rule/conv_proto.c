/* SPDX-License-Identifier: MIT */
/*
 * Fields of binary protocols: protobuf, gRPC, FIX, MQTT.
 */
#include "tables.h"

const struct conv_row conv_proto_rows[] = {
	{ .name = NULL },
};
