/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes what reads certificates from text: PEM, base64, the walk over DER, crt-list lines. The first byte chooses. A
 * certificate that the walk accepts is compared with what OpenSSL makes of it: type of key, dates, names within bounds.
 */
#include "../../src/tls/crt_list_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static int take_name(void *arg, struct slice name)
{
	const struct slice *der = arg;
	check(name.len > 0 && name.len <= 255);
	check(name.ptr >= der->ptr && name.ptr + name.len <= der->ptr + der->len);
	return 0;
}

static void fuzz_der(struct slice der)
{
	struct der_cert c;
	if (der_cert_parse(der, &c) < 0)
		return;
	check(c.len <= der.len);
	check(der_cert_names(&c, take_name, &der) == 0);
	(void)der_key_matches(&c, der);
	const unsigned char *at = (const unsigned char *)der.ptr;
	X509 *x = d2i_X509(NULL, &at, (long)der.len);
	if (x) {
		struct tm tm;
		check((size_t)(at - (const unsigned char *)der.ptr) == c.len);
		if (ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm))
			check(timegm(&tm) == c.not_after);
	}
	X509_free(x);
	tls_openssl_error();
}

static void fuzz_pem(struct slice text)
{
	const char *end = text.ptr + text.len;
	struct pem_block b;
	uint8_t *out = malloc(text.len + 4);
	while (out && pem_next(&text, &b) > 0) {
		size_t len;
		check(b.whole.ptr + b.whole.len <= end && b.body.ptr + b.body.len <= end);
		if (base64_read(b.body, out, &len) < 0)
			continue;
		check(len <= b.body.len);
		fuzz_der(slice_make((char *)out, len));
	}
	free(out);
}

static void fuzz_parts(struct slice text)
{
	struct tls_store_conf conf = TLS_STORE_CONF_INIT;
	struct tls_report quiet = { .say = NULL };
	struct tls_store *s = tls_store_new(&conf, &quiet);
	struct tls_parts parts = { .chain_n = 0 };
	if (tls_parts_pem(s, &parts, text, "f", TLS_PEM_ALL, &quiet) == 0) {
		struct tls_cert *c = tls_cert_new(s, "f", &parts, &quiet);
		if (c) {
			tls_store_set_log(s, &quiet);
			(void)tls_cert_live(c);
			tls_cert_close(c);
		}
	}
	tls_parts_done(s, &parts);
	tls_store_free(s);
}

static void fuzz_line(struct slice text)
{
	char err[256] = "";
	struct tls_crt_line *line;
	if (memchr(text.ptr, '\0', text.len))
		return;
	int r = tls_line_read(text, &line, err, sizeof(err));
	check(r >= 0 || err[0]);
	if (r <= 0)
		return;
	struct strbuf words = STRBUF_INIT;
	tls_options_text(&line->opt, &words);
	strbuf_done(&words);
	for (unsigned i = 0; i < line->filters_n; i++)
		check(line->filters[i][0]);
	tls_line_free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	char *copy = malloc(size);
	if (!copy)
		return 0;
	memcpy(copy, data + 1, size - 1);
	struct slice text = slice_make(copy, size - 1);
	switch (data[0] % 5) {
	case 0:
		fuzz_pem(text);
		break;
	case 1:
		fuzz_der(text);
		break;
	case 2:
		fuzz_parts(text);
		break;
	case 3:
		fuzz_line(text);
		break;
	case 4:
		(void)tls_sctl_check(text);
		break;
	}
	free(copy);
	return 0;
}
