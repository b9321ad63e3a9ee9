/* SPDX-License-Identifier: MIT */
/*
 * The thread that asks OCSP responders (RFC 6960 A.1, by POST), and the table of what is due. The table is shared
 * between the thread and worker 0, under the lock; a request leaves the lock and comes back as mail to worker 0,
 * which alone changes the certificate store.
 */
#include "weir/proxy/ocsp_update.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/http.h>
#include <openssl/httperr.h>
#include <openssl/ocsp.h>
#include <pthread.h>
#include <signal.h>

#include "weir/proxy/config.h"

#define FETCH_SECONDS	10
#define RESPONSE_MAX	(64 * 1024)
#define REFRESH_SECONDS 60 /* certificates may come and go by commands */
#define TIME_TEXT	32

/* As "show ssl ocsp-updates" numbers them. */
enum status {
	STATUS_UNKNOWN,
	STATUS_OK,
	STATUS_HTTP,
	STATUS_HEADER,
	STATUS_CHECK,
	STATUS_INSERT,
};

static const char *const status_text[] = { "Unknown", "Update successful", "HTTP error",
	"Missing \"ocsp-response\" header", "OCSP response check failure",
	"Error during insertion" };

struct entry {
	struct entry *next;
	char *name, *id, *uri;
	unsigned char *request; /* DER */
	size_t request_len;
	int64_t due_s, last_s;	/* seconds since 1970; last_s 0: never */
	int64_t response_end_s; /* nextUpdate; 0: not said */
	unsigned successes, failures;
	enum status status;
	bool automatic; /* due without being asked for */
	bool seen;	/* in the last walk over the store */
};

/* What one request brought; from the thread to worker 0. */
struct answer {
	struct mail mail;
	struct ocsp_updater *u;
	char *name;
	enum status status;
	unsigned char *der;
	int der_len;
};

struct ocsp_updater {
	struct worker *w;
	struct config *config;
	struct ocsp_update_conf conf;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	/* under lock */
	struct entry *entries;
	char *wanted; /* by ocsp_updater_now() */
	bool stop, asking;
	/* worker 0 only */
	void (*done)(void *arg, bool ok);
	void *done_arg;
};

static int64_t wall_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec;
}

static void entry_free(struct entry *e)
{
	free(e->name);
	free(e->id);
	free(e->uri);
	free(e->request);
	free(e);
}

static struct entry *find(const struct ocsp_updater *u, const char *name)
{
	struct entry *e = u->entries;
	while (e && strcmp(e->name, name) != 0)
		e = e->next;
	return e;
}

/* ---- the table ---- */

/* When a response is to be renewed: before it ends, within the bounds that the configuration gives. */
static int64_t next_time(const struct ocsp_updater *u, const struct entry *e, int64_t now)
{
	int64_t at = now + u->conf.max_s;
	if (e->response_end_s)
		at = MIN(at, e->response_end_s);
	return MAX(at, now + u->conf.min_s);
}

static int copy_entry(struct entry *e, const struct tls_ocsp_info *info)
{
	free(e->request);
	free(e->uri);
	free(e->id);
	e->uri = strdup(info->uri);
	e->id = strdup(info->id ? info->id : "");
	e->request = malloc(info->request.len);
	if (!e->uri || !e->id || !e->request)
		return -ENOMEM;
	memcpy(e->request, info->request.ptr, info->request.len);
	e->request_len = info->request.len;
	return 0;
}

static int take_info(void *arg, const struct tls_ocsp_info *info)
{
	struct ocsp_updater *u = arg;
	struct entry *e = find(u, info->name);
	if (!info->uri || !info->has_issuer || !info->request.len)
		return 0;
	if (!e) {
		e = calloc(1, sizeof(*e));
		if (!e)
			return 0;
		e->name = strdup(info->name);
		e->next = u->entries;
		u->entries = e;
		e->response_end_s = info->next_update;
		e->due_s = info->response.ptr ? next_time(u, e, wall_s()) : wall_s();
	}
	e->response_end_s = info->next_update;
	e->automatic = info->ocsp_update;
	e->seen = e->name && copy_entry(e, info) == 0;
	return 0;
}

/* Under the lock. */
static void refresh(struct ocsp_updater *u)
{
	for (struct entry *e = u->entries; e; e = e->next)
		e->seen = false;
	tls_store_each_ocsp(u->config->tls.store, take_info, u);
	for (struct entry **at = &u->entries; *at;) {
		struct entry *e = *at;
		if (e->seen) {
			at = &e->next;
			continue;
		}
		*at = e->next;
		entry_free(e);
	}
}

/* Under the lock: the entry to be asked for now; NULL and when to look again. */
static struct entry *due_entry(struct ocsp_updater *u, int64_t now, int64_t *ret_until)
{
	struct entry *first = NULL;
	*ret_until = now + REFRESH_SECONDS;
	if (u->wanted) {
		first = find(u, u->wanted);
		free(u->wanted);
		u->wanted = NULL;
		if (first)
			return first;
	}
	for (struct entry *e = u->entries; e; e = e->next) {
		if (e->automatic && !u->conf.disable && (!first || e->due_s < first->due_s))
			first = e;
	}
	if (!first || first->due_s > now) {
		*ret_until = first ? MIN(*ret_until, first->due_s) : *ret_until;
		return NULL;
	}
	return first;
}

/* ---- asking ---- */

/* The DER of a response that says "successful", or what was wrong. */
static enum status read_response(BIO *in, struct answer *a)
{
	OCSP_RESPONSE *response = d2i_OCSP_RESPONSE_bio(in, NULL);
	if (!response)
		return STATUS_CHECK;
	enum status status = STATUS_CHECK;
	if (OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL) {
		a->der_len = i2d_OCSP_RESPONSE(response, &a->der);
		status = a->der_len > 0 ? STATUS_OK : STATUS_INSERT;
	}
	OCSP_RESPONSE_free(response);
	return status;
}

static enum status http_failure(void)
{
	unsigned long err = ERR_peek_last_error();
	bool type = ERR_GET_LIB(err) == ERR_LIB_HTTP &&
		    ERR_GET_REASON(err) == HTTP_R_UNEXPECTED_CONTENT_TYPE;
	ERR_clear_error();
	return type ? STATUS_HEADER : STATUS_HTTP;
}

static enum status ask(const struct ocsp_update_conf *conf, const char *uri,
    const unsigned char *request, size_t len, struct answer *a)
{
	char *host = NULL, *port = NULL, *path = NULL;
	int ssl = 0;
	enum status status = STATUS_HTTP;
	BIO *body = BIO_new_mem_buf(request, (int)len), *got = NULL;
	if (!body || !OSSL_HTTP_parse_url(uri, &ssl, NULL, &host, &port, NULL, &path, NULL, NULL) ||
	    ssl)
		goto out;
	got = OSSL_HTTP_transfer(NULL, host, port, path, 0, conf->proxy, NULL, NULL, NULL, NULL,
	    NULL, 0, NULL, "application/ocsp-request", body, "application/ocsp-response", 1,
	    RESPONSE_MAX, FETCH_SECONDS, 0);
	status = got ? read_response(got, a) : http_failure();
out:
	ERR_clear_error();
	BIO_free(got);
	BIO_free(body);
	OPENSSL_free(host);
	OPENSSL_free(port);
	OPENSSL_free(path);
	return status;
}

/* ---- worker 0 ---- */

static void log_update(const struct ocsp_updater *u, const struct entry *e)
{
	log_emitf(u->w, &u->config->global.logs, LOG_LV_NOTICE, "<OCSP-UPDATE> %s %d \"%s\" %u %u",
	    e->name, (int)e->status, status_text[e->status], e->failures, e->successes);
}

static enum status staple(struct ocsp_updater *u, const struct answer *a)
{
	struct strbuf err = STRBUF_INIT;
	struct slice der = slice_make((const char *)a->der, (size_t)a->der_len);
	int r = tls_store_set_ocsp(u->config->tls.store, u->w, der, &err);
	strbuf_done(&err);
	return r == 0 ? STATUS_OK : r == -ENOMEM ? STATUS_INSERT : STATUS_CHECK;
}

static void take_answer(struct ocsp_updater *u, struct answer *a)
{
	enum status status = a->status == STATUS_OK ? staple(u, a) : a->status;
	int64_t now = wall_s();
	pthread_mutex_lock(&u->lock);
	refresh(u);
	struct entry *e = find(u, a->name);
	if (e) {
		e->status = status;
		e->successes += status == STATUS_OK;
		e->failures += status != STATUS_OK;
		e->last_s = status == STATUS_OK ? now : e->last_s;
		e->due_s = status == STATUS_OK ? next_time(u, e, now) : now + u->conf.min_s;
		log_update(u, e);
	}
	u->asking = false;
	pthread_cond_signal(&u->wake);
	pthread_mutex_unlock(&u->lock);
	void (*done)(void *arg, bool ok) = u->done;
	u->done = NULL;
	if (done)
		done(u->done_arg, status == STATUS_OK);
}

static void answer_free(struct answer *a)
{
	if (!a)
		return;
	OPENSSL_free(a->der);
	free(a->name);
	free(a);
}

static void on_answer(struct worker *w, struct mail *mail)
{
	struct answer *a = container_of(mail, struct answer, mail);
	(void)w;
	take_answer(a->u, a);
	answer_free(a);
}

/* ---- the thread ---- */

/* Under the lock, which it leaves meanwhile. */
static void update(struct ocsp_updater *u, struct entry *e)
{
	struct answer *a = calloc(1, sizeof(*a));
	unsigned char *request = malloc(e->request_len);
	char *uri = strdup(e->uri);
	e->due_s = wall_s() + u->conf.min_s;
	if (a)
		a->name = strdup(e->name);
	if (!a || !a->name || !request || !uri) {
		answer_free(a);
		free(request);
		free(uri);
		return;
	}
	a->u = u;
	memcpy(request, e->request, e->request_len);
	size_t len = e->request_len;
	u->asking = true;
	pthread_mutex_unlock(&u->lock);
	a->status = ask(&u->conf, uri, request, len, a);
	free(request);
	free(uri);
	pthread_mutex_lock(&u->lock);
	if (u->stop) { /* the workers may be gone */
		answer_free(a);
		return;
	}
	worker_post(u->w, &a->mail, on_answer);
	while (u->asking && !u->stop)
		pthread_cond_wait(&u->wake, &u->lock);
}

static void *run(void *arg)
{
	struct ocsp_updater *u = arg;
	pthread_mutex_lock(&u->lock);
	while (!u->stop) {
		int64_t until;
		refresh(u);
		struct entry *e = due_entry(u, wall_s(), &until);
		if (e) {
			update(u, e);
			continue;
		}
		struct timespec at = { .tv_sec = until };
		pthread_cond_timedwait(&u->wake, &u->lock, &at);
	}
	pthread_mutex_unlock(&u->lock);
	return NULL;
}

/* ---- life ---- */

struct ocsp_updater *ocsp_updater_start(struct worker *w, struct config *c)
{
	sigset_t all, before;
	if (!c->tls.store)
		return NULL;
	struct ocsp_updater *u = calloc(1, sizeof(*u));
	if (!u)
		return NULL;
	u->w = w;
	u->config = c;
	u->conf = c->global.ocsp;
	pthread_mutex_init(&u->lock, NULL);
	pthread_cond_init(&u->wake, NULL);
	refresh(u);
	if (!u->entries)
		goto nothing;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int r = pthread_create(&u->thread, NULL, run, u);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r == 0)
		return u;
	log_emitf(
	    w, &c->global.logs, LOG_LV_ALERT, "OCSP responses are not renewed: %s.", strerror(r));
nothing:
	while (u->entries) {
		struct entry *e = u->entries;
		u->entries = e->next;
		entry_free(e);
	}
	free(u);
	return NULL;
}

void ocsp_updater_stop(struct ocsp_updater *u)
{
	if (!u)
		return;
	pthread_mutex_lock(&u->lock);
	u->stop = true;
	bool busy = u->asking;
	pthread_cond_signal(&u->wake);
	pthread_mutex_unlock(&u->lock);
	/* a thread that waits for a responder is left to the end of the process */
	if (busy) {
		pthread_detach(u->thread);
		return;
	}
	pthread_join(u->thread, NULL);
	while (u->entries) {
		struct entry *e = u->entries;
		u->entries = e->next;
		entry_free(e);
	}
	free(u->wanted);
	free(u);
}

int ocsp_updater_now(
    struct ocsp_updater *u, const char *name, void (*done)(void *arg, bool ok), void *arg)
{
	int r = 0;
	if (u->done)
		return -EBUSY;
	pthread_mutex_lock(&u->lock);
	refresh(u);
	if (!find(u, name))
		r = -ENOENT;
	else if (u->wanted || u->asking || !(u->wanted = strdup(name)))
		r = -EBUSY;
	pthread_cond_signal(&u->wake);
	pthread_mutex_unlock(&u->lock);
	if (r == 0) {
		u->done = done;
		u->done_arg = arg;
	}
	return r;
}

void ocsp_updater_forget(struct ocsp_updater *u, const void *arg)
{
	if (u->done && u->done_arg == arg)
		u->done = NULL;
}

/* ---- showing ---- */

static int by_due(const void *a, const void *b)
{
	const struct entry *x = *(struct entry *const *)a, *y = *(struct entry *const *)b;
	return x->due_s < y->due_s ? -1 : x->due_s > y->due_s;
}

/* "30/Jan/2023:00:08:09 +0000", or "-". */
static const char *time_text(int64_t at, char out[TIME_TEXT])
{
	struct tm tm;
	time_t t = (time_t)at;
	if (!at || !gmtime_r(&t, &tm))
		return "-";
	strftime(out, TIME_TEXT, "%d/%b/%Y:%H:%M:%S +0000", &tm);
	return out;
}

void ocsp_updater_show(struct ocsp_updater *u, struct strbuf *out)
{
	char next[TIME_TEXT], last[TIME_TEXT];
	size_t n = 0, i = 0;
	strbuf_adds(out, "OCSP Certid | Path | Next Update | Last Update | Successes | Failures | "
			 "Last Update Status | Last Update Status (str)\n");
	if (!u)
		return;
	pthread_mutex_lock(&u->lock);
	for (struct entry *e = u->entries; e; e = e->next)
		n += e->automatic;
	struct entry **sorted = calloc(n + 1, sizeof(struct entry *));
	for (struct entry *e = u->entries; sorted && e; e = e->next) {
		if (e->automatic)
			sorted[i++] = e;
	}
	if (sorted)
		qsort(sorted, i, sizeof(struct entry *), by_due);
	for (n = 0; n < i; n++)
		strbuf_addf(out, "%s | %s | %s | %s | %u | %u | %d | %s\n", sorted[n]->id,
		    sorted[n]->name, time_text(sorted[n]->due_s, next),
		    time_text(sorted[n]->last_s, last), sorted[n]->successes, sorted[n]->failures,
		    (int)sorted[n]->status, status_text[sorted[n]->status]);
	free(sorted);
	pthread_mutex_unlock(&u->lock);
}
