/* SPDX-License-Identifier: MIT */
/* Ending the streams of a server. */
#ifndef WEIR_SRC_PROXY_CLI_SESSION_H
#define WEIR_SRC_PROXY_CLI_SESSION_H

#include "weir/upstream/server.h"

/* For server_set_shut_hook(): ends what uses the server on this worker. */
server_shut_fn sessions_shut;

#endif
