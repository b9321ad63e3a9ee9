/* SPDX-License-Identifier: MIT */
/*
 * A server line while it is read: the options of section 5.2 write here, default-server lines keep one, and a
 * finished server is copied out of it.
 */
#ifndef WEIR_UPSTREAM_SERVER_OPTIONS_H
#define WEIR_UPSTREAM_SERVER_OPTIONS_H

#include "weir/upstream/check.h"
#include "weir/upstream/upstream_conf.h"

struct server_defaults {
	struct server s;
	struct check_conf check;
	bool checked; /* "check" */
};

/* The field of a row's data in the server that is being read. */
#define SERVER_FIELD(member)	  offsetof(struct server_defaults, member)
#define SERVER_TARGET(call, type) ((type *)((char *)(call)->object + (call)->row->data))

/* Setters for fields of type bool and const char *. */
int server_option_flag(const struct conf_option_call *call);
int server_option_text(const struct conf_option_call *call);

#define CHECK_INTER_MS_DEFAULT	    2000u
#define CHECK_RISE_DEFAULT	    2u
#define CHECK_FALL_DEFAULT	    3u
#define POOL_PURGE_DELAY_MS_DEFAULT 5000u

#endif
