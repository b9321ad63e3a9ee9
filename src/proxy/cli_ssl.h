/* SPDX-License-Identifier: MIT */
/* What the cli_ssl*.c files share. Worker 0. */
#ifndef WEIR_SRC_PROXY_CLI_SSL_H
#define WEIR_SRC_PROXY_CLI_SSL_H

#include "cli_proxy.h"
#include "weir/tls/store.h"

/* The certificate store of the present configuration; NULL: an error was written. */
struct tls_store *cli_tls_store(struct cli_call *call);
/* Ends a command whose work answered r with text: an error message when it failed. Frees the text. */
void cli_text_or_error(struct cli_call *call, int r, struct strbuf *text);

#endif
