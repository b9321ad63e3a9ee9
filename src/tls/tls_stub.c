/* SPDX-License-Identifier: MIT */
/* Stands in until the TLS transport is merged. */
#include "weir/tls/bind.h"
#include "weir/tls/transport.h"
#include <errno.h>
#include <string.h>
#define W __attribute__((weak))
W struct slice tls_alpn(const struct conn *c)
{
	return SLICE_NULL;
}
W const struct tls_info *tls_info(const struct conn *c)
{
	return NULL;
}
W const char *tls_fault_text(enum tls_fault f)
{
	return "";
}
W int tls_accept(struct conn *c, struct ssl_ctx_st *x, const struct tls_accept_opts *o)
{
	return -ENOSYS;
}
W struct ssl_ctx_st *tls_bind_ctx(const struct tls_bind *b)
{
	return NULL;
}
