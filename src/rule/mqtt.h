/* SPDX-License-Identifier: MIT */
/*
 * The first packets of an MQTT connection: CONNECT and CONNACK of versions 3.1, 3.1.1 and 5.0. The decoder checks
 * the whole packet; fields point into it.
 */
#ifndef WEIR_RULE_MQTT_H
#define WEIR_RULE_MQTT_H

#include "weir/base/slice.h"

enum mqtt_type { MQTT_CONNECT = 1, MQTT_CONNACK = 2 };

/* Numbers of properties end at 42; fields of the packet itself follow. */
enum mqtt_field {
	MQTT_PROPERTY_END = 43,
	MQTT_FLAGS = MQTT_PROPERTY_END,
	MQTT_VERSION,
	MQTT_PROTOCOL_NAME,
	MQTT_KEEPALIVE,
	MQTT_CLIENT_ID,
	MQTT_WILL_TOPIC,
	MQTT_WILL_PAYLOAD,
	MQTT_USERNAME,
	MQTT_PASSWORD,
	MQTT_REASON_CODE,
	MQTT_FIELD_N,
};

struct mqtt_value {
	bool set, is_text;
	uint32_t number;
	struct slice text;
};

struct mqtt_packet {
	enum mqtt_type type;
	struct mqtt_value fields[MQTT_FIELD_N];
};

enum mqtt_result { MQTT_OK, MQTT_INCOMPLETE, MQTT_BAD };

enum mqtt_result mqtt_decode(struct slice bytes, struct mqtt_packet *ret);
/* Whether packets of that type may have the field; MQTT_FIELD_N: unknown. Names are matched without case. */
bool mqtt_has_field(enum mqtt_type type, unsigned field);
unsigned mqtt_field_named(struct slice name);

#endif
