/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes the reader of the PROXY protocol: it must say the same of a header whether its bytes came at once or
 * in pieces, and what it understood must survive being written and read again.
 */
#include "weir/net/proxy_proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_pieces(const char *in, size_t size, enum pp_result whole, size_t consumed)
{
	struct pp_header h;
	for (size_t split = 0; split < MIN(size, 300); split++) {
		enum pp_result r = pp_parse(in, split, &h);
		if (whole == PP_COMPLETE && split < consumed)
			check(r == PP_INCOMPLETE);
		else if (whole == PP_INCOMPLETE)
			check(r == PP_INCOMPLETE);
		check(r != PP_ERROR || h.error);
	}
}

static void check_again(const struct pp_header *h, bool version_2)
{
	char out[PP_HEADER_MAX];
	struct pp_header again;
	size_t len = version_2
			 ? pp_write_v2(&h->src, &h->dst, false, NULL, 0, true, out, sizeof(out))
			 : pp_write_v1(&h->src, &h->dst, out);
	check(pp_parse(out, len, &again) == PP_COMPLETE && again.consumed == len && !again.local);
	check(memcmp(&again.src, &h->src, sizeof(h->src)) == 0);
	check(memcmp(&again.dst, &h->dst, sizeof(h->dst)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *in = (const char *)data;
	struct pp_header h;
	struct slice value;
	enum pp_result r = pp_parse(in, size, &h);
	if (r == PP_COMPLETE) {
		check(h.consumed > 0 && h.consumed <= size && h.consumed <= PP_HEADER_MAX);
		for (unsigned type = 0; type < 256; type++)
			(void)pp_tlv_find(h.tlvs, type, &value);
		if (!h.local) {
			check_again(&h, false);
			check_again(&h, true);
		}
	}
	if (r == PP_INCOMPLETE)
		check(size < PP_HEADER_MAX);
	check_pieces(in, size, r, h.consumed);
	return 0;
}
