/* SPDX-License-Identifier: MIT */
/* Fuzzes how health checks judge what servers say: never a crash, and bytes that decide keep deciding. */
#include "../../src/upstream/check/check_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct mode {
	struct httpchk_conf conf;
	struct check_step step;
	bool head;
};

static const struct mode modes[] = {
	{ .conf.http = true, .step.expect = { .min_recv = -1 } },
	{ .conf = { .http = true, .disable_on_404 = true },
	    .step.expect = { .kind = EXPECT_STRING, .text.text = { "alive", 5 }, .min_recv = -1 } },
	{ .conf.http = true,
	    .step.expect = { .kind = EXPECT_STRING,
		.negate = true,
		.text.text = { "err", 3 },
		.min_recv = 8 },
	    .head = true },
	{ .conf.http = true,
	    .step.expect = { .kind = EXPECT_HDR,
		.name = { .kind = MATCH_END, .text.text = { "t", 1 } },
		.value = { .kind = MATCH_SUB, .text.text = { "a", 1 } },
		.has_value = true,
		.min_recv = -1 } },
	{ .step.expect = { .kind = EXPECT_BINARY, .text.text = { "HTTP", 4 }, .min_recv = -1 } },
};

static bool judge(const struct mode *m, struct check_response *in, const uint8_t *data, size_t size,
    bool over, struct arena *arena)
{
	struct rule_ctx cx = { .arena = arena, .at = RULE_AT_CHECK, .res_final = true };
	struct check_verdict v;
	if (size)
		memcpy(in->in, data, size);
	in->len = size;
	in->eof = over;
	return m->conf.http ? check_http_judge(&m->conf, &m->step, m->head, in, &cx, &v)
			    : check_tcp_judge(&m->step, in, &cx, &v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct check_response in;
	struct arena arena;
	if (size > CHECK_RESPONSE_MAX)
		return 0;
	arena_init(&arena, 4096);
	for (size_t m = 0; m < ARRAY_SIZE(modes); m++) {
		(void)judge(&modes[m], &in, data, size / 2, false, &arena);
		if (!judge(&modes[m], &in, data, size, true, &arena))
			abort(); /* nothing more will come: it must decide */
	}
	arena_reset(&arena);
	return 0;
}
