/* SPDX-License-Identifier: MIT */
/*
 * Decoding CONNECT and CONNACK (MQTT 3.1.1 and 5.0, sections 2 and 3.1, 3.2). The table of properties says what
 * each holds and where it may stand.
 */
#include "mqtt.h"

/* ---- what there is ---- */

#define IN_CONNECT 1u
#define IN_WILL	   2u
#define IN_CONNACK 4u

enum form { FORM_BYTE = 1, FORM_TWO = 2, FORM_FOUR = 4, FORM_TEXT, FORM_PAIR };

static const struct property {
	uint8_t form, where;
	uint8_t max; /* of bytes: the largest value that is allowed */
	bool not_zero;
} properties[MQTT_PROPERTY_END] = {
	[1] = { FORM_BYTE, IN_WILL, 1, false },			 /* Payload Format Indicator */
	[2] = { FORM_FOUR, IN_WILL, 0, false },			 /* Message Expiry Interval */
	[3] = { FORM_TEXT, IN_WILL, 0, false },			 /* Content Type */
	[8] = { FORM_TEXT, IN_WILL, 0, false },			 /* Response Topic */
	[9] = { FORM_TEXT, IN_WILL, 0, false },			 /* Correlation Data */
	[17] = { FORM_FOUR, IN_CONNECT | IN_CONNACK, 0, false }, /* Session Expiry */
	[18] = { FORM_TEXT, IN_CONNACK, 0, false },		 /* Assigned Client Id */
	[19] = { FORM_TWO, IN_CONNACK, 0, false },		 /* Server Keep Alive */
	[21] = { FORM_TEXT, IN_CONNECT | IN_CONNACK, 0, false }, /* Auth. Method */
	[22] = { FORM_TEXT, IN_CONNECT | IN_CONNACK, 0, false }, /* Auth. Data */
	[23] = { FORM_BYTE, IN_CONNECT, 1, false },		 /* Request Problem Info */
	[24] = { FORM_FOUR, IN_WILL, 0, false },		 /* Will Delay Interval */
	[25] = { FORM_BYTE, IN_CONNECT, 1, false },		 /* Request Response Info */
	[26] = { FORM_TEXT, IN_CONNACK, 0, false },		 /* Response Information */
	[28] = { FORM_TEXT, IN_CONNACK, 0, false },		 /* Server Reference */
	[31] = { FORM_TEXT, IN_CONNACK, 0, false },		 /* Reason String */
	[33] = { FORM_TWO, IN_CONNECT | IN_CONNACK, 0, true },	 /* Receive Maximum */
	[34] = { FORM_TWO, IN_CONNECT | IN_CONNACK, 0, false },	 /* Topic Alias Maximum */
	[36] = { FORM_BYTE, IN_CONNACK, 1, false },		 /* Maximum QoS */
	[37] = { FORM_BYTE, IN_CONNACK, 1, false },		 /* Retain Available */
	[38] = { FORM_PAIR, IN_CONNECT | IN_WILL | IN_CONNACK, 0, false }, /* User Property */
	[39] = { FORM_FOUR, IN_CONNECT | IN_CONNACK, 0, true },		   /* Maximum Packet Size */
	[40] = { FORM_BYTE, IN_CONNACK, 1, false }, /* Wildcard Subscription */
	[41] = { FORM_BYTE, IN_CONNACK, 1, false }, /* Subscription Identifiers */
	[42] = { FORM_BYTE, IN_CONNACK, 1, false }, /* Shared Subscription */
};

static const struct {
	const char *name;
	unsigned field, where;
} names[] = {
	{ "flags", MQTT_FLAGS, IN_CONNECT | IN_CONNACK },
	{ "protocol_version", MQTT_VERSION, IN_CONNECT | IN_CONNACK },
	{ "protocol_name", MQTT_PROTOCOL_NAME, IN_CONNECT },
	{ "keepalive", MQTT_KEEPALIVE, IN_CONNECT },
	{ "client_identifier", MQTT_CLIENT_ID, IN_CONNECT },
	{ "will_topic", MQTT_WILL_TOPIC, IN_CONNECT },
	{ "will_payload", MQTT_WILL_PAYLOAD, IN_CONNECT },
	{ "username", MQTT_USERNAME, IN_CONNECT },
	{ "password", MQTT_PASSWORD, IN_CONNECT },
	{ "reason_code", MQTT_REASON_CODE, IN_CONNACK },
};

/* The manual calls the will's delay 18 in CONNECT packets; the standard numbers it 24. */
#define WILL_DELAY_IN_MANUAL 18

unsigned mqtt_field_named(struct slice name)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (slice_ieq(name, slice_str(names[i].name)))
			return names[i].field;
	}
	return MQTT_FIELD_N;
}

bool mqtt_has_field(enum mqtt_type type, unsigned field)
{
	unsigned where = type == MQTT_CONNECT ? IN_CONNECT | IN_WILL : IN_CONNACK;
	if (type == MQTT_CONNECT && field == WILL_DELAY_IN_MANUAL)
		return true;
	if (field < MQTT_PROPERTY_END)
		return properties[field].where & where;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (names[i].field == field)
			return names[i].where & where;
	}
	return false;
}

/* ---- numbers and texts ---- */

static bool take_number(struct slice *s, unsigned bytes, uint32_t *ret)
{
	if (s->len < bytes)
		return false;
	*ret = 0;
	for (unsigned i = 0; i < bytes; i++)
		*ret = *ret << 8 | (unsigned char)s->ptr[i];
	*s = slice_sub(*s, bytes, s->len);
	return true;
}

static bool take_text(struct slice *s, struct slice *ret)
{
	uint32_t len;
	if (!take_number(s, 2, &len) || len > s->len)
		return false;
	*ret = slice_sub(*s, 0, len);
	*s = slice_sub(*s, len, s->len);
	return true;
}

/* A length of seven bits a byte. */
static enum mqtt_result take_length(struct slice *s, uint32_t *ret)
{
	*ret = 0;
	for (unsigned i = 0; i < 4; i++) {
		if (i >= s->len)
			return MQTT_INCOMPLETE;
		unsigned char c = (unsigned char)s->ptr[i];
		*ret |= (uint32_t)(c & 0x7f) << (7 * i);
		if (c & 0x80)
			continue;
		*s = slice_sub(*s, i + 1, s->len);
		return MQTT_OK;
	}
	return MQTT_BAD;
}

static bool number_field(struct mqtt_packet *p, unsigned field, struct slice *s, unsigned bytes)
{
	struct mqtt_value *v = &p->fields[field];
	v->set = true;
	return take_number(s, bytes, &v->number);
}

static bool text_field(struct mqtt_packet *p, unsigned field, struct slice *s)
{
	struct mqtt_value *v = &p->fields[field];
	v->set = v->is_text = true;
	return take_text(s, &v->text);
}

/* ---- properties ---- */

static bool take_property(struct mqtt_packet *p, unsigned where, struct slice *s)
{
	uint32_t id;
	struct slice ignored;
	if (!take_number(s, 1, &id) || id >= MQTT_PROPERTY_END || !(properties[id].where & where))
		return false;
	const struct property *prop = &properties[id];
	if (prop->form == FORM_PAIR)
		return take_text(s, &ignored) && take_text(s, &ignored);
	if (p->fields[id].set)
		return false;
	if (prop->form == FORM_TEXT)
		return text_field(p, id, s);
	if (!number_field(p, id, s, prop->form))
		return false;
	uint32_t number = p->fields[id].number;
	return (prop->form != FORM_BYTE || number <= prop->max) && (!prop->not_zero || number);
}

static bool take_properties(struct mqtt_packet *p, unsigned where, struct slice *s)
{
	uint32_t len;
	if (take_length(s, &len) != MQTT_OK || len > s->len)
		return false;
	struct slice in = slice_sub(*s, 0, len);
	*s = slice_sub(*s, len, s->len);
	while (in.len) {
		if (!take_property(p, where, &in))
			return false;
	}
	/* Authentication data belongs to a method. */
	return !p->fields[22].set || p->fields[21].set;
}

/* ---- packets ---- */

#define CONNECT_RESERVED 0x01u
#define CONNECT_WILL	 0x04u
#define CONNECT_QOS	 0x18u
#define CONNECT_RETAIN	 0x20u
#define CONNECT_PASSWORD 0x40u
#define CONNECT_USERNAME 0x80u

static bool flags_valid(unsigned flags)
{
	if (flags & CONNECT_RESERVED)
		return false;
	if (flags & CONNECT_WILL)
		return (flags & CONNECT_QOS) != CONNECT_QOS;
	return !(flags & (CONNECT_QOS | CONNECT_RETAIN));
}

static bool decode_connect(struct slice s, struct mqtt_packet *p)
{
	if (!text_field(p, MQTT_PROTOCOL_NAME, &s) || !number_field(p, MQTT_VERSION, &s, 1) ||
	    !number_field(p, MQTT_FLAGS, &s, 1) || !number_field(p, MQTT_KEEPALIVE, &s, 2))
		return false;
	struct slice name = p->fields[MQTT_PROTOCOL_NAME].text;
	unsigned version = p->fields[MQTT_VERSION].number, flags = p->fields[MQTT_FLAGS].number;
	bool known = slice_eq(name, SLICE("MQTT")) || slice_eq(name, SLICE("MQIsdp"));
	if (!known || version < 3 || version > 5 || !flags_valid(flags))
		return false;
	if (version == 5 && !take_properties(p, IN_CONNECT, &s))
		return false;
	if (!text_field(p, MQTT_CLIENT_ID, &s))
		return false;
	if (flags & CONNECT_WILL) {
		if (version == 5 && !take_properties(p, IN_WILL, &s))
			return false;
		if (!text_field(p, MQTT_WILL_TOPIC, &s) || !text_field(p, MQTT_WILL_PAYLOAD, &s))
			return false;
	}
	if ((flags & CONNECT_USERNAME) && !text_field(p, MQTT_USERNAME, &s))
		return false;
	if ((flags & CONNECT_PASSWORD) && !text_field(p, MQTT_PASSWORD, &s))
		return false;
	p->fields[WILL_DELAY_IN_MANUAL] = p->fields[24];
	return s.len == 0;
}

/* The packet does not say its version: properties make it 5.0. */
static bool decode_connack(struct slice s, struct mqtt_packet *p)
{
	if (!number_field(p, MQTT_FLAGS, &s, 1) || !number_field(p, MQTT_REASON_CODE, &s, 1) ||
	    p->fields[MQTT_FLAGS].number > 1)
		return false;
	p->fields[MQTT_VERSION].set = true;
	p->fields[MQTT_VERSION].number = s.len ? 5 : 4;
	return s.len == 0 || (take_properties(p, IN_CONNACK, &s) && s.len == 0);
}

enum mqtt_result mqtt_decode(struct slice bytes, struct mqtt_packet *ret)
{
	uint32_t len;
	if (bytes.len == 0)
		return MQTT_INCOMPLETE;
	unsigned first = (unsigned char)bytes.ptr[0];
	if (first != MQTT_CONNECT << 4 && first != MQTT_CONNACK << 4)
		return MQTT_BAD;
	bytes = slice_sub(bytes, 1, bytes.len);
	enum mqtt_result err = take_length(&bytes, &len);
	if (err != MQTT_OK)
		return err;
	if (len > bytes.len)
		return MQTT_INCOMPLETE;
	memset(ret, 0, sizeof(*ret));
	ret->type = first >> 4;
	bytes = slice_sub(bytes, 0, len);
	bool good =
	    ret->type == MQTT_CONNECT ? decode_connect(bytes, ret) : decode_connack(bytes, ret);
	return good ? MQTT_OK : MQTT_BAD;
}
