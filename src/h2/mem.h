/* SPDX-License-Identifier: MIT */
/* The allocator that nghttp2 is given, private to src/h2. */
#ifndef WEIR_SRC_H2_MEM_H
#define WEIR_SRC_H2_MEM_H

#include <nghttp2/nghttp2.h>

#include "weir/h2/h2.h"

nghttp2_mem *h2_mem_nghttp2(struct h2_mem *mem);

#endif
