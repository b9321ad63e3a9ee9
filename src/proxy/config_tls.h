/* SPDX-License-Identifier: MIT */
/*
 * The TLS parts of a configuration: made by config_finish(), freed with it.
 */
#ifndef WEIR_SRC_PROXY_CONFIG_TLS_H
#define WEIR_SRC_PROXY_CONFIG_TLS_H

#include "conf_int.h"

/* The store with what crt-store sections load, made when it is asked for. NULL, told. */
struct tls_store *tls_store_of(struct conf *conf, struct config *c);
/* Contexts of all bind lines, and proxy->binds with them. Errors are told. */
void finish_tls(struct conf *conf, struct config *c);
/* Nobody uses the configuration any more. */
void tls_parts_free(struct config *c);

#endif
