/* SPDX-License-Identifier: MIT */
/* Options of bind and crt-list lines: what only this module needs. */
#ifndef WEIR_TLS_OPTIONS_H
#define WEIR_TLS_OPTIONS_H

#include "weir/tls/client.h"
#include "weir/tls/crt_list.h"

struct arena;

#define TLS_ALPN_MAX 256 /* bytes of a list as on the wire */

/* With texts copied into the arena. 0 or -ENOMEM. */
int tls_options_copy(struct tls_options *to, const struct tls_options *from, struct arena *arena);

#endif
