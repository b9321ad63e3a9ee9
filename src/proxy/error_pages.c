/* SPDX-License-Identifier: MIT */
/*
 * The answers weir gives of its own when no errorfile is configured, and the order of the statuses that can be
 * customised. Text and head fields are those that HAProxy sends, for clients and tests that look at them; the
 * length of each body is written out, and a unit test compares it. Behind 400 and 408
 * nothing more can be understood of the client, so they ask for the end of the connection. Constant data.
 */
#include "error_pages.h"

#include "weir/proxy/proxy.h"

struct page {
	unsigned status;
	struct slice raw;
};

/* clang-format off */
#define CLOSE "Connection: close\r\n"
#define PAGE(code, reason, length, more, text)                                                           \
	{                                                                                          \
		code, SLICE("HTTP/1.1 " #code " " reason "\r\n"                                    \
			    "Content-length: " length "\r\n"                                       \
			    "Cache-Control: no-cache\r\n" more                                     \
			    "Content-Type: text/html\r\n"                                          \
			    "\r\n"                                                                 \
			    "<html><body><h1>" #code " " reason "</h1>\n"                          \
			    text "\n</body></html>\n")                                             \
	}

static const struct page pages[] = {
	PAGE(200, "OK", "58", "", "Service ready."),
	PAGE(400, "Bad request", "90", CLOSE, "Your browser sent an invalid request."),
	PAGE(401, "Unauthorized", "112", "", "You need a valid user and password to access this content."),
	PAGE(403, "Forbidden", "93", "", "Request forbidden by administrative rules."),
	PAGE(404, "Not Found", "83", "", "The resource could not be found."),
	PAGE(405, "Method Not Allowed", "146", "", "A request was made of a resource using a request method not supported by that resource"),
	PAGE(407, "Unauthorized", "112", "", "You need a valid user and password to access this content."),
	PAGE(408, "Request Time-out", "110", CLOSE, "Your browser didn't send a complete request in time."),
	PAGE(410, "Gone", "114", "", "The resource is no longer available and will not be available again."),
	PAGE(413, "Payload Too Large", "106", "", "The request entity exceeds the maximum allowed."),
	PAGE(414, "URI Too Long", "83", "", "The requested URI is too long."),
	PAGE(421, "Misdirected Request", "104", "", "Request sent to a non-authoritative server."),
	PAGE(422, "Unprocessable Content", "116", "", "The server cannot process the contained instructions."),
	PAGE(425, "Too Early", "80", "", "Your browser sent early data."),
	PAGE(429, "Too Many Requests", "117", "", "You have sent too many requests in a given amount of time."),
	PAGE(431, "Request Header Fields Too Large", "108", "", "The header fields of the request are too large."),
	PAGE(500, "Internal Server Error", "97", "", "An internal server error occurred."),
	PAGE(501, "Not Implemented", "136", "", ".The server does not support the functionality required to fulfill the request."),
	PAGE(502, "Bad Gateway", "107", "", "The server returned an invalid or incomplete response."),
	PAGE(503, "Service Unavailable", "107", "", "No server is available to handle this request."),
	PAGE(504, "Gateway Time-out", "92", "", "The server didn't respond in time."),
};
/* clang-format on */

const unsigned error_reply_status[ERROR_REPLY_N] = { 200, 400, 401, 403, 404, 405, 407, 408, 410,
	413, 414, 421, 422, 425, 429, 431, 500, 501, 502, 503, 504 };

int error_reply_index(unsigned status)
{
	for (int i = 0; i < ERROR_REPLY_N; i++) {
		if (error_reply_status[i] == status)
			return i;
	}
	return -1;
}

struct slice error_page(unsigned status)
{
	const struct page *fallback = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		if (pages[i].status == status)
			return pages[i].raw;
		if (pages[i].status == 500)
			fallback = &pages[i];
	}
	return fallback->raw;
}
