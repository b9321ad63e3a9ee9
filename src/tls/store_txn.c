/* SPDX-License-Identifier: MIT */
/*
 * Transactions of the admin commands: one of each kind of object at a time. Payloads go to a pending copy; a commit
 * makes the new object, checks it as loading would and uses its key once, publishes it and retires the old one. All
 * under the store's lock, on whichever worker the command runs; other workers only ever see a whole object.
 */
#include <errno.h>

#include "bind_int.h"
#include "ca_store.h"

/* ---- messages become the command's answer ---- */

static void to_answer(void *arg, enum diag_level level, const char *text)
{
	struct strbuf *err = arg;
	if (level != DIAG_ERROR)
		return;
	if (err->len)
		strbuf_addc(err, '\n');
	strbuf_adds(err, text);
}

static int fail(struct strbuf *err, int code, const char *fmt, ...) WEIR_PRINTF(3, 4);

static int fail(struct strbuf *err, int code, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	strbuf_vaddf(err, fmt, ap);
	va_end(ap);
	return code;
}

/* ---- objects of the three kinds ---- */

static enum tls_ca_kind ca_kind(enum tls_obj kind)
{
	return kind == TLS_OBJ_CRL ? TLS_CA_CRLS : TLS_CA_CERTS;
}

static const char *kind_text(enum tls_obj kind)
{
	static const char *const texts[] = {
		[TLS_OBJ_CERT] = "certificate",
		[TLS_OBJ_CA] = "CA file",
		[TLS_OBJ_CRL] = "CRL file",
	};
	return texts[kind];
}

static bool exists(struct tls_store *s, enum tls_obj kind, const char *name)
{
	if (kind == TLS_OBJ_CERT)
		return tls_store_find(s, name);
	return tls_ca_find(s, ca_kind(kind), name);
}

static void drop_pending(struct tls_store *s, struct tls_pending *p)
{
	tls_parts_done(s, &p->parts);
	tls_ca_free(p->ca);
	free(p->name);
	*p = (struct tls_pending){ .name = NULL };
}

/* What a payload for "site.pem.ocsp" is, and that it is for site.pem. */
static const struct extension {
	struct slice ext;
	unsigned what; /* TLS_EXTRA_*; 0: the certificate itself */
} extensions[] = {
	{ { ".key", 4 }, TLS_EXTRA_KEY },
	{ { ".ocsp", 5 }, TLS_EXTRA_OCSP },
	{ { ".sctl", 5 }, TLS_EXTRA_SCTL },
	{ { ".issuer", 7 }, TLS_EXTRA_ISSUER },
};

/* Name of the entry that a name with an extension speaks of, malloc'ed. */
static char *entry_name(
    struct tls_store *s, enum tls_obj kind, const char *name, unsigned *ret_what)
{
	struct slice n = slice_str(name);
	*ret_what = 0;
	for (unsigned i = 0; kind == TLS_OBJ_CERT && i < ARRAY_SIZE(extensions); i++) {
		if (!slice_has_suffix(n, extensions[i].ext) || tls_store_find(s, name))
			continue;
		char *base = slice_dup(slice_sub(n, 0, n.len - extensions[i].ext.len));
		if (base && tls_store_find(s, base)) {
			*ret_what = extensions[i].what;
			return base;
		}
		free(base);
		if (!s->conf.extra_del_ext)
			continue;
		char *crt;
		if (asprintf(&crt, "%.*s.crt", (int)(n.len - extensions[i].ext.len), name) < 0)
			return NULL;
		if (tls_store_find(s, crt)) {
			*ret_what = extensions[i].what;
			return crt;
		}
		free(crt);
	}
	return strdup(name);
}

bool tls_store_in_transaction(struct tls_store *s, enum tls_obj kind, const char *name)
{
	unsigned what;
	pthread_mutex_lock(&s->lock);
	char *entry = entry_name(s, kind, name, &what);
	const char *open = s->pending[kind].name;
	bool is = open && entry && strcmp(open, entry) == 0;
	pthread_mutex_unlock(&s->lock);
	free(entry);
	return is;
}

/* ---- new ---- */

int tls_store_new_entry(
    struct tls_store *s, enum tls_obj kind, const char *name, struct strbuf *err)
{
	int r = 0;
	pthread_mutex_lock(&s->lock);
	if (exists(s, kind, name)) {
		static const char *const words[] = { "Certificate", "CA file", "CRL file" };
		r = fail(err, -EEXIST, "%s '%s' already exists!", words[kind], name);
	} else if (kind == TLS_OBJ_CERT) {
		r = tls_slot_add(s, name, NULL) ? 0 : -ENOMEM;
	} else {
		struct tls_ca *ca = tls_ca_new(ca_kind(kind), name);
		if (ca)
			list_add_tail(&s->cas, &ca->link);
		r = ca ? 0 : -ENOMEM;
	}
	pthread_mutex_unlock(&s->lock);
	return r;
}

/* ---- set and add ---- */

/* The pending copy of a certificate starts as what is used now, with the staple of now. */
static int begin_cert(struct tls_store *s, struct tls_pending *p, const char *name)
{
	struct tls_cert *c = atomic_load(&tls_store_find(s, name)->cert);
	const struct tls_staple *st = c ? atomic_load(&c->staple) : NULL;
	int r = c ? tls_parts_copy(s, &p->parts, &c->parts) : 0;
	if (r == 0 && st) {
		r = tls_blob_set(&p->parts.ocsp, st->der, st->len);
		p->parts.ocsp_next = st->next_update;
	}
	return r;
}

static int set_ocsp(struct tls_store *s, struct tls_parts *p, struct slice der, struct strbuf *err)
{
	char why[160];
	if (tls_ocsp_check(s, p, der, &p->ocsp_next, why, sizeof(why)) < 0)
		return fail(err, -EINVAL, "the OCSP response is refused: %s", why);
	p->ocsp_file = true;
	return tls_blob_set(&p->ocsp, der.ptr, der.len);
}

/* OCSP responses and SCT lists come in base64. */
static int set_base64(struct tls_store *s, struct tls_parts *p, unsigned what, struct slice payload,
    struct strbuf *err)
{
	uint8_t *bytes = malloc(payload.len + 4);
	size_t len;
	int r = bytes ? base64_read(payload, bytes, &len) : -ENOMEM;
	struct slice value = slice_make((char *)bytes, r == 0 ? len : 0);
	if (r == -EINVAL)
		fail(err, r, "the payload is not base64");
	else if (r == 0 && what == TLS_EXTRA_OCSP)
		r = set_ocsp(s, p, value, err);
	else if (r == 0 && !tls_sctl_check(value))
		r = fail(err, -EINVAL, "the payload is not a list of SCTs");
	else if (r == 0)
		r = tls_blob_set(&p->sctl, value.ptr, value.len);
	free(bytes);
	return r;
}

static int set_cert(struct tls_store *s, struct tls_parts *pending, const char *name, unsigned what,
    struct slice payload, struct strbuf *err)
{
	struct tls_report report = { .say = to_answer, .arg = err };
	struct tls_parts next;
	int r = tls_parts_copy(s, &next, pending);
	if (r < 0)
		return r;
	if (what & (TLS_EXTRA_OCSP | TLS_EXTRA_SCTL))
		r = set_base64(s, &next, what, payload, err);
	else
		r = tls_parts_pem(s, &next, payload, name,
		    what & TLS_EXTRA_KEY      ? TLS_PEM_KEY
		    : what & TLS_EXTRA_ISSUER ? TLS_PEM_ISSUER
					      : TLS_PEM_ALL,
		    &report);
	if (r < 0) {
		tls_parts_done(s, &next);
		return r;
	}
	tls_parts_done(s, pending);
	*pending = next;
	return 0;
}

/* add: to what is pending, or to what is used. */
static int set_ca(struct tls_store *s, struct tls_pending *p, enum tls_obj kind, const char *name,
    bool add, struct slice payload, struct strbuf *err)
{
	struct tls_ca *next = tls_ca_new(ca_kind(kind), name);
	struct tls_ca *base = p->ca ? p->ca : tls_ca_find(s, ca_kind(kind), name);
	int r = next ? 0 : -ENOMEM;
	if (r == 0 && add)
		r = tls_ca_copy(next, base);
	if (r == 0) {
		r = tls_ca_add_pem(next, payload);
		if (r < 0)
			fail(err, r, "Invalid payload");
	}
	if (r < 0) {
		tls_ca_free(next);
		return r;
	}
	tls_ca_add_digest(next);
	tls_ca_free(p->ca);
	p->ca = next;
	return 0;
}

static int set_locked(struct tls_store *s, enum tls_obj kind, const char *name, unsigned what,
    struct slice payload, bool add, struct strbuf *err)
{
	struct tls_pending *p = &s->pending[kind];
	bool fresh = !p->name;
	if (!fresh && strcmp(p->name, name) != 0)
		return fail(err, -EBUSY,
		    "The ongoing transaction is about '%s' but you are trying to set '%s'", p->name,
		    name);
	if (!exists(s, kind, name))
		return fail(err, -ENOENT, "%s '%s' does not exist", kind_text(kind), name);
	int r = 0;
	if (fresh) {
		p->name = strdup(name);
		r = !p->name ? -ENOMEM : kind == TLS_OBJ_CERT ? begin_cert(s, p, name) : 0;
	}
	if (r == 0 && kind == TLS_OBJ_CERT)
		r = set_cert(s, &p->parts, name, what, payload, err);
	else if (r == 0)
		r = set_ca(s, p, kind, name, add, payload, err);
	if (r < 0 && fresh)
		drop_pending(s, p);
	return r;
}

int tls_store_set(struct tls_store *s, enum tls_obj kind, const char *name, struct slice payload,
    bool add, struct strbuf *err)
{
	unsigned what;
	pthread_mutex_lock(&s->lock);
	char *entry = entry_name(s, kind, name, &what);
	int r = entry ? set_locked(s, kind, entry, what, payload, add, err) : -ENOMEM;
	pthread_mutex_unlock(&s->lock);
	free(entry);
	return r;
}

/* ---- commit ---- */

static void close_cert(void *arg)
{
	struct tls_cert *c = arg;
	struct tls_store *s = c->store;
	tls_cert_close(c);
	tls_store_unref(s);
}

/* New names before, old ones behind the swap: a name that both have is always served. */
static int swap_cert(
    struct tls_store *s, struct worker *w, struct tls_slot *slot, struct tls_cert *now)
{
	int r = tls_slot_add_names(slot, w, now);
	if (r < 0)
		return r;
	struct tls_cert *old = atomic_exchange(&slot->cert, now);
	if (!old)
		return 0;
	tls_slot_remove_names(slot, w, old);
	tls_store_ref(s);
	tls_retire(w, close_cert, old);
	return 0;
}

static int commit_cert(
    struct tls_store *s, struct worker *w, struct tls_pending *p, struct strbuf *err)
{
	struct tls_report report = { .say = to_answer, .arg = err };
	struct tls_slot *slot = tls_store_find(s, p->name);
	struct slice ocsp = slice_make((char *)p->parts.ocsp.ptr, p->parts.ocsp.len);
	struct tls_parts parts;
	char why[160];
	if (!slot)
		return fail(err, -ENOENT, "certificate '%s' does not exist", p->name);
	int r = tls_parts_copy(s, &parts, &p->parts);
	if (r < 0)
		return r;
	/* a response that was for the former certificate is of no use for the new one */
	if (ocsp.ptr && tls_ocsp_check(s, &parts, ocsp, &parts.ocsp_next, why, sizeof(why)) < 0) {
		free(parts.ocsp.ptr);
		parts.ocsp = (struct tls_blob){ .ptr = NULL };
	}
	struct tls_cert *now = tls_cert_new(s, slot->name, &parts, &report);
	tls_parts_done(s, &parts);
	if (!now)
		return -EINVAL;
	if (!tls_cert_live(now))
		r = fail(err, -EINVAL, "the certificate cannot be used");
	else
		r = swap_cert(s, w, slot, now);
	if (r < 0)
		tls_cert_close(now);
	return r;
}

static void free_ca(void *arg)
{
	tls_ca_free(arg);
}

/* The entry keeps its place and its users, its content changes; when a context cannot be made of it, back again. */
static int commit_ca(struct tls_store *s, struct worker *w, struct tls_pending *p,
    enum tls_obj kind, struct strbuf *err)
{
	struct tls_ca *ca = tls_ca_find(s, ca_kind(kind), p->name);
	int r = 0;
	if (!ca)
		return fail(err, -ENOENT, "%s '%s' does not exist", kind_text(kind), p->name);
	tls_ca_swap(ca, p->ca);
	list_for_each_entry (user, &ca->users, struct tls_ca_user, link) {
		if (r == 0)
			r = user->changed(user, w);
	}
	if (r < 0) {
		tls_ca_swap(ca, p->ca);
		list_for_each_entry (user, &ca->users, struct tls_ca_user, link)
			user->changed(user, w);
		return fail(err, r, "the content cannot be used");
	}
	tls_retire(w, free_ca, p->ca);
	p->ca = NULL;
	return 0;
}

static int check_transaction(const struct tls_pending *p, const char *name, struct strbuf *err)
{
	if (!p->name)
		return fail(err, -ENOENT, "No ongoing transaction!");
	if (strcmp(p->name, name) != 0)
		return fail(err, -EBUSY,
		    "The ongoing transaction is about '%s' but you are trying to set '%s'", p->name,
		    name);
	return 0;
}

int tls_store_commit(
    struct tls_store *s, struct worker *w, enum tls_obj kind, const char *name, struct strbuf *err)
{
	struct tls_pending *p = &s->pending[kind];
	pthread_mutex_lock(&s->lock);
	int r = check_transaction(p, name, err);
	if (r == 0)
		r = kind == TLS_OBJ_CERT ? commit_cert(s, w, p, err)
					 : commit_ca(s, w, p, kind, err);
	if (r == 0)
		drop_pending(s, p);
	pthread_mutex_unlock(&s->lock);
	return r;
}

int tls_store_abort(struct tls_store *s, enum tls_obj kind, const char *name, struct strbuf *err)
{
	pthread_mutex_lock(&s->lock);
	int r = check_transaction(&s->pending[kind], name, err);
	if (r == 0)
		drop_pending(s, &s->pending[kind]);
	pthread_mutex_unlock(&s->lock);
	return r;
}

/* ---- del ---- */

static void free_slot(void *arg)
{
	struct tls_slot *slot = arg;
	struct tls_cert *c = atomic_load(&slot->cert);
	struct tls_store *s = slot->store;
	if (c)
		tls_cert_close(c);
	free(slot->name);
	free(slot);
	tls_store_unref(s);
}

static int del_cert(struct tls_store *s, struct worker *w, const char *name, struct strbuf *err)
{
	struct tls_slot *slot = tls_store_find(s, name);
	if (!slot)
		return fail(err, -ENOENT, "certificate '%s' doesn't exist!", name);
	if (atomic_load(&slot->users) || slot->jwt)
		return fail(err, -EBUSY, "certificate '%s' in use, can't be deleted!", name);
	htab_remove(&s->by_name, &slot->node);
	list_del(&slot->order);
	tls_store_ref(s);
	tls_retire(w, free_slot, slot);
	return 0;
}

static int del_ca(struct tls_store *s, enum tls_obj kind, const char *name, struct strbuf *err)
{
	struct tls_ca *ca = tls_ca_find(s, ca_kind(kind), name);
	if (!ca)
		return fail(err, -ENOENT, "%s '%s' doesn't exist!", kind_text(kind), name);
	if (!list_is_empty(&ca->users))
		return fail(
		    err, -EBUSY, "%s '%s' in use, can't be deleted!", kind_text(kind), name);
	tls_ca_free(ca);
	return 0;
}

int tls_store_del(
    struct tls_store *s, struct worker *w, enum tls_obj kind, const char *name, struct strbuf *err)
{
	pthread_mutex_lock(&s->lock);
	const char *open = s->pending[kind].name;
	int r;
	if (open && strcmp(open, name) == 0)
		r = fail(err, -EBUSY, "%s '%s' has an ongoing transaction, can't be deleted!",
		    kind_text(kind), name);
	else
		r = kind == TLS_OBJ_CERT ? del_cert(s, w, name, err) : del_ca(s, kind, name, err);
	pthread_mutex_unlock(&s->lock);
	return r;
}
