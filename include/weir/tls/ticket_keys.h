/* SPDX-License-Identifier: MIT */
/*
 * Keys that session tickets are sealed with (RFC 5077): the newest opens only, the last but one seals, the older ones
 * open. So every host of a group knows a key before the first ticket under it appears. Shared by all workers and
 * replaced at run time, under a lock that handshakes take for a moment.
 */
#ifndef WEIR_TLS_TICKET_KEYS_H
#define WEIR_TLS_TICKET_KEYS_H

#include "weir/base/slice.h"

struct ssl_ctx_st;
struct tls_ticket_keys;

#define TLS_TICKETS_NO	   3 /* keys that a set holds */
#define TLS_TICKET_NAME	   16
#define TLS_TICKET_KEY_MIN 48 /* AES-128: name, AES key, HMAC key; 16 bytes each */
#define TLS_TICKET_KEY_MAX 80 /* AES-256: a name of 16, keys of 32 bytes each */

/*
 * Random keys, of AES-256. rotate_s: they are replaced one after another as time passes, so that a stolen one opens
 * little; 0: never. kept_fd: of tls_kept_open(); keys that an earlier process has left there are taken, so that its
 * tickets stay good; -1: none. NULL when memory or randomness is short. One reference.
 */
struct tls_ticket_keys *tls_ticket_keys_new(int kept_fd, unsigned rotate_s);
/* From now on the next process finds these keys behind kept_fd, as they are at any time. */
void tls_ticket_keys_leave(struct tls_ticket_keys *keys);
/* Memory, in no file, in which keys outlive a process that inherits the descriptor. -1: there is none. */
int tls_kept_open(void);
/* From the text of a file, a base64 key a line. NULL with a text in err. */
struct tls_ticket_keys *tls_ticket_keys_parse(
    const char *file, struct slice text, char *err, size_t err_size);
struct tls_ticket_keys *tls_ticket_keys_load(const char *file, char *err, size_t err_size);
struct tls_ticket_keys *tls_ticket_keys_ref(struct tls_ticket_keys *keys);
void tls_ticket_keys_unref(struct tls_ticket_keys *keys);

/* The file they came from; NULL for random ones. */
const char *tls_ticket_keys_file(const struct tls_ticket_keys *keys);
/* "set ssl tls-key": a base64 key becomes the newest, the oldest is dropped. 0 or -EINVAL (length, not base64). */
WEIR_NODISCARD int tls_ticket_keys_push(struct tls_ticket_keys *keys, struct slice base64);
/* As tls_ticket_keys_push with all keys of another set: what a reload found in the file. Same length: 0 or -EINVAL. */
WEIR_NODISCARD int tls_ticket_keys_take(
    struct tls_ticket_keys *keys, const struct tls_ticket_keys *from);
/* Key i, 0 the oldest, as base64 with a NUL, for "show tls-keys". Its length. */
#define TLS_TICKET_BASE64 (TLS_TICKET_KEY_MAX / 3 * 4 + 5)
size_t tls_ticket_keys_show(
    const struct tls_ticket_keys *keys, unsigned i, char out[TLS_TICKET_BASE64]);

/* Makes a context seal and open with them; it keeps a reference as long as it lives. 0 or -ENOMEM. */
WEIR_NODISCARD int tls_ticket_keys_attach(struct tls_ticket_keys *keys, struct ssl_ctx_st *ctx);

#endif
