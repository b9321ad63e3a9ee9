/* SPDX-License-Identifier: MIT */
/*
 * Names and numbers: methods, known header fields, reason phrases. A header name is found by a perfect hash of
 * its length, first and last byte and one comparison; a name added to enum http_hdr_id that collides with
 * another one does not compile (two initialisers of one slot). All tables are constant.
 */
#include "weir/http/http.h"

/* In the order of enum http_hdr_id. */
static const struct slice header_names[HDR_N] = {
	[HDR_OTHER] = { .ptr = "", .len = 0 },
#define NAME(id, text) [HDR_##id] = { .ptr = (text), .len = sizeof(text) - 1 }
	NAME(ACCEPT, "accept"),
	NAME(ACCEPT_ENCODING, "accept-encoding"),
	NAME(AGE, "age"),
	NAME(ALT_SVC, "alt-svc"),
	NAME(AUTHORIZATION, "authorization"),
	NAME(CACHE_CONTROL, "cache-control"),
	NAME(CONNECTION, "connection"),
	NAME(CONTENT_ENCODING, "content-encoding"),
	NAME(CONTENT_LENGTH, "content-length"),
	NAME(CONTENT_TYPE, "content-type"),
	NAME(COOKIE, "cookie"),
	NAME(DATE, "date"),
	NAME(ETAG, "etag"),
	NAME(EXPECT, "expect"),
	NAME(FORWARDED, "forwarded"),
	NAME(HOST, "host"),
	NAME(IF_MODIFIED_SINCE, "if-modified-since"),
	NAME(IF_NONE_MATCH, "if-none-match"),
	NAME(KEEP_ALIVE, "keep-alive"),
	NAME(LAST_MODIFIED, "last-modified"),
	NAME(LOCATION, "location"),
	NAME(ORIGIN, "origin"),
	NAME(PRAGMA, "pragma"),
	NAME(PROXY_AUTHENTICATE, "proxy-authenticate"),
	NAME(PROXY_AUTHORIZATION, "proxy-authorization"),
	NAME(PROXY_CONNECTION, "proxy-connection"),
	NAME(RANGE, "range"),
	NAME(REFERER, "referer"),
	NAME(SERVER, "server"),
	NAME(SET_COOKIE, "set-cookie"),
	NAME(TE, "te"),
	NAME(TRAILER, "trailer"),
	NAME(TRANSFER_ENCODING, "transfer-encoding"),
	NAME(UPGRADE, "upgrade"),
	NAME(USER_AGENT, "user-agent"),
	NAME(VARY, "vary"),
	NAME(VIA, "via"),
	NAME(WWW_AUTHENTICATE, "www-authenticate"),
	NAME(X_FORWARDED_FOR, "x-forwarded-for"),
	NAME(X_FORWARDED_PROTO, "x-forwarded-proto"),
	NAME(X_ORIGINAL_TO, "x-original-to"),
#undef NAME
};

#define HASH_SLOTS	       128
#define HASH(first, last, len) (((len) + (first)*14u + (last)*7u) % HASH_SLOTS)

/* Multipliers found by search so that no two known names meet. */
static const uint8_t header_slots[HASH_SLOTS] = {
	[HASH('a', 't', 6)] = HDR_ACCEPT,
	[HASH('a', 'g', 15)] = HDR_ACCEPT_ENCODING,
	[HASH('a', 'e', 3)] = HDR_AGE,
	[HASH('a', 'c', 7)] = HDR_ALT_SVC,
	[HASH('a', 'n', 13)] = HDR_AUTHORIZATION,
	[HASH('c', 'l', 13)] = HDR_CACHE_CONTROL,
	[HASH('c', 'n', 10)] = HDR_CONNECTION,
	[HASH('c', 'g', 16)] = HDR_CONTENT_ENCODING,
	[HASH('c', 'h', 14)] = HDR_CONTENT_LENGTH,
	[HASH('c', 'e', 12)] = HDR_CONTENT_TYPE,
	[HASH('c', 'e', 6)] = HDR_COOKIE,
	[HASH('d', 'e', 4)] = HDR_DATE,
	[HASH('e', 'g', 4)] = HDR_ETAG,
	[HASH('e', 't', 6)] = HDR_EXPECT,
	[HASH('f', 'd', 9)] = HDR_FORWARDED,
	[HASH('h', 't', 4)] = HDR_HOST,
	[HASH('i', 'e', 17)] = HDR_IF_MODIFIED_SINCE,
	[HASH('i', 'h', 13)] = HDR_IF_NONE_MATCH,
	[HASH('k', 'e', 10)] = HDR_KEEP_ALIVE,
	[HASH('l', 'd', 13)] = HDR_LAST_MODIFIED,
	[HASH('l', 'n', 8)] = HDR_LOCATION,
	[HASH('o', 'n', 6)] = HDR_ORIGIN,
	[HASH('p', 'a', 6)] = HDR_PRAGMA,
	[HASH('p', 'e', 18)] = HDR_PROXY_AUTHENTICATE,
	[HASH('p', 'n', 19)] = HDR_PROXY_AUTHORIZATION,
	[HASH('p', 'n', 16)] = HDR_PROXY_CONNECTION,
	[HASH('r', 'e', 5)] = HDR_RANGE,
	[HASH('r', 'r', 7)] = HDR_REFERER,
	[HASH('s', 'r', 6)] = HDR_SERVER,
	[HASH('s', 'e', 10)] = HDR_SET_COOKIE,
	[HASH('t', 'e', 2)] = HDR_TE,
	[HASH('t', 'r', 7)] = HDR_TRAILER,
	[HASH('t', 'g', 17)] = HDR_TRANSFER_ENCODING,
	[HASH('u', 'e', 7)] = HDR_UPGRADE,
	[HASH('u', 't', 10)] = HDR_USER_AGENT,
	[HASH('v', 'y', 4)] = HDR_VARY,
	[HASH('v', 'a', 3)] = HDR_VIA,
	[HASH('w', 'e', 16)] = HDR_WWW_AUTHENTICATE,
	[HASH('x', 'r', 15)] = HDR_X_FORWARDED_FOR,
	[HASH('x', 'o', 17)] = HDR_X_FORWARDED_PROTO,
	[HASH('x', 'o', 13)] = HDR_X_ORIGINAL_TO,
};

static inline uint64_t load64(const char *p)
{
	uint64_t word;
	memcpy(&word, p, sizeof(word));
	return word;
}

static inline uint32_t load32(const char *p)
{
	uint32_t word;
	memcpy(&word, p, sizeof(word));
	return word;
}

/* memcmp() for short names by words that may overlap. fold is ORed to every byte of name. */
static inline bool same_name(const char *known, const char *name, size_t len, uint64_t fold)
{
	if (likely(len >= 8)) {
		for (size_t i = 0; i + 8 < len; i += 8) {
			if (load64(known + i) != (load64(name + i) | fold))
				return false;
		}
		return load64(known + len - 8) == (load64(name + len - 8) | fold);
	}
	if (len >= 4)
		return load32(known) == (load32(name) | (uint32_t)fold) &&
		       load32(known + len - 4) == (load32(name + len - 4) | (uint32_t)fold);
	for (size_t i = 0; i < len; i++) {
		if (known[i] != (char)(name[i] | (char)fold))
			return false;
	}
	return true;
}

static inline enum http_hdr_id find_id(const char *name, size_t len, uint64_t fold)
{
	if (unlikely(len == 0))
		return HDR_OTHER;
	unsigned first = (unsigned char)(name[0] | (char)fold);
	unsigned last = (unsigned char)(name[len - 1] | (char)fold);
	unsigned id = header_slots[HASH(first, last, len)];
	const struct slice *known = &header_names[id];
	if (known->len != len || !same_name(known->ptr, name, len, fold))
		return HDR_OTHER;
	return (enum http_hdr_id)id;
}

enum http_hdr_id http_hdr_id(const char *name, size_t len)
{
	return find_id(name, len, 0);
}

/*
 * Letters, digits and '-' are all that known names are made of, and 0x20 turns no other token character into
 * one of them, so the OR makes exactly the case go away.
 */
enum http_hdr_id http_hdr_id_fold(const char *name, size_t len)
{
	return find_id(name, len, 0x2020202020202020ULL);
}

struct slice http_hdr_name(enum http_hdr_id id)
{
	return (unsigned)id < HDR_N ? header_names[id] : header_names[HDR_OTHER];
}

static enum http_method check_method(struct slice name, enum http_method method, struct slice want)
{
	return slice_eq(name, want) ? method : HTTP_OTHER;
}

/* Method names are case-sensitive (RFC 9110 9.1). */
enum http_method http_method_of(struct slice name)
{
	if (name.len < 3)
		return HTTP_OTHER;
	switch (name.ptr[0]) {
	case 'G':
		return check_method(name, HTTP_GET, SLICE("GET"));
	case 'H':
		return check_method(name, HTTP_HEAD, SLICE("HEAD"));
	case 'P':
		if (name.ptr[1] == 'O')
			return check_method(name, HTTP_POST, SLICE("POST"));
		if (name.ptr[1] == 'U')
			return check_method(name, HTTP_PUT, SLICE("PUT"));
		return check_method(name, HTTP_PATCH, SLICE("PATCH"));
	case 'D':
		return check_method(name, HTTP_DELETE, SLICE("DELETE"));
	case 'O':
		return check_method(name, HTTP_OPTIONS, SLICE("OPTIONS"));
	case 'T':
		return check_method(name, HTTP_TRACE, SLICE("TRACE"));
	case 'C':
		return check_method(name, HTTP_CONNECT, SLICE("CONNECT"));
	default:
		return HTTP_OTHER;
	}
}

struct reason {
	uint16_t status;
	const char *text;
};

/* RFC 9110 15 and the registry's additions, by status. */
static const struct reason reasons[] = {
	{ 100, "Continue" },
	{ 101, "Switching Protocols" },
	{ 102, "Processing" },
	{ 103, "Early Hints" },
	{ 200, "OK" },
	{ 201, "Created" },
	{ 202, "Accepted" },
	{ 203, "Non-Authoritative Information" },
	{ 204, "No Content" },
	{ 205, "Reset Content" },
	{ 206, "Partial Content" },
	{ 207, "Multi-Status" },
	{ 208, "Already Reported" },
	{ 226, "IM Used" },
	{ 300, "Multiple Choices" },
	{ 301, "Moved Permanently" },
	{ 302, "Found" },
	{ 303, "See Other" },
	{ 304, "Not Modified" },
	{ 305, "Use Proxy" },
	{ 307, "Temporary Redirect" },
	{ 308, "Permanent Redirect" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 402, "Payment Required" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" },
	{ 407, "Proxy Authentication Required" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 410, "Gone" },
	{ 411, "Length Required" },
	{ 412, "Precondition Failed" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 416, "Range Not Satisfiable" },
	{ 417, "Expectation Failed" },
	{ 421, "Misdirected Request" },
	{ 422, "Unprocessable Content" },
	{ 423, "Locked" },
	{ 424, "Failed Dependency" },
	{ 425, "Too Early" },
	{ 426, "Upgrade Required" },
	{ 428, "Precondition Required" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 451, "Unavailable For Legal Reasons" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
	{ 505, "HTTP Version Not Supported" },
	{ 506, "Variant Also Negotiates" },
	{ 507, "Insufficient Storage" },
	{ 508, "Loop Detected" },
	{ 511, "Network Authentication Required" },
};

struct slice http_reason(unsigned status)
{
	size_t low = 0;
	size_t high = ARRAY_SIZE(reasons);
	while (low < high) {
		size_t mid = (low + high) / 2;
		if (reasons[mid].status == status)
			return slice_str(reasons[mid].text);
		if (reasons[mid].status < status)
			low = mid + 1;
		else
			high = mid;
	}
	static const char *const classes[] = { "Other", "Informational", "Success", "Redirection",
		"Client Error", "Server Error" };
	return slice_str(classes[status / 100 < ARRAY_SIZE(classes) ? status / 100 : 0]);
}
