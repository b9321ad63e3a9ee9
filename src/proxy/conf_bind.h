/* SPDX-License-Identifier: MIT */
/*
 * A bind line being read: what conf_bind.c and conf_bind_ssl.c share, and what config_tls.c makes of it.
 */
#ifndef WEIR_SRC_PROXY_CONF_BIND_H
#define WEIR_SRC_PROXY_CONF_BIND_H

#include "conf_int.h"
#include "weir/tls/bind.h"

/* What the options of one line say; addresses get copies of bind. */
struct bind_line {
	struct bind_conf bind;
	bool is_stats; /* stats socket: options of the admin socket have a meaning */
};

/* One TLS option as it was written, to tell later where something is wrong. */
struct bind_word {
	struct bind_word *next;
	const char *name, *value; /* value "" without one */
	struct conf_pos pos;
};

/* TLS of one line, shared by its addresses. In the configuration's arena. */
struct bind_ssl {
	struct bind_ssl *next; /* of the configuration */
	const struct proxy *fe;
	const char *address; /* as written, for messages */
	bool on;	     /* "ssl" */
	bool broken;	     /* the line has errors already */
	struct conf_pos pos;
	struct tls_defaults own;
	struct bind_word *words, **words_last;
	struct tls_bind_conf conf; /* complete once config_finish() has seen it */
	const char *ticket_file;
	struct config *config;
	struct tls_ticket_keys *tickets;
	struct tls_bind *tls; /* what was made */
};

/* ---- conf_bind_ssl.c ---- */

/* What can be said once the line is read; arg: its address; broken: with an error, told. 0 or -1, told. */
int bind_ssl_check(struct conf *conf, const struct conf_line *line, int arg,
    const struct bind_line *b, bool broken);

#endif
