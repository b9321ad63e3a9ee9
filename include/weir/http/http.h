/* SPDX-License-Identifier: MIT */
/*
 * The HTTP message as every version sees it (RFC 9110): start line, header table, framing. A message owns
 * nothing: its slices lie in the buffer the head was read into or in the arena of its stream, and both outlive
 * it. Codecs fill it, rules change it, codecs write it out.
 */
#ifndef WEIR_HTTP_HTTP_H
#define WEIR_HTTP_HTTP_H

#include "weir/base/slice.h"

enum http_method {
	HTTP_OTHER, /* any other token; see http_msg.method_name */
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_PUT,
	HTTP_DELETE,
	HTTP_OPTIONS,
	HTTP_TRACE,
	HTTP_CONNECT,
	HTTP_PATCH,
};

/* Header names known by number; 0 is any other. Order: see http_hdr_name() in http.c. */
enum http_hdr_id {
	HDR_OTHER,
	HDR_ACCEPT,
	HDR_ACCEPT_ENCODING,
	HDR_AGE,
	HDR_ALT_SVC,
	HDR_AUTHORIZATION,
	HDR_CACHE_CONTROL,
	HDR_CONNECTION,
	HDR_CONTENT_ENCODING,
	HDR_CONTENT_LENGTH,
	HDR_CONTENT_TYPE,
	HDR_COOKIE,
	HDR_DATE,
	HDR_ETAG,
	HDR_EXPECT,
	HDR_FORWARDED,
	HDR_HOST,
	HDR_IF_MODIFIED_SINCE,
	HDR_IF_NONE_MATCH,
	HDR_KEEP_ALIVE,
	HDR_LAST_MODIFIED,
	HDR_LOCATION,
	HDR_ORIGIN,
	HDR_PRAGMA,
	HDR_PROXY_AUTHENTICATE,
	HDR_PROXY_AUTHORIZATION,
	HDR_PROXY_CONNECTION,
	HDR_RANGE,
	HDR_REFERER,
	HDR_SERVER,
	HDR_SET_COOKIE,
	HDR_TE,
	HDR_TRAILER,
	HDR_TRANSFER_ENCODING,
	HDR_UPGRADE,
	HDR_USER_AGENT,
	HDR_VARY,
	HDR_VIA,
	HDR_WWW_AUTHENTICATE,
	HDR_X_FORWARDED_FOR,
	HDR_X_FORWARDED_PROTO,
	HDR_X_ORIGINAL_TO,
	HDR_N,
};

/* One header field. Deleting marks it; nothing moves, so pointers into the table stay valid. */
struct http_hdr {
	const char *name;  /* lower case */
	const char *value; /* without surrounding whitespace */
	uint32_t value_len;
	uint16_t name_len;
	uint8_t id;    /* enum http_hdr_id */
	uint8_t flags; /* HTTP_HDR_* */
};

#define HTTP_HDR_DELETED 0x01
/* The bytes at name read "name: value\r\n" exactly, so neighbouring fields can be copied in one piece. */
#define HTTP_HDR_CANONICAL 0x02
/* Nobody on its way may keep it in a compression table (RFC 7541 6.2.3). */
#define HTTP_HDR_NEVER_INDEXED 0x04

/* How the end of a body is found (RFC 9112 6.3). */
enum http_framing {
	HTTP_BODY_NONE,	       /* there is none */
	HTTP_BODY_LENGTH,      /* content_length bytes */
	HTTP_BODY_CHUNKED,     /* transfer-encoding chunked, or a version with framing of its own */
	HTTP_BODY_UNTIL_CLOSE, /* responses of old servers */
	HTTP_BODY_TUNNEL,      /* no HTTP any more, both ways: CONNECT, Upgrade */
};

struct http_msg {
	struct slice method_name; /* request */
	struct slice target;	  /* request: as received, or as rules rewrote it */
	struct slice reason;	  /* response: may be empty */
	uint64_t content_length;  /* with HTTP_MSG_HAS_LENGTH */
	struct http_hdr *hdrs;	  /* storage is the caller's */
	uint16_t hdrs_n;	  /* used entries, deleted ones included */
	uint16_t hdrs_max;	  /* room in hdrs (tune.http.maxhdr) */
	uint16_t status;	  /* response; 0 in a request */
	uint8_t version;	  /* 9, 10, 11, 20 */
	uint8_t method;		  /* enum http_method */
	uint8_t framing;	  /* enum http_framing */
	uint16_t flags;		  /* HTTP_MSG_* */
	uint32_t head_len;	  /* bytes of the head as received; set by the mux */
};

#define HTTP_MSG_REQUEST	 0x0001
#define HTTP_MSG_HAS_LENGTH	 0x0002 /* content-length was there and valid */
#define HTTP_MSG_CHUNKED	 0x0004 /* transfer-encoding ends in chunked */
#define HTTP_MSG_CONN_CLOSE	 0x0008 /* connection: close */
#define HTTP_MSG_CONN_KEEP_ALIVE 0x0010 /* connection: keep-alive */
#define HTTP_MSG_CONN_UPGRADE	 0x0020 /* connection: upgrade, with an upgrade header */
#define HTTP_MSG_EXPECT_CONTINUE 0x0040 /* expect: 100-continue, version 1.1 or later */
#define HTTP_MSG_HAS_TE		 0x0080 /* any transfer-encoding at all */
#define HTTP_MSG_UPGRADE_WS	 0x0100 /* upgrade: websocket */
#define HTTP_MSG_NORMALIZED                                                                        \
	0x0200 /* the target was made of a path and an authority: HTTP/1 sends the path */

/* Empties the message and gives it a table; hdrs stays the caller's. */
void http_msg_init(struct http_msg *m, struct http_hdr *hdrs, unsigned hdrs_max);

static inline struct slice http_hdr_name_of(const struct http_hdr *h)
{
	return slice_make(h->name, h->name_len);
}

static inline struct slice http_hdr_value_of(const struct http_hdr *h)
{
	return slice_make(h->value, h->value_len);
}

/* The number of a lower-case name, HDR_OTHER when unknown. Constant time in practice. */
enum http_hdr_id http_hdr_id(const char *name, size_t len);
/* The same for a name in any case, which must be a token (RFC 9110 5.6.2). */
enum http_hdr_id http_hdr_id_fold(const char *name, size_t len);
/* The lower-case name of a known header, empty for HDR_OTHER. */
struct slice http_hdr_name(enum http_hdr_id id);

/*
 * Walks the fields of one name: pass NULL first, then the previous result. NULL when there are no more. name
 * must be lower case. Deleted fields are skipped.
 */
struct http_hdr *http_hdr_find(const struct http_msg *m, struct slice name, struct http_hdr *prev);
struct http_hdr *http_hdr_find_id(
    const struct http_msg *m, enum http_hdr_id id, struct http_hdr *prev);

/*
 * Appends a field; the memory of name (lower case) and value stays the caller's and must outlive the message.
 * 0, or -ENOBUFS when the table is full.
 */
WEIR_NODISCARD int http_hdr_add(struct http_msg *m, struct slice name, struct slice value);
/* Replaces the value in place. */
void http_hdr_set_value(struct http_hdr *h, struct slice value);
void http_hdr_del(struct http_hdr *h);
/* Deletes every field of that name; returns how many. */
unsigned http_hdr_del_all(struct http_msg *m, struct slice name);
unsigned http_hdr_del_id(struct http_msg *m, enum http_hdr_id id);

/*
 * Walks the elements of comma-separated lists over all fields of one name (RFC 9110 5.6.1; quoted strings are
 * respected). Start with a zeroed walk. False at the end.
 */
struct http_list_walk {
	struct http_hdr *hdr; /* field that the last element came from */
	struct slice rest;
	bool started;
};
bool http_list_next(const struct http_msg *m, struct slice name, struct http_list_walk *walk,
    struct slice *ret_element);
/* Whether a list header holds that token, case-insensitively. */
bool http_list_has(const struct http_msg *m, enum http_hdr_id id, struct slice token);

enum http_method http_method_of(struct slice name);
/* The reason phrase of a status (RFC 9110 15); "Unknown" for others; never NULL. */
struct slice http_reason(unsigned status);
/* IMF-fixdate (RFC 9110 5.6.7) of a time into at least 30 bytes; returns 29. */
size_t http_date(char *out, int64_t unix_seconds);
/* Any of the three formats of RFC 9110 5.6.7. 0 or -EINVAL. */
WEIR_NODISCARD int http_date_parse(struct slice text, int64_t *ret_seconds);

/* Parts of a request target (RFC 9112 3.2): slices of it, empty when absent. */
struct http_target {
	struct slice scheme;	/* "http" of the absolute form */
	struct slice authority; /* of the absolute and the authority form */
	struct slice path;	/* from the first '/', without query; "*" for the asterisk form */
	struct slice query;	/* behind the '?' */
	bool has_query;
};
void http_target_split(struct slice target, struct http_target *ret);
/* Host and port of an authority: "[::1]:80" gives "[::1]" and "80". */
void http_authority_split(struct slice authority, struct slice *ret_host, struct slice *ret_port);

/* A cookie's value in one Cookie header value. False when absent. */
bool http_cookie_find(struct slice header, struct slice name, struct slice *ret_value);

#endif
