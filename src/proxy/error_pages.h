/* SPDX-License-Identifier: MIT */
/* The answers weir gives of its own when no errorfile is configured. */
#ifndef WEIR_SRC_PROXY_ERROR_PAGES_H
#define WEIR_SRC_PROXY_ERROR_PAGES_H

#include "weir/base/slice.h"

/* A complete response: head and body. Static; that of 500 for a status that has none. */
struct slice error_page(unsigned status);

#endif
