/* SPDX-License-Identifier: MIT */
/*
 * "ocsp-update": a certificate has one value, however many crt-lists, crt-stores and bind lines use it. Values that
 * contradict each other are an error wherever the second one stands. At load, and under the store's lock afterwards.
 */
#include <errno.h>

#include "crt_list_int.h"

static const char *word(int on)
{
	return on ? "on" : "off";
}

static int contradicts(const struct tls_slot *slot, int on, const char *where, unsigned line,
    const struct tls_report *report)
{
	char place[512] = "";
	if (where)
		snprintf(place, sizeof(place), "crt-list '%s', line %u: ", where, line);
	tls_say(report, DIAG_ERROR, "%s'ocsp-update %s' of '%s' contradicts 'ocsp-update %s' of %s",
	    place, word(on), slot->name, word(slot->ocsp_update), slot->ocsp_where);
	return -EINVAL;
}

int tls_slot_set_ocsp(struct tls_slot *slot, int on, const char *where)
{
	char *text = strdup(where);
	if (!text)
		return -ENOMEM;
	free(slot->ocsp_where);
	slot->ocsp_where = text;
	slot->ocsp_update = on;
	return 0;
}

/* A certificate of a bind line has what the global section says, unless its crt-store says something. */
static int inherit(struct tls_store *s, struct tls_crt_line *line, const struct tls_report *report)
{
	struct tls_slot *slot = line->slot;
	if (!s->conf.ocsp_update_said)
		return 0;
	if (slot->ocsp_update < 0)
		return tls_slot_set_ocsp(
		    slot, s->conf.ocsp_update, "'ocsp-update.mode', which a bind line inherits");
	if (slot->ocsp_by_list && slot->ocsp_update != s->conf.ocsp_update)
		return contradicts(slot, s->conf.ocsp_update, NULL, 0, report);
	return 0;
}

int tls_line_set_ocsp(struct tls_store *s, struct tls_crt_line *line, const char *where,
    const struct tls_report *report)
{
	struct tls_slot *slot = line->slot;
	int on = line->files.ocsp_update;
	char place[512] = "an 'ssl-f-use'";
	if (line->of_bind)
		return inherit(s, line, report);
	if (on < 0)
		return 0;
	if (slot->ocsp_update >= 0 && slot->ocsp_update != on)
		return contradicts(slot, on, where, line->number, report);
	if (slot->ocsp_update >= 0)
		return 0;
	if (where)
		snprintf(place, sizeof(place), "crt-list '%s', line %u", where, line->number);
	slot->ocsp_by_list = true;
	return tls_slot_set_ocsp(slot, on, place);
}
