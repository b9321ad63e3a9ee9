/* SPDX-License-Identifier: MIT */
/* Fuzzes how health checks judge responses: never a crash, and bytes that decide keep deciding. */
#include "../../src/upstream/check/check_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct httpchk_conf modes[] = {
		{ .enabled = true, .method = "OPTIONS", .uri = "/", .version = "HTTP/1.0" },
		{ .enabled = true,
		    .method = "GET",
		    .uri = "/",
		    .version = "HTTP/1.1",
		    .disable_on_404 = true,
		    .expect = { .kind = EXPECT_STRING, .text = { "alive", 5 } } },
		{ .enabled = true,
		    .method = "HEAD",
		    .uri = "/",
		    .version = "HTTP/1.1",
		    .expect = { .kind = EXPECT_STRING, .negate = true, .text = { "err", 3 } } },
	};
	struct check_verdict v;
	if (size > CHECK_RESPONSE_MAX)
		return 0;
	for (size_t m = 0; m < ARRAY_SIZE(modes); m++) {
		char *buf = malloc(size + 1);
		if (!buf)
			return 0;
		memcpy(buf, data, size);
		(void)check_http_judge(&modes[m], buf, size / 2, false, false, &v);
		memcpy(buf, data, size);
		if (!check_http_judge(&modes[m], buf, size, true, false, &v))
			abort(); /* nothing more will come: it must decide */
		free(buf);
	}
	return 0;
}
