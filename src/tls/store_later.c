/* SPDX-License-Identifier: MIT */
/* Stands in until the store's commands are merged. */
#include <errno.h>
#include "weir/tls/bind.h"
#define W __attribute__((weak))
W int tls_store_new_entry(struct tls_store *s, enum tls_obj k, const char *n, struct strbuf *e) { return -ENOSYS; }
W bool tls_store_in_transaction(struct tls_store *s, enum tls_obj k, const char *n) { return false; }
W int tls_store_set(struct tls_store *s, enum tls_obj k, const char *n, struct slice p, bool a, struct strbuf *e) { return -ENOSYS; }
W int tls_store_commit(struct tls_store *s, struct worker *w, enum tls_obj k, const char *n, struct strbuf *e) { return -ENOSYS; }
W int tls_store_abort(struct tls_store *s, enum tls_obj k, const char *n, struct strbuf *e) { return -ENOSYS; }
W int tls_store_del(struct tls_store *s, struct worker *w, enum tls_obj k, const char *n, struct strbuf *e) { return -ENOSYS; }
W int tls_store_show(struct tls_store *s, enum tls_obj k, const char *n, struct strbuf *o) { return -ENOSYS; }
W int tls_store_dump(struct tls_store *s, const char *n, struct strbuf *o) { return -ENOSYS; }
W int tls_crt_list_add(struct tls_store *s, struct worker *w, const char *l, struct slice line, struct strbuf *e) { return -ENOSYS; }
W int tls_crt_list_del(struct tls_store *s, struct worker *w, const char *l, const char *c, struct strbuf *e) { return -ENOSYS; }
W int tls_crt_list_show(struct tls_store *s, const char *l, bool n, struct strbuf *o) { return -ENOSYS; }
W int tls_bind_each_sni(struct tls_bind *b, int (*fn)(void *, const struct tls_sni_row *), void *a) { return 0; }
W int tls_store_show_ocsp(struct tls_store *s, const char *id, bool b, struct strbuf *o) { return -ENOSYS; }
W int tls_store_each_ocsp(struct tls_store *s, int (*fn)(void *, const struct tls_ocsp_info *), void *a) { return 0; }
W int tls_store_set_ocsp(struct tls_store *s, struct worker *w, struct slice d, struct strbuf *e) { return -ENOSYS; }
