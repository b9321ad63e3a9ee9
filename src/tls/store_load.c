/* SPDX-License-Identifier: MIT */
/*
 * Loading of certificates from files: each is a job that several threads take from a common counter. Jobs touch the
 * store only to share links of chains and passphrases, under its intern lock; their messages are kept and told in the
 * order of the jobs, so that a start says the same every time.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_int.h"

#define JOBS_A_THREAD 64 /* fewer are not worth another thread */
#define THREADS_MAX   16

int tls_read_file(const char *path, char **ret, size_t *ret_len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	struct stat st;
	int err = fstat(fd, &st) < 0 ? -errno : 0;
	if (err == 0 && S_ISDIR(st.st_mode))
		err = -EISDIR;
	size_t cap = err == 0 && S_ISREG(st.st_mode) ? (size_t)st.st_size + 1 : 65536;
	if (cap > TLS_FILE_MAX)
		err = -EFBIG;
	char *text = err == 0 ? malloc(cap) : NULL;
	size_t len = 0;
	while (err == 0 && text) {
		if (S_ISREG(st.st_mode) && len == (size_t)st.st_size)
			break;
		if (len + 1 >= cap) { /* a pipe, or what has no size */
			char *grown = cap < TLS_FILE_MAX ? realloc(text, cap * 2) : NULL;
			if (!grown) {
				err = -EFBIG;
				break;
			}
			text = grown;
			cap *= 2;
		}
		ssize_t n = read(fd, text + len, cap - len - 1);
		if (n == 0)
			break;
		if (n < 0 && errno != EINTR)
			err = -errno;
		if (n > 0)
			len += (size_t)n;
	}
	close(fd);
	if (err == 0 && !text)
		err = -ENOMEM;
	if (err < 0) {
		free(text);
		return err;
	}
	text[len] = '\0';
	*ret = text;
	*ret_len = len;
	return 0;
}

/* ---- messages of a job ---- */

static void keep_message(void *arg, enum diag_level level, const char *text)
{
	struct tls_load_job *job = arg;
	strbuf_addc(&job->said, (char)('0' + level));
	strbuf_adds(&job->said, text);
	strbuf_addc(&job->said, '\0');
}

static void tell_messages(struct tls_load_job *job, const struct tls_report *report)
{
	const char *at = job->said.ptr, *end = at + job->said.len;
	while (at && at < end) {
		enum diag_level level = (enum diag_level)(at[0] - '0');
		if (job->where)
			tls_say(report, level, "crt-list '%s', line %u: %s", job->where, job->line,
			    at + 1);
		else
			tls_say(report, level, "%s", at + 1);
		at += strlen(at) + 1;
	}
	strbuf_done(&job->said);
}

/* ---- one job ---- */

struct loading {
	struct tls_store *store;
	struct tls_load_job *job;
	struct tls_parts parts;
	char *path; /* of the certificate's file */
	struct tls_report report;
};

/* "x.crt" and ".key": "x.crt.key", or "x.key" with ssl-load-extra-del-ext. */
static char *side_path(const struct loading *l, const char *ext)
{
	struct slice base = slice_str(l->path);
	if (l->store->conf.extra_del_ext && slice_has_suffix(base, SLICE(".crt")))
		base.len -= 4;
	char *out;
	return asprintf(&out, "%.*s%s", SLICE_ARG(base), ext) < 0 ? NULL : out;
}

/*
 * A side file: the one that was named, which must be there then, or the one beside the certificate. 1: read, 0: there
 * is none, or -errno, told.
 */
static int read_side(struct loading *l, const char *named, const char *base, unsigned extra,
    const char *ext, char **ret_path, char **ret, size_t *ret_len)
{
	if (!named && !(l->job->extra & extra))
		return 0;
	char *path = named ? tls_path(base, named) : side_path(l, ext);
	if (!path)
		return -ENOMEM;
	int err = tls_read_file(path, ret, ret_len);
	if (err == 0) {
		*ret_path = path;
		return 1;
	}
	if (err == -ENOENT && !named)
		err = 0;
	else
		tls_say(&l->report, DIAG_ERROR, "cannot read '%s': %s", path, strerror(-err));
	free(path);
	return err;
}

static int load_key(struct loading *l)
{
	const struct tls_load *f = &l->job->files;
	char *path, *text;
	size_t len;
	if (l->parts.key.ptr && !f->key)
		return 0;
	int r = read_side(l, f->key, f->key_base, TLS_EXTRA_KEY, ".key", &path, &text, &len);
	if (r <= 0)
		return r;
	r = tls_parts_pem(
	    l->store, &l->parts, slice_make(text, len), path, TLS_PEM_KEY, &l->report);
	OPENSSL_cleanse(text, len);
	free(text);
	free(path);
	return r;
}

static int load_sctl(struct loading *l)
{
	const struct tls_load *f = &l->job->files;
	char *path, *text;
	size_t len;
	int r = read_side(l, f->sctl, f->crt_base, TLS_EXTRA_SCTL, ".sctl", &path, &text, &len);
	if (r <= 0)
		return r;
	r = tls_sctl_check(slice_make(text, len)) ? tls_blob_set(&l->parts.sctl, text, len)
						  : -EINVAL;
	if (r == -EINVAL)
		tls_say(&l->report, DIAG_ERROR, "'%s' is not a list of SCTs", path);
	free(text);
	free(path);
	return r;
}

static int load_issuer(struct loading *l)
{
	const struct tls_load *f = &l->job->files;
	char *path, *text;
	size_t len;
	int r =
	    read_side(l, f->issuer, f->crt_base, TLS_EXTRA_ISSUER, ".issuer", &path, &text, &len);
	if (r <= 0)
		return r;
	r = tls_parts_pem(
	    l->store, &l->parts, slice_make(text, len), path, TLS_PEM_ISSUER, &l->report);
	free(text);
	free(path);
	return r;
}

/* An .ocsp file, empty or not, asks for stapling; a response that is no good is left out with a warning. */
static int load_ocsp(struct loading *l)
{
	const struct tls_load *f = &l->job->files;
	char *path, *text;
	size_t len;
	int r = read_side(l, f->ocsp, f->crt_base, TLS_EXTRA_OCSP, ".ocsp", &path, &text, &len);
	if (r <= 0)
		return r;
	l->parts.ocsp_file = true;
	r = 0;
	if (!tls_parts_issuer(l->store, &l->parts))
		r = load_issuer(l);
	if (r == 0 && len > 0) {
		char why[160];
		if (!tls_parts_issuer(l->store, &l->parts)) {
			tls_say(&l->report, DIAG_ERROR,
			    "'%s': the certificate's issuer is needed, in the file or as '.issuer'",
			    path);
			r = -ENOENT;
		} else if (tls_ocsp_check(l->store, &l->parts, slice_make(text, len),
			       &l->parts.ocsp_next, why, sizeof(why)) < 0)
			tls_say(&l->report, DIAG_WARNING,
			    "the OCSP response in '%s' is not used: %s", path, why);
		else
			r = tls_blob_set(&l->parts.ocsp, text, len);
	}
	free(text);
	free(path);
	return r;
}

static int load_pem(struct loading *l)
{
	char *text;
	size_t len;
	int err = tls_read_file(l->path, &text, &len);
	if (err < 0) {
		tls_say(&l->report, DIAG_ERROR, "cannot read the certificate '%s': %s", l->path,
		    strerror(-err));
		return err;
	}
	err = tls_parts_pem(
	    l->store, &l->parts, slice_make(text, len), l->path, TLS_PEM_ALL, &l->report);
	OPENSSL_cleanse(text, len);
	free(text);
	return err;
}

void tls_load_job_run(struct tls_store *s, struct tls_load_job *job)
{
	struct loading l = {
		.store = s,
		.job = job,
		.report = { .say = keep_message, .arg = job },
	};
	const struct tls_load *f = &job->files;
	l.path = f->crt ? tls_path(f->crt_base, f->crt) : strdup(job->name);
	int err = l.path ? 0 : -ENOMEM;
	if (err == 0 && f->generate)
		err = tls_parts_generate(s, &l.parts, f, &l.report);
	else if (err == 0) {
		err = load_pem(&l);
		if (err == 0)
			err = load_key(&l);
		if (err == 0 && f->issuer)
			err = load_issuer(&l);
		if (err == 0)
			err = load_ocsp(&l);
		if (err == 0)
			err = load_sctl(&l);
	}
	if (err == 0) {
		job->cert = tls_cert_new(s, job->name, &l.parts, &l.report);
		if (!job->cert)
			err = -EINVAL;
		else if (s->conf.check_all && !tls_cert_live(job->cert))
			err = -EINVAL;
	}
	tls_parts_done(s, &l.parts);
	free(l.path);
	job->error = err;
}

/* ---- all jobs ---- */

struct job_crew {
	struct tls_store *store;
	struct tls_load_job *jobs;
	unsigned n;
	atomic_uint next;
};

static void *crew_run(void *arg)
{
	struct job_crew *c = arg;
	for (;;) {
		unsigned i = atomic_fetch_add(&c->next, 1);
		if (i >= c->n)
			return NULL;
		tls_load_job_run(c->store, &c->jobs[i]);
	}
}

static unsigned crew_size(const struct tls_store *s, unsigned jobs)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned n = s->conf.threads ? s->conf.threads : (unsigned)MAX(cpus, 1);
	return MIN(MIN(n, THREADS_MAX), jobs / JOBS_A_THREAD + 1);
}

static int keep_result(
    struct tls_store *s, struct tls_load_job *job, const struct tls_report *report)
{
	tell_messages(job, report);
	if (job->error) {
		tls_cert_close(job->cert);
		job->cert = NULL;
		return job->error;
	}
	if (tls_store_find(s, job->name)) { /* named twice in one list */
		tls_cert_close(job->cert);
		return 0;
	}
	struct tls_slot *slot = tls_slot_add(s, job->name, job->cert);
	if (!slot) {
		tls_cert_close(job->cert);
		return -ENOMEM;
	}
	slot->ocsp_update = -1;
	return 0;
}

int tls_store_load_jobs(
    struct tls_store *s, struct tls_load_job *jobs, unsigned n, const struct tls_report *report)
{
	pthread_t threads[THREADS_MAX];
	struct job_crew crew = { .store = s, .jobs = jobs, .n = n };
	unsigned want = crew_size(s, n), started = 0;
	while (started + 1 < want && pthread_create(&threads[started], NULL, crew_run, &crew) == 0)
		started++;
	crew_run(&crew);
	for (unsigned i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	int err = 0;
	for (unsigned i = 0; i < n; i++) {
		int e = keep_result(s, &jobs[i], report);
		if (!err)
			err = e;
	}
	return err;
}
