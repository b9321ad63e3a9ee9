/* SPDX-License-Identifier: MIT */
/*
 * What a proxy answers by itself, status by status: the pages of errorfile, errorloc and http-error lines, and the
 * sections that hold sets of them. Immutable once the configuration is loaded.
 */
#ifndef WEIR_PROXY_ERROR_REPLY_H
#define WEIR_PROXY_ERROR_REPLY_H

#include "weir/base/slice.h"
#include "weir/conf/conf.h"

struct reply_spec;

/* An answer that weir makes for a status. */
struct error_reply {
	struct slice raw; /* a complete response; .ptr NULL: none; empty: close without a word */
	const struct reply_spec *spec; /* http-error: made for each request; NULL: none */
	/* while files are read: "errorfiles", and what holds where that section has nothing */
	const struct http_errors *from;
	const struct error_reply *otherwise;
};
/* Index of a status in error tables: 400 401 ... ; -1 when it cannot be customised. */
#define ERROR_REPLY_N 21
extern const unsigned error_reply_status[ERROR_REPLY_N];
int error_reply_index(unsigned status);

/* A section "http-errors". */
struct http_errors {
	struct http_errors *next;
	const char *name;
	bool is_there;	     /* the section itself has come; else only its name */
	struct conf_pos pos; /* of the section, or of the first line that names it */
	struct error_reply errors[ERROR_REPLY_N];
};

#endif
