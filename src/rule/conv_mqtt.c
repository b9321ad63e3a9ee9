/* SPDX-License-Identifier: MIT */
/*
 * The first MQTT packet of a connection: whether it is valid, and its fields. While its end is missing there is
 * no value, so that content rules wait for it.
 */
#include "mqtt.h"
#include "tables.h"

static bool conv_is_valid(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	struct mqtt_packet packet;
	enum mqtt_result result = mqtt_decode(s->str, &packet);
	return result != MQTT_INCOMPLETE && ret_bool(s, result == MQTT_OK);
}

static bool conv_field(
    struct rule_ctx *cx, const struct args *args, uintptr_t data, struct sample *s)
{
	struct mqtt_packet packet;
	if (mqtt_decode(s->str, &packet) != MQTT_OK || packet.type != args->v[0].num)
		return false;
	const struct mqtt_value *v = &packet.fields[args->v[1].num];
	if (!v->set)
		return false;
	if (v->is_text)
		return ret_str(s, v->text);
	return ret_int(s, v->number) && sample_cast(s, SMP_STR, cx->arena);
}

static int check_field(const struct arg_place *at, struct args *args)
{
	struct slice type = args->v[0].str, field = args->v[1].str;
	uint64_t number;
	if (slice_ieq(type, SLICE("connect")))
		args->v[0].num = MQTT_CONNECT;
	else if (slice_ieq(type, SLICE("connack")))
		args->v[0].num = MQTT_CONNACK;
	else if (slice_to_u64(type, MQTT_CONNACK, &number) == 0 && number)
		args->v[0].num = (int64_t)number;
	else {
		conf_error(at->conf, at->line, at->arg,
		    "%s: '%s': fields of CONNECT (1) and CONNACK (2) are known", at->what,
		    type.ptr);
		return -1;
	}
	if (slice_to_u64(field, MQTT_PROPERTY_END - 1, &number) != 0)
		number = mqtt_field_named(field);
	args->v[1].num = (int64_t)number;
	if (mqtt_has_field((enum mqtt_type)args->v[0].num, (unsigned)number))
		return 0;
	conf_error(at->conf, at->line, at->arg, "%s: %s packets have no field '%s'", at->what,
	    type.ptr, field.ptr);
	return -1;
}

const struct conv_row conv_mqtt_rows[] = {
	{ .name = "mqtt_is_valid",
	    .in = SMP_BIN,
	    .out = SMP_BOOL,
	    .eval = conv_is_valid,
	    .help = "whether the bytes begin with a valid MQTT CONNECT or CONNACK" },
	{ .name = "mqtt_field_value",
	    .in = SMP_BIN,
	    .out = SMP_STR,
	    .args_min = 2,
	    .args = { ARG_STR, ARG_STR },
	    .eval = conv_field,
	    .check = check_field,
	    .usage = "<packettype>,<fieldname_or_property_ID>",
	    .help = "field or property of an MQTT CONNECT or CONNACK" },
	{ .name = NULL },
};
