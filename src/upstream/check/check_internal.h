/* SPDX-License-Identifier: MIT */
/*
 * What the files of src/upstream/check/ share: a check as a list of steps, and how what a server says is judged.
 */
#ifndef WEIR_UPSTREAM_CHECK_INTERNAL_H
#define WEIR_UPSTREAM_CHECK_INTERNAL_H

#include "../upstream_internal.h"
#include "weir/rule/rule.h"

/* Bytes of a response that a check looks at, and of a text that it sends. */
#define CHECK_RESPONSE_MAX 16384u
#define CHECK_TEXT_MAX	   16384u
#define CHECK_HEADERS_MAX  101u
#define CHECK_RANGES_MAX   16u

struct check_regex;

/* Part of a pattern: a text, or a format that is written for each check. */
struct check_text {
	struct slice text;
	const struct logfmt *fmt; /* NULL: text */
};

enum expect_kind {
	EXPECT_DEFAULT, /* 2xx and 3xx */
	EXPECT_STATUS,
	EXPECT_RSTATUS,
	EXPECT_HDR, /* values of a list, one by one */
	EXPECT_FHDR,
	EXPECT_STRING,
	EXPECT_RSTRING,
	EXPECT_STRING_LF,
	EXPECT_BINARY,
	EXPECT_RBINARY,
	EXPECT_BINARY_LF,
};

enum match_kind {
	MATCH_STR,
	MATCH_BEG,
	MATCH_END,
	MATCH_SUB,
	MATCH_REG,
};

/* The name or the value of "expect hdr". */
struct check_match {
	enum match_kind kind;
	struct check_text text;
	struct check_regex *regex;
};

struct check_expect {
	enum expect_kind kind;
	bool negate;
	struct {
		unsigned low, high;
	} ranges[CHECK_RANGES_MAX];
	unsigned ranges_n;
	struct check_text text;
	struct check_regex *regex;
	struct check_match name, value;
	bool has_value;
	int64_t min_recv; /* -1: what does not match yet may match later */
	/* CHECK_UNKNOWN: as the kind has it */
	enum check_status ok_status, error_status, tout_status;
	const struct logfmt *on_success, *on_error;
	const struct expr *status_code;
};

struct check_connect {
	bool implicit; /* no line says it */
	bool defaults; /* what the server's line says about checks */
	unsigned port; /* 0: the check's */
	const struct expr *port_expr;
	struct net_addr addr; /* len 0: the check's */
	bool send_proxy, via_socks4, linger;
	bool tls;
	uint8_t proto; /* enum server_proto */
	const char *sni;
	struct slice alpn; /* as on the wire */
};

struct check_hdr {
	struct check_hdr *next;
	struct slice name;
	struct check_text value;
};

struct check_send {
	bool from_option;	      /* what it does not say "option httpchk" says */
	const char *method, *version; /* NULL: of "option httpchk" */
	struct check_text uri;	      /* .ptr and fmt NULL: the same */
	struct check_text host;	      /* the same: none */
	struct check_hdr *hdrs, **hdrs_last;
	struct check_text body; /* of a tcp-check: what is sent */
	bool hex;		/* the format writes hex digits */
};

enum check_step_kind {
	STEP_CONNECT,
	STEP_SEND,
	STEP_EXPECT,
	STEP_VAR,
	STEP_COMMENT,
};

struct check_step {
	struct check_step *next;
	enum check_step_kind kind;
	unsigned number; /* among the lines, from 1; 0: implicit */
	const char *comment;
	union {
		struct check_connect connect;
		struct check_send send;
		struct check_expect expect;
		const struct var_line *var;
	};
};

/* What the lines of one proxy say. Changed while they are read, never afterwards. */
struct httpchk_conf {
	const void *owner; /* the section whose lines these are */
	bool http;
	const char *method, *uri, *version;
	const char *host; /* NULL: none */
	bool disable_on_404, send_state;
	bool option_here; /* "option httpchk" stood in the owner's section */
	struct check_step *first, **last;
	unsigned lines_n;
	bool finished;
};

/* Takes over what a proxy inherited, or begins: *ptr is the owner's own then. NULL, told. */
struct httpchk_conf *check_own(
    struct conf *conf, const struct conf_line *line, const void *owner, struct httpchk_conf **ptr);
/* A new step at the end. NULL, told. */
struct check_step *check_step_add(
    struct conf *conf, const struct conf_line *line, struct httpchk_conf *h, enum check_step_kind);
/* "expect ..." from arg on. 0 or -1, told. */
int check_expect_parse(
    struct conf *conf, const struct conf_line *line, int arg, bool http, struct check_step *step);
/* "http-check send ..." from arg on. */
int check_send_parse(
    struct conf *conf, const struct conf_line *line, int arg, struct check_step *step);
/* "tcp-check send ..." and its kin; arg is the word itself. */
int check_data_parse(
    struct conf *conf, const struct conf_line *line, int arg, struct check_step *step);
/* False, told: a byte that would break a request apart. */
bool check_word(struct conf *conf, const struct conf_line *line, int arg, bool spaces);
int check_format(struct conf *conf, const struct conf_line *line, int arg, unsigned flags,
    const struct logfmt **ret);
/* Bytes of hex digits, in arena. .ptr NULL: they are none. */
struct slice check_unhex(struct slice digits, struct arena *arena);

/* NULL after conf_error(). The expression lies in the configuration's arena. */
struct check_regex *check_regex_new(
    struct conf *conf, const struct conf_line *line, int arg, const char *pattern);
bool check_regex_match(const struct check_regex *re, struct slice text);

/* ---- running ---- */

/* The text, or what its format gives, in cx->arena. .ptr NULL: no memory. */
struct slice check_text_of(const struct check_text *t, struct rule_ctx *cx);

struct check_verdict {
	enum check_status status;
	enum check_result result;
	unsigned code;
	char desc[128];
};

/* What a server said, and what was made of it. */
struct check_response {
	size_t len;
	bool eof;
	struct http_msg msg;
	struct http_hdr hdrs[CHECK_HEADERS_MAX];
	char in[CHECK_RESPONSE_MAX];
	char body[CHECK_RESPONSE_MAX];
};

/* No more bytes will be looked at. */
static inline bool check_response_over(const struct check_response *r)
{
	return r->eof || r->len == CHECK_RESPONSE_MAX;
}

/* The whole request, with malloc. .ptr NULL: short of memory, or a format made bytes that cannot be sent. */
struct strbuf check_http_request(const struct httpchk_conf *h, const struct check_send *send,
    const char *state, struct rule_ctx *cx);

/*
 * Judges what was received so far and leaves the message in cx->res. step NULL: what a check without "expect"
 * wants. False: more bytes are needed.
 */
bool check_http_judge(const struct httpchk_conf *h, const struct check_step *step, bool for_head,
    struct check_response *in, struct rule_ctx *cx, struct check_verdict *ret);
bool check_tcp_judge(const struct check_step *step, const struct check_response *in,
    struct rule_ctx *cx, struct check_verdict *ret);
/* Whether the body or the bytes have the pattern: 1, 0, -1 an empty format. */
int check_bytes_match(const struct check_expect *e, struct slice bytes, struct rule_ctx *cx);
/* More bytes have to come before e can be judged by these. */
bool check_bytes_short(const struct check_expect *e, struct slice bytes, bool over);
/* The verdict of step, with text as what went wrong; on_success, on_error and the comment are applied. */
void check_verdict_set(const struct check_step *step, bool good, const char *text,
    struct rule_ctx *cx, struct check_verdict *ret);
/* " at step 1 of tcp-check (connect)", of a tcp-check. */
void check_where(
    const struct httpchk_conf *h, const struct check_step *step, char *out, size_t size);

/* "UP 2/3; address=...", for "http-check send-state". */
void check_state_text(const struct server *s, char *out, size_t size);
extern const struct rule_host check_rule_host;

#endif
