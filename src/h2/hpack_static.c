/* SPDX-License-Identifier: MIT */
/*
 * The static table of RFC 7541 Appendix A, and the way to it from a name: by its number where it has one, else by its
 * length, as no two lengths share many names.
 */
#include "hpack_int.h"
#include "weir/http/http.h"

/* clang-format off */
#define ROW(name, value, id) { { name, sizeof(name) - 1 }, { value, sizeof(value) - 1 }, id }
const struct hpack_static hpack_static[HPACK_STATIC_N + 1] = {
	[1] = ROW(":authority", "", HDR_OTHER),
	[2] = ROW(":method", "GET", HDR_OTHER),
	[3] = ROW(":method", "POST", HDR_OTHER),
	[4] = ROW(":path", "/", HDR_OTHER),
	[5] = ROW(":path", "/index.html", HDR_OTHER),
	[6] = ROW(":scheme", "http", HDR_OTHER),
	[7] = ROW(":scheme", "https", HDR_OTHER),
	[8] = ROW(":status", "200", HDR_OTHER),
	[9] = ROW(":status", "204", HDR_OTHER),
	[10] = ROW(":status", "206", HDR_OTHER),
	[11] = ROW(":status", "304", HDR_OTHER),
	[12] = ROW(":status", "400", HDR_OTHER),
	[13] = ROW(":status", "404", HDR_OTHER),
	[14] = ROW(":status", "500", HDR_OTHER),
	[15] = ROW("accept-charset", "", HDR_OTHER),
	[16] = ROW("accept-encoding", "gzip, deflate", HDR_ACCEPT_ENCODING),
	[17] = ROW("accept-language", "", HDR_OTHER),
	[18] = ROW("accept-ranges", "", HDR_OTHER),
	[19] = ROW("accept", "", HDR_ACCEPT),
	[20] = ROW("access-control-allow-origin", "", HDR_OTHER),
	[21] = ROW("age", "", HDR_AGE),
	[22] = ROW("allow", "", HDR_OTHER),
	[23] = ROW("authorization", "", HDR_AUTHORIZATION),
	[24] = ROW("cache-control", "", HDR_CACHE_CONTROL),
	[25] = ROW("content-disposition", "", HDR_OTHER),
	[26] = ROW("content-encoding", "", HDR_CONTENT_ENCODING),
	[27] = ROW("content-language", "", HDR_OTHER),
	[28] = ROW("content-length", "", HDR_CONTENT_LENGTH),
	[29] = ROW("content-location", "", HDR_OTHER),
	[30] = ROW("content-range", "", HDR_OTHER),
	[31] = ROW("content-type", "", HDR_CONTENT_TYPE),
	[32] = ROW("cookie", "", HDR_COOKIE),
	[33] = ROW("date", "", HDR_DATE),
	[34] = ROW("etag", "", HDR_ETAG),
	[35] = ROW("expect", "", HDR_EXPECT),
	[36] = ROW("expires", "", HDR_OTHER),
	[37] = ROW("from", "", HDR_OTHER),
	[38] = ROW("host", "", HDR_HOST),
	[39] = ROW("if-match", "", HDR_OTHER),
	[40] = ROW("if-modified-since", "", HDR_IF_MODIFIED_SINCE),
	[41] = ROW("if-none-match", "", HDR_IF_NONE_MATCH),
	[42] = ROW("if-range", "", HDR_OTHER),
	[43] = ROW("if-unmodified-since", "", HDR_OTHER),
	[44] = ROW("last-modified", "", HDR_LAST_MODIFIED),
	[45] = ROW("link", "", HDR_OTHER),
	[46] = ROW("location", "", HDR_LOCATION),
	[47] = ROW("max-forwards", "", HDR_OTHER),
	[48] = ROW("proxy-authenticate", "", HDR_PROXY_AUTHENTICATE),
	[49] = ROW("proxy-authorization", "", HDR_PROXY_AUTHORIZATION),
	[50] = ROW("range", "", HDR_RANGE),
	[51] = ROW("referer", "", HDR_REFERER),
	[52] = ROW("refresh", "", HDR_OTHER),
	[53] = ROW("retry-after", "", HDR_OTHER),
	[54] = ROW("server", "", HDR_SERVER),
	[55] = ROW("set-cookie", "", HDR_SET_COOKIE),
	[56] = ROW("strict-transport-security", "", HDR_OTHER),
	[57] = ROW("transfer-encoding", "", HDR_TRANSFER_ENCODING),
	[58] = ROW("user-agent", "", HDR_USER_AGENT),
	[59] = ROW("vary", "", HDR_VARY),
	[60] = ROW("via", "", HDR_VIA),
	[61] = ROW("www-authenticate", "", HDR_WWW_AUTHENTICATE),
};

static const uint8_t by_id[HDR_N] = {
	[HDR_ACCEPT_ENCODING] = 16, [HDR_ACCEPT] = 19, [HDR_AGE] = 21, [HDR_AUTHORIZATION] = 23,
	[HDR_CACHE_CONTROL] = 24, [HDR_CONTENT_ENCODING] = 26, [HDR_CONTENT_LENGTH] = 28,
	[HDR_CONTENT_TYPE] = 31, [HDR_COOKIE] = 32, [HDR_DATE] = 33, [HDR_ETAG] = 34,
	[HDR_EXPECT] = 35, [HDR_HOST] = 38, [HDR_IF_MODIFIED_SINCE] = 40, [HDR_IF_NONE_MATCH] = 41,
	[HDR_LAST_MODIFIED] = 44, [HDR_LOCATION] = 46, [HDR_PROXY_AUTHENTICATE] = 48,
	[HDR_PROXY_AUTHORIZATION] = 49, [HDR_RANGE] = 50, [HDR_REFERER] = 51, [HDR_SERVER] = 54,
	[HDR_SET_COOKIE] = 55, [HDR_TRANSFER_ENCODING] = 57, [HDR_USER_AGENT] = 58,
	[HDR_VARY] = 59, [HDR_VIA] = 60, [HDR_WWW_AUTHENTICATE] = 61,
};

/* Names without a number, by their length. */
#define LENGTH_MAX 27
#define SAME_LENGTH 2
static const uint8_t by_length[LENGTH_MAX + 1][SAME_LENGTH] = {
	[4] = { 37, 45 }, [5] = { 22 }, [7] = { 36, 52 }, [8] = { 39, 42 }, [11] = { 53 },
	[12] = { 47 }, [13] = { 18, 30 }, [14] = { 15 }, [15] = { 17 }, [16] = { 27, 29 },
	[19] = { 25, 43 }, [25] = { 56 }, [27] = { 20 },
};
/* clang-format on */

unsigned hpack_static_name(unsigned id, struct slice name)
{
	if (id != HDR_OTHER)
		return by_id[id];
	if (name.len > LENGTH_MAX)
		return 0;
	const uint8_t *rows = by_length[name.len];
	for (unsigned i = 0; i < SAME_LENGTH && rows[i]; i++) {
		if (memcmp(hpack_static[rows[i]].name.ptr, name.ptr, name.len) == 0)
			return rows[i];
	}
	return 0;
}
