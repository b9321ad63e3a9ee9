/* SPDX-License-Identifier: MIT */
/*
 * The names of a bind for "show ssl sni".
 */
#include "bind_int.h"

struct showing {
	int (*fn)(void *arg, const struct tls_sni_row *row);
	void *arg;
};

static int tell(struct showing *s, const char *name, const struct tls_inst *inst)
{
	static const char *const types[] = {
		[TLS_KEY_RSA] = "rsa",
		[TLS_KEY_ECDSA] = "ecdsa",
		[TLS_KEY_DSA] = "dsa",
		[TLS_KEY_OTHER] = "eddsa",
	};
	const struct tls_cert *c = atomic_load(&inst->slot->cert);
	struct strbuf negatives = STRBUF_INIT;
	if (!c)
		return 0;
	for (unsigned i = 0; *name == '*' && i < inst->line->filters_n; i++)
		if (inst->line->filters[i][0] == '!')
			strbuf_addf(
			    &negatives, "%s%s", negatives.len ? " " : "", inst->line->filters[i]);
	struct tls_sni_row row = {
		.sni = name,
		.negatives = negatives.len ? negatives.ptr : "-",
		.type = types[c->type],
		.crt = inst->slot->name,
		.not_before = c->not_before,
		.not_after = c->not_after,
	};
	int r = s->fn(s->arg, &row);
	strbuf_done(&negatives);
	return r;
}

static int tell_name(void *arg, struct slice name, struct tls_inst *inst)
{
	char text[SNI_NAME_MAX + 1];
	snprintf(text, sizeof(text), "%.*s", SLICE_ARG(name));
	return tell(arg, text, inst);
}

int tls_bind_each_sni(
    struct tls_bind *b, int (*fn)(void *arg, const struct tls_sni_row *row), void *arg)
{
	struct showing s = { .fn = fn, .arg = arg };
	pthread_mutex_lock(&b->store->lock);
	const struct tls_default_set *d = atomic_load(&b->defaults);
	int r = 0;
	for (unsigned i = 0; d && i < d->n && r == 0 && !b->conf.strict_sni; i++)
		r = tell(&s, "*", d->inst[i]);
	if (r == 0)
		r = sni_each(&b->sni, tell_name, &s);
	pthread_mutex_unlock(&b->store->lock);
	return r;
}
