/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes the reader of TLS hellos: whatever the bytes, a beginning of what is whole is never refused, and what is
 * found lies inside.
 */
#include "weir/tls/client_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Touches every byte that was found; the sum keeps the reads. */
static unsigned walk(struct slice body)
{
	static const unsigned types[] = { TLS_EXT_SERVER_NAME, TLS_EXT_ALPN, TLS_EXT_KEY_SHARE };
	struct tls_client_hello h;
	struct slice ext, list;
	unsigned sum = 0;
	if (!tls_client_hello_parse(body, &h))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (!tls_client_hello_extension(&h, types[i], &ext))
			continue;
		for (size_t k = 0; k < ext.len; k++)
			sum += (unsigned char)ext.ptr[k];
		if (tls_cut_block(&ext, 2, &list) && list.len)
			sum += (unsigned char)list.ptr[list.len - 1];
	}
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_make((const char *)data, size);
	struct tls_hello_message m;
	struct arena arena;
	unsigned version;
	if (size > 8192)
		return 0;
	arena_init(&arena, 4096);
	(void)tls_hello_version(in, &version);
	if (tls_hello_message(in, &arena, &m) == TLS_HELLO_WHOLE) {
		if (walk(m.body) == UINT32_MAX)
			__builtin_trap();
		for (size_t n = 0; n < size; n += 1 + size / 16) {
			struct tls_hello_message part;
			if (tls_hello_message(slice_sub(in, 0, n), &arena, &part) == TLS_HELLO_NONE)
				__builtin_trap();
		}
	}
	arena_reset(&arena);
	return 0;
}
