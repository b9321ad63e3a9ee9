/* SPDX-License-Identifier: MIT */
/*
 * The table of certificates by name, and the life of the store. Filled by the main thread before workers start;
 * afterwards changed under s->lock by admin commands only (store_txn.c).
 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "ca_store.h"
#include "crt_list_int.h"
#include "store_int.h"

/* ---- messages ---- */

void tls_say(const struct tls_report *r, enum diag_level level, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (r && r->say)
		r->say(r->arg, level, text);
}

const char *tls_openssl_error(void)
{
	unsigned long code = ERR_get_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;
	ERR_clear_error();
	return reason ? reason : "OpenSSL does not say why";
}

static void log_to_stderr(void *arg, enum diag_level level, const char *text)
{
	fprintf(stderr, "%s\n", text);
}

void tls_store_set_log(struct tls_store *s, const struct tls_report *log)
{
	s->log = log ? *log : (struct tls_report){ .say = log_to_stderr };
}

void tls_retire(struct worker *w, void (*fn)(void *arg), void *arg)
{
	if (w)
		worker_retire(w, fn, arg);
	else
		fn(arg);
}

/* ---- life ---- */

static int read_dh_file(struct tls_store *s, const struct tls_report *report)
{
	char *text;
	size_t len;
	if (!s->conf.dh_param_file)
		return 0;
	int err = tls_read_file(s->conf.dh_param_file, &text, &len);
	if (err < 0) {
		tls_say(report, DIAG_ERROR, "ssl-dh-param-file: cannot read '%s': %s",
		    s->conf.dh_param_file, strerror(-err));
		return err;
	}
	s->dh_file = tls_dh_read_pem(slice_make(text, len));
	free(text);
	if (s->dh_file)
		return 0;
	tls_openssl_error();
	tls_say(report, DIAG_ERROR, "ssl-dh-param-file: there are no DH parameters in '%s'",
	    s->conf.dh_param_file);
	return -EINVAL;
}

struct tls_store *tls_store_new(const struct tls_store_conf *conf, const struct tls_report *report)
{
	struct tls_store *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->conf = *conf;
	atomic_init(&s->refs, 1);
	pthread_mutex_init(&s->lock, NULL);
	pthread_mutex_init(&s->intern_lock, NULL);
	list_init(&s->slots);
	list_init(&s->crt_lists);
	list_init(&s->cas);
	tls_store_set_log(s, NULL);
	if (read_dh_file(s, report) < 0 || tls_issuers_load(s, report) < 0) {
		tls_store_free(s);
		return NULL;
	}
	return s;
}

void tls_store_ref(struct tls_store *s)
{
	atomic_fetch_add(&s->refs, 1);
}

void tls_store_unref(struct tls_store *s)
{
	if (atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	tls_issuers_free(s);
	htab_done(&s->by_name);
	htab_done(&s->links);
	for (unsigned i = 0; i < s->passphrases_n; i++) {
		OPENSSL_cleanse(s->passphrases[i], strlen(s->passphrases[i]));
		free(s->passphrases[i]);
	}
	free(s->passphrases);
	EVP_PKEY_free(s->dh_file);
	pthread_mutex_destroy(&s->lock);
	pthread_mutex_destroy(&s->intern_lock);
	free(s);
}

void tls_store_free(struct tls_store *s)
{
	if (!s)
		return;
	tls_crt_lists_free(s);
	for (unsigned i = 0; i < ARRAY_SIZE(s->pending); i++) {
		tls_parts_done(s, &s->pending[i].parts);
		tls_ca_free(s->pending[i].ca);
		free(s->pending[i].name);
	}
	tls_cas_free(s);
	list_for_each_entry_safe (slot, &s->slots, struct tls_slot, order)
		tls_slot_free(slot);
	tls_store_unref(s);
}

const struct tls_store_conf *tls_store_conf(const struct tls_store *s)
{
	return &s->conf;
}

/* ---- slots ---- */

struct tls_slot *tls_slot_add(struct tls_store *s, const char *name, struct tls_cert *cert)
{
	struct tls_slot *slot = calloc(1, sizeof(*slot));
	if (!slot)
		return NULL;
	slot->name = strdup(name);
	if (!slot->name ||
	    htab_insert(&s->by_name, &slot->node, hash_bytes(name, strlen(name))) < 0) {
		free(slot->name);
		free(slot);
		return NULL;
	}
	atomic_init(&slot->cert, cert);
	list_init(&slot->insts);
	slot->store = s;
	list_add_tail(&s->slots, &slot->order);
	slot->ocsp_update = -1;
	return slot;
}

void tls_slot_free(struct tls_slot *slot)
{
	list_del(&slot->order);
	tls_cert_close(atomic_load(&slot->cert));
	free(slot->name);
	free(slot);
}

struct tls_slot *tls_store_find(struct tls_store *s, const char *name)
{
	struct htab_node *n = htab_first(&s->by_name, hash_bytes(name, strlen(name)));
	for (; n; n = htab_next(n)) {
		struct tls_slot *slot = container_of(n, struct tls_slot, node);
		if (strcmp(slot->name, name) == 0)
			return slot;
	}
	return NULL;
}

char *tls_path(const char *base, const char *path)
{
	char *out;
	if (!base || !*base || *path == '/' || *path == '@')
		return strdup(path);
	return asprintf(&out, "%s/%s", base, path) < 0 ? NULL : out;
}

int tls_store_get(
    struct tls_store *s, const char *name, struct tls_slot **ret, const struct tls_report *report)
{
	char *path = tls_path(s->conf.crt_base, name);
	if (!path)
		return -ENOMEM;
	int err = 0;
	struct tls_slot *slot = tls_store_find(s, path);
	if (!slot) {
		struct tls_load_job job = { .name = path, .extra = s->conf.extra };
		err = tls_store_load_jobs(s, &job, 1, report);
		slot = tls_store_find(s, path);
	}
	free(path);
	if (slot)
		*ret = slot;
	return slot ? 0 : err;
}

static int store_name(char **ret, const char *store, const struct tls_load *load, const char *path)
{
	int n = 0;
	if (load->alias)
		n = asprintf(ret, "@%s/%s", store, load->alias);
	else if (*store)
		n = asprintf(ret, "@%s/%s", store, load->crt);
	else
		*ret = strdup(path);
	return n < 0 || !*ret ? -ENOMEM : 0;
}

int tls_store_load(struct tls_store *s, const char *store, const struct tls_load *load,
    const struct tls_report *report)
{
	char *name = NULL;
	struct tls_load files = *load;
	if (!files.crt_base)
		files.crt_base = s->conf.crt_base;
	if (!files.key_base)
		files.key_base = s->conf.key_base;
	char *path = tls_path(files.crt_base, load->crt ? load->crt : "");
	int err = path ? store_name(&name, store, load, path) : -ENOMEM;
	if (err == 0 && tls_store_find(s, name)) {
		tls_say(report, DIAG_ERROR, "the certificate '%s' is loaded already", name);
		err = -EEXIST;
	}
	if (err == 0) {
		struct tls_load_job job = { .name = name, .files = files, .exact = true };
		err = tls_store_load_jobs(s, &job, 1, report);
	}
	struct tls_slot *slot = err == 0 ? tls_store_find(s, name) : NULL;
	if (slot) {
		slot->ocsp_update = load->ocsp_update;
		slot->jwt = load->jwt;
	}
	free(name);
	free(path);
	return err;
}

/* ---- users ---- */

const char *tls_slot_name(const struct tls_slot *slot)
{
	return slot->name;
}

void tls_slot_hold(struct tls_slot *slot)
{
	atomic_fetch_add(&slot->users, 1);
}

void tls_slot_release(struct tls_slot *slot)
{
	if (slot)
		atomic_fetch_sub(&slot->users, 1);
}

int tls_slot_apply(struct tls_slot *slot, SSL *ssl)
{
	struct tls_cert *c = atomic_load_explicit(&slot->cert, memory_order_acquire);
	return c ? tls_cert_apply(c, ssl, true) : -ENOENT;
}

const char *tls_crt_name(const SSL *ssl)
{
	struct tls_cert *c = tls_cert_of(SSL_get_certificate(ssl));
	return c ? c->name : NULL;
}
