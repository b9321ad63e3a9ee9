/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes the Cookie and Set-Cookie fields under every cookie mode. The input is a byte that chooses the mode, and
 * two values separated by a newline.
 */
#include "weir/upstream/persist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > 4096)
		return 0;
	struct cookie_conf c = {
		.name = SLICE("SRV"),
		.insert = data[0] % 3 == 0,
		.rewrite = data[0] % 3 == 1,
		.prefix = data[0] % 3 == 2,
		.indirect = data[0] & 4,
		.preserve = data[0] & 8,
		.nocache = data[0] & 16,
		.maxidle_s = data[0] & 32 ? 10 : 0,
		.maxlife_s = data[0] & 64 ? 10 : 0,
	};
	struct server_rt rt = { .usable = 1 };
	struct backend be = { .cookie = &c };
	struct server s = { .name = "s", .cookie = "A", .be = &be, .rt = &rt };
	struct server *list[] = { &s };
	be.servers = list;
	be.servers_n = 1;

	struct slice rest = slice_make((const char *)data + 1, size - 1);
	struct slice cookie = slice_cut(&rest, '\n');
	struct http_hdr hdrs[2][8];
	struct http_msg req, res;
	struct arena arena;
	struct persist_state st;
	struct record_flags flags;
	arena_init(&arena, 4096);
	http_msg_init(&req, hdrs[0], 8);
	http_msg_init(&res, hdrs[1], 8);
	res.status = 200;
	if (http_hdr_add(&req, SLICE("cookie"), cookie) < 0 ||
	    (rest.ptr && http_hdr_add(&res, SLICE("set-cookie"), rest) < 0))
		return 0;
	persist_request(&be, &req, &arena, 1795425952, &st, &flags);
	(void)persist_response(&be, &res, &arena, 1795425952, &s, data[0] & 128, &st, &flags);
	arena_reset(&arena);
	return 0;
}
