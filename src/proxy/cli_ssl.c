/* SPDX-License-Identifier: MIT */
/*
 * Commands about certificates, authorities and revocation lists (management manual 9.3): what is loaded, and
 * transactions that change it. What they do is the certificate store's; here are words, levels and answers. Worker 0;
 * handshakes on all workers go on meanwhile and see the old or the new object whole.
 */
#include "cli_ssl.h"

/* A kind of object, and how the manual's answers speak of it. */
struct kind {
	enum tls_obj obj;
	const char *word; /* in the command */
	const char *created, *opened, *aborted, *deleted;
	const char *what; /* "Can't remove the ..." */
};

static const struct kind kinds[] = {
	{ TLS_OBJ_CERT, "cert", "New empty certificate store",
	    "Transaction created for certificate", "Transaction aborted for certificate",
	    "Certificate", "certificate" },
	{ TLS_OBJ_CA, "ca-file", "New CA file created", "transaction created for CA",
	    "Transaction aborted for certificate", "CA file", "CA file" },
	{ TLS_OBJ_CRL, "crl-file", "New CRL file created", "transaction created for CRL",
	    "Transaction aborted for certificate", "CRL file", "CRL file" },
};

static const struct kind *kind_of(const struct cli_call *call)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(call->argv[2], kinds[i].word) == 0)
			return &kinds[i];
	}
	return &kinds[0]; /* the rows let no other word through */
}

struct tls_store *cli_tls_store(struct cli_call *call)
{
	struct tls_store *store = cli_process(call)->config->tls.store;
	if (!store)
		cli_err(call, "Nothing in the configuration speaks TLS.\n");
	return store;
}

void cli_text_or_error(struct cli_call *call, int r, struct strbuf *text)
{
	if (text->len && (r < 0 || text->failed))
		cli_err(call, "%.*s%s", (int)text->len, text->ptr,
		    text->ptr[text->len - 1] == '\n' ? "" : "\n");
	else if (r < 0)
		cli_err(call, "%s!\n", strerror(-r));
	strbuf_done(text);
}

/* The name of the command's object. NULL: an error was written. */
static const char *name_of(struct cli_call *call)
{
	if (call->argc >= 4)
		return call->argv[3];
	cli_err(call, "'%s ssl %s' expects a filename\n", call->argv[0], call->argv[2]);
	return NULL;
}

/* Worded as the manual's examples: an error, then what could not be done. */
static void refused(struct cli_call *call, struct strbuf *err, const char *what, const char *name)
{
	if (err->len)
		cli_err(call, "%.*s\n%s %s!\n", (int)err->len, err->ptr, what, name);
	else
		cli_err(call, "%s %s!\n", what, name);
	strbuf_done(err);
}

static void run_new(struct cli_call *call)
{
	const struct kind *k = kind_of(call);
	const char *name = name_of(call);
	struct tls_store *store = name ? cli_tls_store(call) : NULL;
	struct strbuf err = STRBUF_INIT;
	if (!store)
		return;
	int r = tls_store_new_entry(store, k->obj, name, &err);
	if (r == 0)
		cli_ok(call, "%s '%s'!\n", k->created, name);
	cli_text_or_error(call, r, &err);
}

static void put(struct cli_call *call, bool add)
{
	const struct kind *k = kind_of(call);
	struct strbuf err = STRBUF_INIT;
	if (call->argc < 4 || !call->payload.len) {
		cli_err(call, "'%s ssl %s' expects a filename and %s as a payload\n", call->argv[0],
		    k->word, k->obj == TLS_OBJ_CERT ? "a certificate" : "its content");
		return;
	}
	struct tls_store *store = cli_tls_store(call);
	const char *name = call->argv[3];
	if (!store)
		return;
	bool open = tls_store_in_transaction(store, k->obj, name);
	if (tls_store_set(store, k->obj, name, call->payload, add, &err) < 0) {
		refused(call, &err, "Can't update", name);
		return;
	}
	if (open)
		cli_ok(call, "Transaction updated for %s %s!\n",
		    k->obj == TLS_OBJ_CERT ? "certificate" : k->what, name);
	else
		cli_ok(call, "%s %s!\n", k->opened, name);
	strbuf_done(&err);
}

static void run_set(struct cli_call *call)
{
	put(call, false);
}

static void run_add(struct cli_call *call)
{
	put(call, true);
}

static void run_commit(struct cli_call *call)
{
	const struct kind *k = kind_of(call);
	const char *name = name_of(call);
	struct tls_store *store = name ? cli_tls_store(call) : NULL;
	struct strbuf err = STRBUF_INIT;
	if (!store)
		return;
	if (!tls_store_in_transaction(store, k->obj, name)) {
		cli_err(call, "No ongoing transaction!\nCan't commit %s!\n", name);
		return;
	}
	if (tls_store_commit(store, call->worker, k->obj, name, &err) < 0) {
		refused(call, &err, "Can't commit", name);
		return;
	}
	cli_ok(call, "Committing %s\nSuccess!\n", name);
	strbuf_done(&err);
}

static void run_abort(struct cli_call *call)
{
	const struct kind *k = kind_of(call);
	const char *name = name_of(call);
	struct tls_store *store = name ? cli_tls_store(call) : NULL;
	struct strbuf err = STRBUF_INIT;
	if (!store)
		return;
	if (!tls_store_in_transaction(store, k->obj, name)) {
		cli_err(call, "No ongoing transaction!\n");
		return;
	}
	int r = tls_store_abort(store, k->obj, name, &err);
	if (r == 0)
		cli_ok(call, "%s '%s'!\n", k->aborted, name);
	cli_text_or_error(call, r, &err);
}

static void run_del(struct cli_call *call)
{
	const struct kind *k = kind_of(call);
	const char *name = name_of(call);
	struct tls_store *store = name ? cli_tls_store(call) : NULL;
	struct strbuf err = STRBUF_INIT;
	if (!store)
		return;
	if (tls_store_del(store, call->worker, k->obj, name, &err) < 0)
		cli_err(call, "Can't remove the %s: %.*s\n", k->what, (int)err.len,
		    err.len ? err.ptr : "");
	else
		cli_ok(call, "%s '%s' deleted!\n", k->deleted, name);
	strbuf_done(&err);
}

static void run_show(struct cli_call *call)
{
	const struct kind *k = kind_of(call);
	const char *name = call->argc > 3 ? call->argv[3] : NULL;
	struct tls_store *store = cli_tls_store(call);
	struct strbuf text = STRBUF_INIT;
	if (!store)
		return;
	if (tls_store_show(store, k->obj, name, &text) < 0)
		cli_err(call, "Can't display the %s: Not found%s!\n", k->what,
		    k->obj == TLS_OBJ_CERT ? " or the certificate is a bundle" : "");
	else
		strbuf_add(call->out, text.ptr, text.len);
	strbuf_done(&text);
}

static void run_dump(struct cli_call *call)
{
	const char *name = name_of(call);
	struct tls_store *store = name ? cli_tls_store(call) : NULL;
	struct strbuf text = STRBUF_INIT;
	if (!store)
		return;
	if (tls_store_dump(store, name, &text) < 0)
		cli_err(call, "Can't dump the certificate: Not found!\n");
	else
		strbuf_add(call->out, text.ptr, text.len);
	strbuf_done(&text);
}

const struct cli_command proxy_ssl_commands[] = {
	{ "new ssl cert", CLI_ADMIN, run_new, "<file>", "makes an empty certificate to be filled" },
	{ "set ssl cert", CLI_ADMIN, run_set, "<file> <payload>",
	    "puts PEM into the transaction of a certificate" },
	{ "commit ssl cert", CLI_ADMIN, run_commit, "<file>", "uses the changed certificate" },
	{ "abort ssl cert", CLI_ADMIN, run_abort, "<file>", "drops a transaction" },
	{ "del ssl cert", CLI_ADMIN, run_del, "<file>", "deletes a certificate that nothing uses" },
	{ "dump ssl cert", CLI_ADMIN, run_dump, "<file>", "a certificate with its key, as PEM" },
	{ "show ssl cert", CLI_OPERATOR, run_show, "[[*]<file>]", "certificates, or one of them" },
	{ "new ssl ca-file", CLI_ADMIN, run_new, "<file>", "makes an empty file of authorities" },
	{ "set ssl ca-file", CLI_ADMIN, run_set, "<file> <payload>",
	    "replaces the authorities of a transaction" },
	{ "add ssl ca-file", CLI_ADMIN, run_add, "<file> <payload>",
	    "adds an authority to a transaction" },
	{ "commit ssl ca-file", CLI_ADMIN, run_commit, "<file>", "uses the changed authorities" },
	{ "abort ssl ca-file", CLI_ADMIN, run_abort, "<file>", "drops a transaction" },
	{ "del ssl ca-file", CLI_ADMIN, run_del, "<file>",
	    "deletes authorities that nothing uses" },
	{ "show ssl ca-file", CLI_OPERATOR, run_show, "[[*]<file>[:<index>]]",
	    "files of authorities, or one of them" },
	{ "new ssl crl-file", CLI_ADMIN, run_new, "<file>", "makes an empty revocation list" },
	{ "set ssl crl-file", CLI_ADMIN, run_set, "<file> <payload>",
	    "replaces the revocation lists of a transaction" },
	{ "commit ssl crl-file", CLI_ADMIN, run_commit, "<file>", "uses the changed lists" },
	{ "abort ssl crl-file", CLI_ADMIN, run_abort, "<file>", "drops a transaction" },
	{ "del ssl crl-file", CLI_ADMIN, run_del, "<file>", "deletes lists that nothing uses" },
	{ "show ssl crl-file", CLI_OPERATOR, run_show, "[[*]<file>[:<index>]]",
	    "revocation lists, or one of them" },
	{ NULL },
};
