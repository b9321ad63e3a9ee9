/* SPDX-License-Identifier: MIT */
/*
 * Expressions: a fetch and its converters, compiled into one flat array while the configuration is read,
 * evaluated by the worker without malloc. Types are checked when compiled; only values whose type is known at
 * run time alone (an address may be IPv4 or IPv6) can fail to cast later.
 */
#include "tables.h"

static const struct fetch_row *const fetch_tables[] = {
	fetch_state_rows,
	fetch_proxy_rows,
	fetch_conn_rows,
	fetch_http_rows,
	fetch_hdr_rows,
	fetch_cookie_rows,
	fetch_buf_rows,
	fetch_log_rows,
	fetch_var_rows,
	fetch_facts_rows,
	fetch_hello_rows,
	fetch_timer_rows,
	fetch_auth_rows,
	fetch_ssl_conn_rows,
	fetch_ssl_cert_rows,
	fetch_ssl_hello_rows,
};

static const struct conv_row *const conv_tables[] = {
	conv_num_rows,
	conv_str_rows,
	conv_code_rows,
	conv_hash_rows,
	conv_misc_rows,
	conv_map_rows,
	conv_var_rows,
	conv_binary_rows,
	conv_debug_rows,
	conv_list_rows,
	conv_digest_rows,
	conv_jwt_rows,
	conv_json_rows,
	conv_proto_rows,
	conv_packet_rows,
	conv_forwarded_rows,
	conv_x509_rows,
	conv_jwe_rows,
	conv_fix_rows,
	conv_mqtt_rows,
};

const struct fetch_row *fetch_at(size_t i)
{
	for (size_t t = 0; t < ARRAY_SIZE(fetch_tables); t++) {
		for (const struct fetch_row *row = fetch_tables[t]; row->name; row++) {
			if (i-- == 0)
				return row;
		}
	}
	return NULL;
}

const struct conv_row *conv_at(size_t i)
{
	for (size_t t = 0; t < ARRAY_SIZE(conv_tables); t++) {
		for (const struct conv_row *row = conv_tables[t]; row->name; row++) {
			if (i-- == 0)
				return row;
		}
	}
	return NULL;
}

const struct fetch_row *fetch_find(struct slice name)
{
	for (size_t t = 0; t < ARRAY_SIZE(fetch_tables); t++) {
		for (const struct fetch_row *row = fetch_tables[t]; row->name; row++) {
			if (slice_eq(slice_str(row->name), name))
				return row;
		}
	}
	return NULL;
}

const struct conv_row *conv_find(struct slice name)
{
	for (size_t t = 0; t < ARRAY_SIZE(conv_tables); t++) {
		for (const struct conv_row *row = conv_tables[t]; row->name; row++) {
			if (slice_eq(slice_str(row->name), name))
				return row;
		}
	}
	return NULL;
}

static const char *next_fetch_name(const void *names, size_t i)
{
	const struct fetch_row *row = fetch_at(i);
	return row ? row->name : NULL;
}

static const char *next_conv_name(const void *names, size_t i)
{
	const struct conv_row *row = conv_at(i);
	return row ? row->name : NULL;
}

const char *rule_where_name(unsigned at)
{
	static const struct {
		unsigned at;
		const char *name;
	} names[] = {
		{ RULE_AT_CONN, "a new connection" },
		{ RULE_AT_SESS, "a new session" },
		{ RULE_AT_REQ_HTTP, "an HTTP request" },
		{ RULE_AT_REQ_BUF, "request contents" },
		{ RULE_AT_RES_HTTP, "an HTTP response" },
		{ RULE_AT_RES_BUF, "response contents" },
		{ RULE_AT_LOG, "a log line" },
		{ RULE_AT_BACKEND, "a backend" },
		{ RULE_AT_CLI, "the admin socket" },
		{ RULE_AT_CHECK, "a health check" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (at & names[i].at)
			return names[i].name;
	}
	return "this place";
}

static size_t name_len(const char *text)
{
	return strcspn(text, "(,] \t");
}

static void unknown(struct conf *conf, const struct conf_line *line, int arg, const char *kind,
    const char *name, const char *const *not_yet, const char *(*next)(const void *, size_t))
{
	if (rule_in_names(not_yet, name)) {
		conf_error(conf, line, arg, "%s '%s' is not supported in this version", kind, name);
		return;
	}
	const char *near = conf_nearest(name, next, NULL);
	if (near)
		conf_error(
		    conf, line, arg, "unknown %s '%s'; did you mean '%s'?", kind, name, near);
	else
		conf_error(conf, line, arg, "unknown %s '%s'", kind, name);
}

/* "path_beg": the row of "path", and "beg", when the row has such forms. */
static const struct fetch_row *find_acl_form(struct slice name, struct slice *ret_match)
{
	static const char *const forms[] = { "beg", "dir", "dom", "end", "len", "reg", "sub" };
	if (name.len < 5 || name.ptr[name.len - 4] != '_')
		return NULL;
	struct slice form = slice_sub(name, name.len - 3, 3);
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		if (!slice_eq(form, slice_str(forms[i])))
			continue;
		const struct fetch_row *row = fetch_find(slice_sub(name, 0, name.len - 4));
		if (!row || !row->acl_forms)
			return NULL;
		*ret_match = slice_str(forms[i]);
		return row;
	}
	return NULL;
}

static int fetch_compile(struct conf *conf, const struct conf_line *line, int arg, const char **p,
    struct slice *default_match, struct expr *e)
{
	struct slice name = slice_make(*p, name_len(*p));
	char shown[128];
	snprintf(shown, sizeof(shown), "%.*s", SLICE_ARG(name));
	e->fetch = fetch_find(name);
	if (!e->fetch && default_match)
		e->fetch = find_acl_form(name, default_match);
	/* manual 7.3.6: in conditions "hdr" and its forms are always about the request */
	if (default_match && e->fetch && e->fetch == fetch_find(SLICE("hdr")))
		e->fetch = fetch_find(SLICE("req.hdr"));
	if (!e->fetch) {
		unknown(conf, line, arg, "fetch", shown, fetch_not_yet, next_fetch_name);
		return -1;
	}
	*p += name.len;
	char what[160];
	snprintf(what, sizeof(what), "fetch '%s'", shown);
	struct arg_place at = { conf, line, arg, what };
	if (rule_args_parse(&at, p, e->fetch->args, ARRAY_SIZE(e->fetch->args), e->fetch->args_min,
		&e->args) < 0)
		return -1;
	if (e->fetch->check && e->fetch->check(&at, &e->args) < 0)
		return -1;
	e->out = e->fetch->out;
	return 0;
}

/* One converter at *p; grows e->convs. */
static int conv_compile(
    struct conf *conf, const struct conf_line *line, int arg, const char **p, struct expr *e)
{
	struct slice name = slice_make(*p, name_len(*p));
	char shown[128];
	snprintf(shown, sizeof(shown), "%.*s", SLICE_ARG(name));
	struct conv_call call = { .row = conv_find(name) };
	if (!call.row) {
		unknown(conf, line, arg, "converter", shown, conv_not_yet, next_conv_name);
		return -1;
	}
	if (!sample_can_cast(e->out, call.row->in)) {
		conf_error(conf, line, arg,
		    "converter '%s' cannot be applied to a value of type %s", shown,
		    sample_type_name(e->out));
		return -1;
	}
	*p += name.len;
	char what[160];
	snprintf(what, sizeof(what), "converter '%s'", shown);
	struct arg_place at = { conf, line, arg, what };
	if (rule_args_parse(&at, p, call.row->args, ARRAY_SIZE(call.row->args), call.row->args_min,
		&call.args) < 0)
		return -1;
	if (call.row->check && call.row->check(&at, &call.args) < 0)
		return -1;
	if (call.row->out_of)
		e->out = call.row->out_of(&call.args);
	else if (call.row->out != SMP_ANY)
		e->out = call.row->out;
	struct conv_call *grown = arena_array(conf_arena(conf), struct conv_call, e->convs_n + 1);
	if (!grown) {
		conf_error(conf, line, arg, "out of memory");
		return -1;
	}
	if (e->convs_n)
		memcpy(grown, e->convs, sizeof(*grown) * e->convs_n);
	grown[e->convs_n++] = call;
	e->convs = grown;
	return 0;
}

struct expr *expr_compile(struct conf *conf, const struct conf_line *line, int arg,
    const char *text, const char **stop, unsigned where, struct slice *default_match)
{
	struct expr *e = arena_new(conf_arena(conf), struct expr);
	const char *p = text;
	if (!e) {
		conf_error(conf, line, arg, "out of memory");
		return NULL;
	}
	if (fetch_compile(conf, line, arg, &p, default_match, e) < 0)
		return NULL;
	if (where && !(e->fetch->at & where)) {
		conf_error(conf, line, arg, "fetch '%s' may not be used here: it needs %s",
		    e->fetch->name, rule_where_name(e->fetch->at));
		return NULL;
	}
	while (*p == ',') {
		p++;
		if (conv_compile(conf, line, arg, &p, e) < 0)
			return NULL;
	}
	/* The match of "path_beg" is that of the bare keyword: converters bring their own type. */
	if (default_match && e->convs_n)
		*default_match = SLICE_NULL;
	if (stop) {
		*stop = p;
	} else if (*p) {
		conf_error(conf, line, arg, "unexpected '%s' behind the expression '%.*s'", p,
		    (int)(p - text), text);
		return NULL;
	}
	return e;
}

struct expr *expr_parse_text(
    struct conf *conf, const struct conf_line *line, int arg, const char *text, unsigned where)
{
	return expr_compile(conf, line, arg, text, NULL, where, NULL);
}

struct expr *expr_parse(struct conf *conf, const struct conf_line *line, int *arg, unsigned where)
{
	if (*arg >= line->argc) {
		conf_error(conf, line, *arg, "an expression is expected here");
		return NULL;
	}
	struct expr *e = expr_compile(conf, line, *arg, line->argv[*arg], NULL, where, NULL);
	if (!e)
		return NULL;
	/* Converters may follow as words of their own. */
	while (++*arg < line->argc) {
		const char *p = line->argv[*arg];
		if (!conv_find(slice_make(p, name_len(p))))
			break;
		do {
			if (conv_compile(conf, line, *arg, &p, e) < 0)
				return NULL;
		} while (*p == ',' && *++p);
	}
	return e;
}

#define VALUE_MAX 65536u

static size_t text_len(const struct sample *s)
{
	return s->type == SMP_STR || s->type == SMP_BIN ? s->str.len : 0;
}

/* A chain of converters that each make a text longer could make it as long as memory lasts: such has no value. */
static bool convert(const struct expr *e, struct rule_ctx *cx, struct sample *ret)
{
	size_t max = cx->value_max ? cx->value_max : VALUE_MAX;
	for (unsigned i = 0; i < e->convs_n; i++) {
		const struct conv_call *c = &e->convs[i];
		if (!sample_cast(ret, c->row->in, cx->arena))
			return false;
		size_t before = text_len(ret);
		if (!c->row->eval(cx, &c->args, c->row->data, ret))
			return false;
		size_t after = text_len(ret);
		if (unlikely(after > max && after > before))
			return false;
	}
	return true;
}

bool expr_next(
    const struct expr *e, struct rule_ctx *cx, struct fetch_walk *walk, struct sample *ret)
{
	ret->type = SMP_ANY;
	ret->may_change = false;
	return e->fetch->eval(cx, &e->args, e->fetch->data, walk, ret) && convert(e, cx, ret);
}

/* ---- values that are kept while a run of conditions lasts ---- */

static bool same_args(const struct args *a, const struct args *b)
{
	if (a->n != b->n || a->data || b->data)
		return false;
	for (unsigned i = 0; i < a->n; i++) {
		const struct arg *x = &a->v[i], *y = &b->v[i];
		bool plain = x->type == ARG_NONE || x->type == ARG_HDR || x->type == ARG_SINT;
		if (!plain || x->type != y->type || x->num != y->num || !slice_eq(x->str, y->str))
			return false;
	}
	return true;
}

struct shared_expr {
	struct shared_expr *next;
	struct expr *expr;
	unsigned n; /* with those behind it */
};

struct expr *expr_shared(struct conf *conf, struct expr *e)
{
	struct shared_expr **list = (struct shared_expr **)conf_slot(conf, CONF_SLOT_EXPRS);
	if (!e->fetch->steady || e->convs_n || !same_args(&e->args, &e->args))
		return e;
	for (struct shared_expr *s = *list; s; s = s->next) {
		if (s->expr->fetch == e->fetch && same_args(&s->expr->args, &e->args))
			return s->expr;
	}
	struct shared_expr *mine = arena_new(conf_arena(conf), struct shared_expr);
	if (!mine)
		return e;
	mine->next = *list;
	mine->expr = e;
	mine->n = *list ? (*list)->n + 1 : 0;
	*list = mine;
	e->memo = mine->n % RULE_MEMO_N + 1;
	return e;
}

const struct rule_memo_value *expr_memorize(const struct expr *e, struct rule_ctx *cx)
{
	struct rule_memo *m = cx->memo;
	struct rule_memo_value *v = &m->value[e->memo - 1];
	struct fetch_walk walk = { .more = false };
	struct sample second = { .may_change = false };
	v->values = expr_next(e, cx, &walk, &v->s) ? MEMO_ONE : MEMO_NONE;
	if (walk.more && expr_next(e, cx, &walk, &second))
		v->values = MEMO_MANY;
	if (v->s.may_change || second.may_change)
		return NULL;
	m->of[e->memo - 1] = e;
	return v;
}

bool expr_convert(
    const struct expr *e, struct rule_ctx *cx, enum sample_type to, struct sample *ret)
{
	return convert(e, cx, ret) && sample_cast(ret, to, cx->arena);
}

bool expr_eval(const struct expr *e, struct rule_ctx *cx, enum sample_type to, struct sample *ret)
{
	return expr_next(e, cx, NULL, ret) && sample_cast(ret, to, cx->arena);
}
