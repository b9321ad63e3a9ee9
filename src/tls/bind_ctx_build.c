/* SPDX-License-Identifier: MIT */
/*
 * A bind as a whole: its lines become instances in the index of names, in the order of the configuration; crt-lists
 * tell when a line comes or goes. Everything here runs on the main thread before workers start, or under the store's
 * lock afterwards.
 */
#include <errno.h>

#include "bind_int.h"

/* ---- names of an instance ---- */

int tls_inst_names(
    struct tls_inst *inst, struct tls_cert *c, int (*fn)(void *arg, struct slice name), void *arg)
{
	const struct tls_crt_line *line = inst->line;
	int r = 0;
	for (unsigned i = 0; i < line->filters_n && r == 0; i++)
		if (line->filters[i][0] != '!' && strcmp(line->filters[i], "*") != 0)
			r = fn(arg, slice_str(line->filters[i]));
	if (line->has_positive || !c)
		return r;
	const char *name = c->names;
	for (unsigned i = 0; i < c->names_n && r == 0; i++, name += strlen(name) + 1)
		r = fn(arg, slice_str(name));
	return r;
}

struct naming {
	struct tls_inst *inst;
	struct worker *w;
};

static int add_name(void *arg, struct slice name)
{
	struct naming *n = arg;
	return sni_add(&n->inst->bind->sni, n->w, name, n->inst);
}

static int remove_name(void *arg, struct slice name)
{
	struct naming *n = arg;
	sni_remove(&n->inst->bind->sni, n->w, name, n->inst);
	return 0;
}

/* Instances with filters keep theirs whatever the certificate says. */
static int each_name(struct tls_slot *slot, struct worker *w, struct tls_cert *c,
    int (*fn)(void *arg, struct slice name))
{
	int r = 0;
	list_for_each (at, &slot->insts) {
		struct naming n = { .inst = list_entry(at, struct tls_inst, by_slot), .w = w };
		if (r == 0 && !n.inst->line->has_positive)
			r = tls_inst_names(n.inst, c, fn, &n);
	}
	return r;
}

int tls_slot_add_names(struct tls_slot *slot, struct worker *w, struct tls_cert *c)
{
	int r = each_name(slot, w, c, add_name);
	if (r)
		each_name(slot, w, c, remove_name); /* as far as they had come */
	return r;
}

void tls_slot_remove_names(struct tls_slot *slot, struct worker *w, struct tls_cert *c)
{
	each_name(slot, w, c, remove_name);
}

/* ---- defaults ---- */

/* The explicit ones, and the first of all unless it is one. */
static int publish_defaults(struct tls_bind *b, struct worker *w)
{
	unsigned n = 1;
	list_for_each_entry (inst, &b->insts, struct tls_inst, by_bind)
		n += inst->line->is_default;
	struct tls_default_set *d = calloc(1, sizeof(*d) + n * sizeof(d->inst[0]));
	if (!d)
		return -ENOMEM;
	list_for_each_entry (inst, &b->insts, struct tls_inst, by_bind) {
		bool first = inst->by_bind.prev == &b->insts;
		if (inst->line->is_default || first)
			d->inst[d->n++] = inst;
	}
	struct tls_default_set *old = atomic_exchange(&b->defaults, d);
	if (old)
		tls_retire(w, free, old);
	return 0;
}

/* ---- instances ---- */

static void inst_unlink(struct tls_inst *inst, struct worker *w)
{
	struct naming n = { .inst = inst, .w = w };
	tls_inst_names(inst, atomic_load(&inst->slot->cert), remove_name, &n);
	list_del(&inst->by_slot);
	list_del(&inst->by_bind);
	list_del(&inst->by_line);
}

static int inst_add(struct tls_bind *b, struct tls_crt_line *line, struct worker *w,
    const struct tls_report *report)
{
	struct tls_ctx_group *g = tls_group_get(b, &line->opt, report);
	if (!g)
		return -EINVAL;
	struct tls_inst *inst = calloc(1, sizeof(*inst));
	if (!inst)
		return -ENOMEM;
	*inst = (struct tls_inst){
		.bind = b, .line = line, .group = g, .slot = line->slot, .order = b->next_order++
	};
	list_add_tail(&line->slot->insts, &inst->by_slot);
	list_add_tail(&b->insts, &inst->by_bind);
	list_add_tail(&line->insts, &inst->by_line);
	struct naming n = { .inst = inst, .w = w };
	int err = tls_inst_names(inst, atomic_load(&line->slot->cert), add_name, &n);
	if (err) {
		inst_unlink(inst, w);
		tls_retire(w, free, inst);
	}
	return err;
}

static int use_add(struct tls_list_use *use, struct tls_crt_line *line, struct worker *w,
    const struct tls_report *report)
{
	struct tls_bind *b = use->bind;
	int err = inst_add(b, line, w, report);
	return err ? err : publish_defaults(b, w);
}

static void use_remove(struct tls_list_use *use, struct tls_crt_line *line, struct worker *w)
{
	struct tls_bind *b = use->bind;
	list_for_each_safe (at, &line->insts) {
		struct tls_inst *inst = list_entry(at, struct tls_inst, by_line);
		if (inst->bind != b)
			continue;
		inst_unlink(inst, w);
		publish_defaults(b, w);
		tls_retire(w, free, inst);
	}
}

/* ---- building ---- */

static int add_lines(struct tls_bind *b, struct list *lines, const struct tls_report *report)
{
	int err = 0;
	list_for_each_entry (line, lines, struct tls_crt_line, link) {
		int e = inst_add(b, line, NULL, report);
		if (e && !err)
			err = e;
	}
	return err;
}

static int use_list(struct tls_bind *b, const char *name, const struct tls_report *report)
{
	struct tls_crt_list *list;
	int err = *name == '@' ? -ENOENT : tls_crt_list_get(b->store, name, &list, report);
	if (*name == '@') {
		list = tls_crt_list_named(b->store, name);
		err = list ? 0 : -ENOMEM;
	}
	if (err)
		return err;
	struct tls_list_use *use = calloc(1, sizeof(*use));
	if (!use)
		return -ENOMEM;
	*use =
	    (struct tls_list_use){ .bind = b, .list = list, .add = use_add, .remove = use_remove };
	list_add_tail(&list->uses, &use->link);
	list_add_tail(&b->uses, &use->by_bind);
	return add_lines(b, &list->lines, report);
}

static int use_file(
    struct tls_bind *b, const struct tls_bind_crt *crt, const struct tls_report *report)
{
	struct tls_crt_line *line = tls_line_new(crt->name);
	struct list one = LIST_INIT(one);
	if (!line)
		return -ENOMEM;
	line->is_default = crt->word == TLS_CRT_DEFAULT;
	line->of_bind = true;
	list_add_tail(&one, &line->link);
	int err = tls_lines_load(b->store, &one, NULL, report);
	/* a bundle named first is the default with all its key types */
	if (list_is_empty(&b->insts))
		list_for_each_entry (l, &one, struct tls_crt_line, link)
			l->is_default = true;
	if (err == 0)
		err = add_lines(b, &one, report);
	if (err == 0 || !list_is_empty(&one))
		list_splice_tail(&b->own_lines, &one);
	return err;
}

static int use_crt(
    struct tls_bind *b, const struct tls_bind_crt *crt, const struct tls_report *report)
{
	if (crt->word == TLS_CRT_LIST || tls_is_directory(b->store, crt->name))
		return use_list(b, crt->name, report);
	return use_file(b, crt, report);
}

static int check_any(struct tls_bind *b, const struct tls_report *report)
{
	if (!list_is_empty(&b->insts) || b->conf.strict_sni)
		return 0;
	tls_say(report, DIAG_ERROR, "there is no certificate: 'ssl' needs a 'crt'");
	return -ENOENT;
}

static int set_dh(struct tls_bind *b, const struct tls_report *report)
{
	const struct tls_store *s = b->store;
	if (s->dh_file && EVP_PKEY_up_ref(s->dh_file))
		b->dh = s->dh_file;
	else if (s->conf.default_dh_param)
		b->dh = tls_dh_group(s->conf.default_dh_param);
	if (b->dh || (!s->dh_file && !s->conf.default_dh_param))
		return 0;
	tls_say(report, DIAG_ERROR, "there is no DH group of %u bits: %s", s->conf.default_dh_param,
	    tls_openssl_error());
	return -EINVAL;
}

static size_t expected_names(const struct tls_bind *b)
{
	return b->store->by_name.count * 2;
}

int tls_bind_build(const struct tls_bind_conf *conf, struct tls_store *store,
    const struct tls_report *report, struct tls_bind **ret)
{
	struct tls_bind *b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	b->conf = *conf;
	b->store = store;
	list_init(&b->groups);
	list_init(&b->insts);
	list_init(&b->own_lines);
	list_init(&b->uses);
	int err = sni_init(&b->sni, expected_names(b));
	if (err == 0)
		err = set_dh(b, report);
	struct tls_options none = { .alpn = NULL };
	if (err == 0 && !tls_group_get(b, &none, report))
		err = -EINVAL;
	if (err == 0 && conf->generate) {
		b->forge = tls_forge_new(&b->conf, store, report);
		err = b->forge ? 0 : -EINVAL;
	}
	for (unsigned i = 0; err == 0 && i < conf->crt_n; i++) {
		int e = use_crt(b, &conf->crts[i], report);
		if (e && !err)
			err = e;
	}
	if (err == 0)
		err = check_any(b, report);
	if (err == 0)
		err = publish_defaults(b, NULL);
	if (err) {
		tls_bind_free(b);
		return err;
	}
	*ret = b;
	return 0;
}

void tls_bind_free(struct tls_bind *b)
{
	if (!b)
		return;
	pthread_mutex_lock(&b->store->lock);
	list_for_each_entry_safe (inst, &b->insts, struct tls_inst, by_bind) {
		/* the index goes as a whole */
		list_del(&inst->by_slot);
		list_del(&inst->by_bind);
		list_del(&inst->by_line);
		free(inst);
	}
	list_for_each_entry_safe (use, &b->uses, struct tls_list_use, by_bind) {
		list_del(&use->link);
		list_del(&use->by_bind);
		free(use);
	}
	list_for_each_entry_safe (line, &b->own_lines, struct tls_crt_line, link)
		tls_line_free(line);
	list_for_each_entry_safe (g, &b->groups, struct tls_ctx_group, link)
		tls_group_free(g);
	pthread_mutex_unlock(&b->store->lock);
	sni_done(&b->sni);
	free(atomic_load(&b->defaults));
	tls_forge_free(b->forge);
	EVP_PKEY_free(b->dh);
	free(b);
}

SSL_CTX *tls_bind_ctx(const struct tls_bind *b)
{
	const struct tls_ctx_group *g = list_first(&b->groups, struct tls_ctx_group, link);
	return atomic_load_explicit(&g->ctx, memory_order_acquire);
}

const struct tls_bind_conf *tls_bind_conf(const struct tls_bind *b)
{
	return &b->conf;
}
