/* SPDX-License-Identifier: MIT */
/*
 * CSV, typed and JSON forms of a row of fields (management manual 9.1 and 9.2). Fields are in memory already;
 * everything here only formats into the caller's buffer.
 */
#include "weir/admin/table.h"

#include <inttypes.h>

struct letter_name {
	char letter;
	const char *name;
};

static const struct letter_name origins[] = {
	{ 'M', "Metric" },
	{ 'S', "Status" },
	{ 'K', "Key" },
	{ 'C', "Config" },
	{ 'P', "Product" },
	{ 0, "Unknown" },
};

static const struct letter_name natures[] = {
	{ 'A', "Age" },
	{ 'a', "Avg" },
	{ 'C', "Counter" },
	{ 'D', "Duration" },
	{ 'G', "Gauge" },
	{ 'L', "Limit" },
	{ 'M', "Max" },
	{ 'm', "Min" },
	{ 'N', "Name" },
	{ 'O', "Output" },
	{ 'R', "Rate" },
	{ 'T', "Time" },
	{ 0, "Unknown" },
};

static const struct letter_name scopes[] = {
	{ 'C', "Cluster" },
	{ 'P', "Process" },
	{ 'S', "Service" },
	{ 's', "System" },
	{ 0, "Unknown" },
};

static const char *name_of(const struct letter_name *names, char letter)
{
	while (names->letter && names->letter != letter)
		names++;
	return names->name;
}

static const char *type_name(enum field_type type)
{
	static const char *const names[] = {
		[FIELD_EMPTY] = "",
		[FIELD_U32] = "u32",
		[FIELD_S32] = "s32",
		[FIELD_U64] = "u64",
		[FIELD_S64] = "s64",
		[FIELD_STR] = "str",
		[FIELD_FLT] = "flt",
	};
	return names[type];
}

static const char *str_of(const struct field *f)
{
	return f->str ? f->str : "";
}

void field_write(struct strbuf *out, const struct field *f)
{
	switch (f->type) {
	case FIELD_EMPTY:
		break;
	case FIELD_U32:
	case FIELD_U64:
		strbuf_addf(out, "%" PRIu64, f->u64);
		break;
	case FIELD_S32:
	case FIELD_S64:
		strbuf_addf(out, "%" PRId64, f->s64);
		break;
	case FIELD_STR:
		strbuf_adds(out, str_of(f));
		break;
	case FIELD_FLT:
		strbuf_addf(out, "%f", f->flt);
		break;
	}
}

void table_csv_header(struct strbuf *out, const struct field_desc *desc, size_t n)
{
	strbuf_adds(out, "# ");
	for (size_t i = 0; i < n; i++) {
		strbuf_adds(out, desc[i].name);
		strbuf_addc(out, ',');
	}
	strbuf_addc(out, '\n');
}

static void csv_string(struct strbuf *out, const char *str)
{
	if (!strpbrk(str, ",\"\r\n")) {
		strbuf_adds(out, str);
		return;
	}
	strbuf_addc(out, '"');
	for (; *str; str++) {
		if (*str == '"')
			strbuf_addc(out, '"');
		strbuf_addc(out, *str);
	}
	strbuf_addc(out, '"');
}

void table_csv_row(struct strbuf *out, const struct field *f, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (f[i].type == FIELD_STR)
			csv_string(out, str_of(&f[i]));
		else
			field_write(out, &f[i]);
		strbuf_addc(out, ',');
	}
	strbuf_addc(out, '\n');
}

void table_typed_row(struct strbuf *out, const char *prefix, const struct field_desc *desc,
    const struct field *f, size_t n, bool with_help)
{
	bool has_prefix = prefix && *prefix;
	for (size_t i = 0; i < n; i++) {
		const struct field_desc *d = &desc[i];
		if (f[i].type == FIELD_EMPTY)
			continue;
		strbuf_addf(out, "%s%s%zu.%s.1:%c%c%cV:%s:", has_prefix ? prefix : "",
		    has_prefix ? "." : "", i, d->name, d->origin, d->nature, d->scope,
		    type_name(f[i].type));
		field_write(out, &f[i]);
		if (with_help)
			strbuf_addf(out, ":\"%s\"", d->help ? d->help : "");
		strbuf_addc(out, '\n');
	}
}

void json_string(struct strbuf *out, const char *str)
{
	strbuf_addc(out, '"');
	for (; *str; str++) {
		unsigned char c = (unsigned char)*str;
		if (c == '"' || c == '\\')
			strbuf_addf(out, "\\%c", c);
		else if (c == '\n')
			strbuf_adds(out, "\\n");
		else if (c == '\r')
			strbuf_adds(out, "\\r");
		else if (c == '\t')
			strbuf_adds(out, "\\t");
		else if (c < 0x20 || c == 0x7f)
			strbuf_addf(out, "\\u%04x", c);
		else
			strbuf_addc(out, (char)c);
	}
	strbuf_addc(out, '"');
}

static void json_field(
    struct strbuf *out, size_t pos, const struct field_desc *d, const struct field *f)
{
	strbuf_addf(out, "\"field\":{\"pos\":%zu,\"name\":", pos);
	json_string(out, d->name);
	strbuf_addf(out,
	    "},\"processNum\":1,\"tags\":{\"origin\":\"%s\",\"nature\":\"%s\",\"scope\":\"%s\"},"
	    "\"value\":{\"type\":\"%s\",\"value\":",
	    name_of(origins, d->origin), name_of(natures, d->nature), name_of(scopes, d->scope),
	    type_name(f->type));
	if (f->type == FIELD_STR)
		json_string(out, str_of(f));
	else
		field_write(out, f);
	strbuf_adds(out, "}}");
}

void table_json_row(struct strbuf *out, const char *obj_type, int proxy_id, int id,
    const struct field_desc *desc, const struct field *f, size_t n, bool first)
{
	bool any = false;
	strbuf_adds(out, first ? "[" : ",[");
	for (size_t i = 0; i < n; i++) {
		if (f[i].type == FIELD_EMPTY)
			continue;
		strbuf_adds(out, any ? ",{" : "{");
		any = true;
		if (obj_type) {
			strbuf_adds(out, "\"objType\":");
			json_string(out, obj_type);
			strbuf_addf(out, ",\"proxyId\":%d,\"id\":%d,", proxy_id, id);
		}
		json_field(out, i, &desc[i], &f[i]);
	}
	strbuf_addc(out, ']');
}
