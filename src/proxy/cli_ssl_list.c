/* SPDX-License-Identifier: MIT */
/*
 * Commands about what is made of certificates (management manual 9.3): crt-lists, server names, OCSP responses,
 * ticket keys, providers. Worker 0; handshakes on all workers go on meanwhile.
 */
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/provider.h>

#include "cli_ssl.h"
#include "weir/base/clock.h"
#include "weir/proxy/global_tls.h"
#include "weir/tls/bind.h"
#include "weir/tls/ticket_keys.h"

/* ---- crt-lists ---- */

static void run_add_crt_list(struct cli_call *call)
{
	struct strbuf err = STRBUF_INIT;
	struct slice line = call->argc > 4 ? slice_str(call->argv[4]) : call->payload;
	if (call->argc < 4 || !line.len) {
		cli_err(call, "'add ssl crtlist' expects a filename and a certificate name\n");
		return;
	}
	struct tls_store *store = cli_tls_store(call);
	if (!store)
		return;
	line = slice_trim_ows(line);
	while (line.len && line.ptr[line.len - 1] == '\n')
		line.len--;
	struct slice rest = line;
	struct slice crt = slice_cut(&rest, ' ');
	int r = tls_crt_list_add(store, call->worker, call->argv[3], line, &err);
	if (r == 0)
		cli_ok(call, "Inserting certificate '%.*s' in crt-list '%s'.\nSuccess!\n",
		    SLICE_ARG(crt), call->argv[3]);
	cli_text_or_error(call, r, &err);
}

static void run_del_crt_list(struct cli_call *call)
{
	struct strbuf err = STRBUF_INIT;
	if (call->argc < 5) {
		cli_err(call, "'del ssl crtlist' expects a filename and a certificate name\n");
		return;
	}
	struct tls_store *store = cli_tls_store(call);
	if (!store)
		return;
	int r = tls_crt_list_del(store, call->worker, call->argv[3], call->argv[4], &err);
	if (r == 0)
		cli_ok(call, "Entry '%s' deleted in crtlist '%s'!\n", call->argv[4], call->argv[3]);
	else if (err.len)
		cli_err(call, "Can't delete the entry: %.*s\n", (int)err.len, err.ptr);
	else
		cli_err(call, "Can't delete the entry!\n");
	strbuf_done(&err);
}

static void run_show_crt_list(struct cli_call *call)
{
	bool numbers = strcmp(call->argv[3], "-n") == 0;
	const char *name = call->argv[3 + numbers];
	struct tls_store *store = cli_tls_store(call);
	struct strbuf text = STRBUF_INIT;
	if (!store)
		return;
	if (tls_crt_list_show(store, *name ? name : NULL, numbers, &text) < 0)
		cli_err(call, "didn't find the specified filename\n");
	else
		strbuf_add(call->out, text.ptr, text.len);
	strbuf_done(&text);
}

/* ---- server names ---- */

struct sni_dump {
	struct strbuf *out;
	const struct proxy *fe;
	const struct bind_conf *bind;
	int64_t expired_at; /* only what is expired then; 0: all */
};

static int add_sni_row(void *arg, const struct tls_sni_row *row)
{
	const struct sni_dump *d = arg;
	char before[32], after[32];
	if (d->expired_at && row->not_after >= d->expired_at)
		return 0;
	http_date(before, row->not_before);
	http_date(after, row->not_after);
	strbuf_addf(d->out, "%s/%s:%u\t%s\t%s\t%s\t%s\t%s\t%s\n", d->fe->name, d->bind->pos.file,
	    d->bind->pos.line, row->sni, row->negatives, row->type, row->crt, before, after);
	return 0;
}

/* Words behind the name: -f <frontend>, -A, -t <time>. False: an error was written. */
static bool read_sni_words(struct cli_call *call, const struct proxy **ret_fe, int64_t *ret_expired)
{
	bool expired = false;
	uint64_t us = 0;
	for (int i = 3; i < call->argc; i++) {
		if (strcmp(call->argv[i], "-A") == 0) {
			expired = true;
		} else if (strcmp(call->argv[i], "-f") == 0) {
			*ret_fe = cli_find_frontend(call, call->argv[++i]);
			if (!*ret_fe)
				return false;
		} else if (strcmp(call->argv[i], "-t") == 0 &&
			   conf_parse_time_us(call->argv[i + 1], 1000000, &us) == 0) {
			i++;
		} else {
			cli_err(call,
			    "'show ssl sni' expects -f <frontend>, -A or -t <time>, not '%s'\n",
			    call->argv[i]);
			return false;
		}
	}
	*ret_expired = expired ? clock_wall_s(&call->worker->clock) + (int64_t)(us / 1000000) : 0;
	return true;
}

static void run_show_sni(struct cli_call *call)
{
	const struct proxy *only = NULL;
	struct sni_dump d = { .out = call->out };
	if (!read_sni_words(call, &only, &d.expired_at))
		return;
	strbuf_adds(call->out,
	    "# Frontend/Bind\tSNI\tNegative Filter\tType\tFilename\tNotBefore\tNotAfter\n");
	for (const struct proxy *p = cli_process(call)->config->proxies; p; p = p->next) {
		if (only && p != only)
			continue;
		d.fe = p;
		for (d.bind = p->binds; d.bind; d.bind = d.bind->next) {
			if (d.bind->tls)
				tls_bind_each_sni(d.bind->tls, add_sni_row, &d);
		}
	}
}

/* ---- OCSP ---- */

/* Longest response that is taken: those of certificates are about 2 kB, with their signer's. */
#define OCSP_DER_MAX 16384

/* Line ends between the letters are skipped. Bytes, or -EINVAL. */
static ssize_t decode_base64(struct slice text, unsigned char *out, size_t cap)
{
	int n, rest = 0;
	if (text.len > cap / 3 * 4)
		return -EINVAL;
	EVP_ENCODE_CTX *ctx = EVP_ENCODE_CTX_new();
	if (!ctx)
		return -ENOMEM;
	EVP_DecodeInit(ctx);
	int r = EVP_DecodeUpdate(ctx, out, &n, (const unsigned char *)text.ptr, (int)text.len);
	if (r >= 0)
		r = EVP_DecodeFinal(ctx, out + n, &rest);
	EVP_ENCODE_CTX_free(ctx);
	return r < 0 ? -EINVAL : n + rest;
}

static int add_ocsp_row(void *arg, const struct tls_ocsp_info *info)
{
	struct strbuf *out = arg;
	if (!info->response.ptr)
		return 0;
	if (!out->len)
		strbuf_adds(out, "# Certificate IDs\n");
	strbuf_addf(
	    out, "  Certificate ID key : %s\n  Certificate path : %s\n", info->id, info->name);
	return 0;
}

static void run_show_ocsp(struct cli_call *call)
{
	bool base64 = strcmp(call->argv[3], "base64") == 0;
	bool named = base64 || strcmp(call->argv[3], "text") == 0;
	const char *id = call->argv[3 + named];
	struct tls_store *store = cli_tls_store(call);
	struct strbuf text = STRBUF_INIT;
	if (!store)
		return;
	if (!*id)
		tls_store_each_ocsp(store, add_ocsp_row, &text);
	else if (tls_store_show_ocsp(store, id, base64, &text) < 0)
		cli_err(call, "Certificate ID or path does not match any certificate.\n");
	if (text.len)
		strbuf_add(call->out, text.ptr, text.len);
	strbuf_done(&text);
}

static void run_set_ocsp(struct cli_call *call)
{
	struct slice text = call->payload.len ? call->payload : slice_str(call->argv[3]);
	struct strbuf err = STRBUF_INIT;
	unsigned char der[OCSP_DER_MAX];
	if (!text.len) {
		cli_err(call, "'set ssl ocsp-response' expects response in base64 encoding.\n");
		return;
	}
	struct tls_store *store = cli_tls_store(call);
	if (!store)
		return;
	ssize_t len = decode_base64(text, der, sizeof(der));
	if (len <= 0) {
		cli_err(
		    call, "'set ssl ocsp-response' received invalid base64 encoded response.\n");
		return;
	}
	struct slice response = slice_make((const char *)der, (size_t)len);
	int r = tls_store_set_ocsp(store, call->worker, response, &err);
	if (r == 0)
		cli_ok(call, "OCSP Response updated!\n");
	cli_text_or_error(call, r, &err);
}

static void run_show_updates(struct cli_call *call)
{
	ocsp_updater_show(cli_process(call)->ocsp, call->out);
}

/* "update ssl ocsp-response": the answer comes when the responder's has. */
struct update_wait {
	struct cli_stream stream;
	struct ocsp_updater *updater;
	struct tls_store *store;
	char *name;
	bool over, ok;
};

static void on_updated(void *arg, bool ok)
{
	struct update_wait *u = arg;
	u->over = true;
	u->ok = ok;
	cli_stream_wake(&u->stream);
}

static enum cli_stream_state update_next(struct cli_stream *s, struct strbuf *out)
{
	struct update_wait *u = container_of(s, struct update_wait, stream);
	if (!u->over)
		return CLI_STREAM_WAIT;
	if (!u->ok || tls_store_show_ocsp(u->store, u->name, false, out) < 0)
		strbuf_adds(out, "The response could not be updated: see 'show ssl ocsp-updates' "
				 "and the log.\n");
	return CLI_STREAM_END;
}

static void update_done(struct cli_stream *s)
{
	struct update_wait *u = container_of(s, struct update_wait, stream);
	ocsp_updater_forget(u->updater, u);
	free(u->name);
	free(u);
}

static void run_update_ocsp(struct cli_call *call)
{
	struct ocsp_updater *updater = cli_process(call)->ocsp;
	if (call->argc < 4) {
		cli_err(call, "'update ssl ocsp-response' expects a filename\n");
		return;
	}
	struct tls_store *store = cli_tls_store(call);
	if (!store)
		return;
	struct update_wait *u = calloc(1, sizeof(*u));
	if (u)
		u->name = strdup(call->argv[3]);
	int r = !u || !u->name ? -ENOMEM
		: !updater     ? -ENOENT
			       : ocsp_updater_now(updater, u->name, on_updated, u);
	if (r < 0) {
		cli_err(call,
		    r == -EBUSY ? "An update is under way, try again later.\n"
		    : r == -ENOENT
			? "'update ssl ocsp-response' only works on certificates that already "
			  "have a known OCSP response.\n"
			: "Out of memory.\n");
		if (u)
			free(u->name);
		free(u);
		return;
	}
	u->updater = updater;
	u->store = store;
	u->stream.next = update_next;
	u->stream.done = update_done;
	cli_stream_start(call, &u->stream);
}

/* ---- ticket keys ---- */

static void show_keys(struct strbuf *out, const struct tls_keys_file *f, bool values)
{
	char text[TLS_TICKET_BASE64];
	strbuf_addf(out, "%u (%s)\n", f->id, f->file ? f->file : "");
	for (unsigned i = 0; values && i < TLS_TICKETS_NO; i++) {
		tls_ticket_keys_show(f->keys, i, text);
		strbuf_addf(out, "%u.%u %s\n", f->id, i, text);
	}
}

/* By "#id" or file; NULL: none. */
static const struct tls_keys_file *find_keys(const struct cli_call *call, const char *name)
{
	const struct tls_keys_file *f = cli_process(call)->config->tls.keys;
	char *end;
	unsigned long id = strtoul(name + (*name == '#'), &end, 10);
	bool number = *name == '#' && name[1] && !*end;
	while (f && !(f->file && (number ? f->id == id : strcmp(f->file, name) == 0)))
		f = f->next;
	return f;
}

static void run_show_tls_keys(struct cli_call *call)
{
	const char *which = call->argv[2];
	bool all = !*which || strcmp(which, "*") == 0;
	const struct tls_keys_file *f =
	    all ? cli_process(call)->config->tls.keys : find_keys(call, which);
	if (!f && !all) {
		cli_err(call, "'show tls-keys' unable to locate referenced filename\n");
		return;
	}
	strbuf_adds(call->out, *which ? "# id secret\n" : "# id (file)\n");
	for (; f; f = all ? f->next : NULL) {
		if (f->file)
			show_keys(call->out, f, *which);
	}
}

static void run_set_tls_key(struct cli_call *call)
{
	if (call->argc < 5) {
		cli_err(
		    call, "'set ssl tls-key' expects a filename and the new TLS key in base64.\n");
		return;
	}
	const struct tls_keys_file *f = find_keys(call, call->argv[3]);
	if (!f)
		cli_err(call, "'set ssl tls-key' unable to locate referenced filename\n");
	else if (tls_ticket_keys_push(f->keys, slice_str(call->argv[4])) < 0)
		cli_err(call, "'set ssl tls-key' received invalid base64 encoded TLS key.\n");
	else
		cli_ok(call, "TLS ticket key updated!\n");
}

/* ---- providers ---- */

static int add_provider(OSSL_PROVIDER *provider, void *out)
{
	strbuf_addf(out, "\t- %s\n", OSSL_PROVIDER_get0_name(provider));
	return 1;
}

static void run_show_providers(struct cli_call *call)
{
	strbuf_adds(call->out, "Loaded providers : \n");
	OSSL_PROVIDER_do_all(NULL, add_provider, call->out);
}

const struct cli_command proxy_ssl_list_commands[] = {
	{ "add ssl crt-list", CLI_ADMIN, run_add_crt_list, "<list> <crt> | <payload>",
	    "adds a line to a crt-list" },
	{ "del ssl crt-list", CLI_ADMIN, run_del_crt_list, "<list> <crt>[:<line>]",
	    "takes a line off a crt-list" },
	{ "show ssl crt-list", CLI_OPERATOR, run_show_crt_list, "[-n] [<list>]",
	    "crt-lists, or what one of them holds" },
	{ "show ssl sni", CLI_OPERATOR, run_show_sni, "[-f <frontend>] [-A] [-t <offset>]",
	    "the names that certificates answer to" },
	{ "show ssl ocsp-response", CLI_OPERATOR, run_show_ocsp, "[[text|base64] <id|path>]",
	    "stapled OCSP responses, or one of them" },
	{ "set ssl ocsp-response", CLI_ADMIN, run_set_ocsp, "<response> | <payload>",
	    "staples a newer response, in base64, to the certificate it is for" },
	{ "show ssl ocsp-updates", CLI_OPERATOR, run_show_updates, "",
	    "when responses are renewed, and how that went" },
	{ "update ssl ocsp-response", CLI_ADMIN, run_update_ocsp, "<file>",
	    "renews the response of a certificate now" },
	{ "show tls-keys", CLI_OPERATOR, run_show_tls_keys, "[<id>|*]",
	    "files of ticket keys, or the keys in them" },
	{ "set ssl tls-key", CLI_ADMIN, run_set_tls_key, "<id> <key>",
	    "makes a key the newest one of a file" },
	{ "show ssl providers", CLI_OPERATOR, run_show_providers, "", "OpenSSL's providers" },
	{ NULL },
};
