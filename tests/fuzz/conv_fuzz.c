/* SPDX-License-Identifier: MIT */
/*
 * Bytes of a peer through every converter that takes a format apart: JSON, protocol buffers, gRPC, FIX, MQTT,
 * tokens, the Forwarded header, packets. The first byte chooses the converter.
 */
#include <stdlib.h>

#include "weir/rule/rule.h"

static const char *const converters[] = {
	"json_query($.a.b[1])",
	"json_query($.a,int)",
	"json_query($)",
	"json(utf8)",
	"json(utf8s)",
	"json(utf8ps)",
	"protobuf(1,int32)",
	"protobuf(2.3.1,double)",
	"protobuf(4)",
	"ungrpc(48.59.1,sint64)",
	"ungrpc(1)",
	"fix_is_valid",
	"fix_tag_value(49)",
	"mqtt_is_valid",
	"mqtt_field_value(connect,username)",
	"mqtt_field_value(connack,31)",
	"jwt_header_query",
	"jwt_payload_query($.iss)",
	"jwt_verify(HS256,secret)",
	"jwt_verify(none,)",
	"jwt_decrypt_secret(GawgguFyGrWKav7AX4VKUg)",
	"rfc7239_is_valid",
	"rfc7239_field(for)",
	"rfc7239_n2nn",
	"rfc7239_n2np",
	"rfc7239_nn",
	"rfc7239_np",
	"eth.hdr",
	"eth.vlan",
	"eth.data,ip.fp(7)",
	"ip.hdr",
	"ip.data,tcp.options_list",
	"ip.fp(7)",
	"tcp.options.tsval",
	"ip.src",
	"b64dec",
	"ub64dec,ub64enc",
	"url_dec",
	"xxh3(7)",
	"xxh32",
	"xxh64",
	"hmac(sha256,a2V5)",
	"aes_cbc_dec(128,AAAAAAAAAAAAAAAAAAAAAA==,AAAAAAAAAAAAAAAAAAAAAA==)",
	"date",
	"host_only",
	"port_only",
	"cut_crlf",
	"language(en;de,fr)",
};

#define N ARRAY_SIZE(converters)

static struct arena conf_mem;
static struct expr *exprs[N];

static void require(bool ok)
{
	if (!ok)
		abort();
}

static int on_expr(const struct conf_call *call)
{
	static size_t n;
	int arg = call->arg;
	require(n < N);
	exprs[n] = expr_parse(call->conf, call->line, &arg, RULE_AT_REQ_BUF);
	require(exprs[n] != NULL);
	n++;
	return 0;
}

static void *on_section(const struct conf_call *call)
{
	return &conf_mem;
}

static const struct conf_keyword rows[] = {
	{ "expr", CONF_FRONTEND, 0, 0, -1, on_expr, 0, "", "" },
	{ .name = NULL },
};
static const struct conf_keyword *const tables[] = { rows, NULL };
static const struct conf_section section = {
	.name = "frontend", .scope = CONF_FRONTEND, .open = on_section, .tables = tables
};
static const struct conf_section *const sections[] = { &section, NULL };

static void compile(void)
{
	arena_init(&conf_mem, 65536);
	struct diag *diag = diag_new();
	const struct conf_setup setup = { .sections = sections,
		.keywords = tables,
		.diag = diag,
		.arena = &conf_mem,
		.user = &conf_mem,
		.version = "3.5.0" };
	struct conf *conf = conf_new(&setup);
	char *text = arena_strdup(&conf_mem, "frontend f\n");
	for (size_t i = 0; i < N; i++)
		text =
		    arena_printf(&conf_mem, "%sexpr 'req.payload(0,0),%s'\n", text, converters[i]);
	require(conf_add_text(conf, "t", slice_str(text)) == 0);
	require(conf_read(conf) == 0);
	conf_free(conf);
	diag_free(diag);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct arena mem;
	struct worker worker = { 0 };
	if (!exprs[0]) {
		compile();
		arena_init(&mem, 65536);
	}
	if (size < 1)
		return 0;
	/* A copy of its own, so that a byte too far is seen. */
	char *copy = malloc(size);
	require(copy != NULL);
	memcpy(copy, data + 1, size - 1);
	struct rule_ctx cx = { .worker = &worker,
		.arena = &mem,
		.at = RULE_AT_REQ_BUF,
		.req_final = true,
		.req_buf = slice_make(copy, size - 1) };
	struct sample s;
	if (expr_eval(exprs[data[0] % N], &cx, SMP_STR, &s)) {
		/* Reading all of it shows a slice that points astray. */
		size_t digits = 0;
		for (size_t i = 0; i < s.str.len; i++)
			digits += ascii_is_digit(s.str.ptr[i]);
		require(digits <= s.str.len);
	}
	free(copy);
	arena_reset(&mem);
	return 0;
}
