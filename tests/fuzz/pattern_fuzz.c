/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target of pattern lists. The first byte picks the match method, the rest up to a NUL is a map file, what
 * follows are texts to look up, a line each. A list read from the file and one filled entry by entry must answer
 * the same, also when entries go one after the other; empty lists find nothing.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "weir/rule/patterns.h"
#include "weir/rule/rule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TEXTS_MAX   16
#define ENTRIES_MAX 200

struct run {
	struct arena conf_mem, mem;
	struct rule_ctx cx;
	struct slice texts[TEXTS_MAX];
	unsigned texts_n;
	struct pattern_ref *from_file, *by_hand;
};

static const char *const methods[] = { "str", "beg", "end", "sub", "dir", "dom", "reg", "int",
	"ip" };

static void require(bool holds)
{
	if (!holds)
		abort();
}

static int set_expr(const struct conf_call *call)
{
	int arg = call->arg;
	return arg < call->line->argc && expr_parse(call->conf, call->line, &arg, 0) ? 0 : -1;
}

static void *open_section(const struct conf_call *call)
{
	return conf_user(call->conf);
}

static const struct conf_keyword rows[] = {
	{ "expr", CONF_FRONTEND, 0, 1, -1, set_expr, 0, "", "" },
	{ .name = NULL },
};
static const struct conf_keyword *const tables[] = { rows, NULL };
static const struct conf_section section = {
	.name = "frontend", .scope = CONF_FRONTEND, .open = open_section, .tables = tables
};
static const struct conf_section *const sections[] = { &section, NULL };

static bool copy_entry(const struct pattern_entry_info *e, void *arg)
{
	struct run *r = arg;
	require(pattern_ref_add(r->by_hand, NULL, NULL, e->text, e->value, NULL) == PATTERN_OK);
	return true;
}

struct answer {
	bool found;
	struct slice text, value;
};

static void note(const struct pattern_lookup *l, void *arg)
{
	*(struct answer *)arg = (struct answer){ l->found, l->text, l->value };
}

static struct answer ask(struct run *r, struct pattern_ref *list, struct slice text)
{
	struct answer a = { .found = false };
	pattern_ref_lookup(list, &r->cx, text, note, &a);
	return a;
}

static void compare(struct run *r)
{
	for (unsigned i = 0; i < r->texts_n; i++) {
		struct answer a = ask(r, r->from_file, r->texts[i]);
		struct answer b = ask(r, r->by_hand, r->texts[i]);
		require(a.found == b.found);
		require(!a.found || (slice_eq(a.text, b.text) && slice_eq(a.value, b.value)));
	}
}

static bool first_text(const struct pattern_entry_info *e, void *arg)
{
	*(struct slice *)arg = e->text;
	return false;
}

static void shrink(struct run *r)
{
	for (;;) {
		struct slice text = SLICE_NULL;
		struct pattern_ref_info info;
		pattern_ref_info(r->from_file, &info);
		pattern_ref_each(r->from_file, NULL, first_text, &text);
		require((info.entries == 0) == !text.ptr);
		if (!text.ptr)
			break;
		/* The text is the entry's own, which goes. */
		text = arena_slice(&r->mem, text);
		require(pattern_ref_del(r->from_file, NULL, text) == PATTERN_OK);
		require(pattern_ref_del(r->by_hand, NULL, text) == PATTERN_OK);
		if (info.entries % 3 == 0)
			compare(r);
	}
	for (unsigned i = 0; i < r->texts_n; i++)
		require(!ask(r, r->from_file, r->texts[i]).found);
}

static void read_lists(struct run *r, struct diag *diag, const char *method, int fd)
{
	const struct conf_setup setup = { .sections = sections,
		.keywords = tables,
		.diag = diag,
		.arena = &r->conf_mem,
		.user = r,
		.version = "3.5.0" };
	struct conf *conf = conf_new(&setup);
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	char *text = arena_printf(&r->conf_mem,
	    "frontend f\nexpr str(1),map_%s(virt@m)\nexpr str(1),map_%s(file@%s)\n", method, method,
	    path);
	require(text && conf_add_text(conf, "t", slice_str(text)) == 0);
	if (conf_read(conf) == 0) {
		struct pattern_store *store = patterns_finish(conf);
		r->by_hand = pattern_ref_find(store, "virt@m");
		r->from_file = pattern_ref_find(store, path);
		require(r->by_hand && r->from_file);
	} else {
		require(diag_count(diag, DIAG_ERROR) > 0);
	}
	conf_free(conf);
}

static void cut_texts(struct run *r, struct slice rest)
{
	while (rest.ptr && r->texts_n < TEXTS_MAX)
		r->texts[r->texts_n++] = slice_cut(&rest, '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct run r;
	if (size < 2 || size > 4096)
		return 0;
	memset(&r, 0, sizeof(r));
	struct slice rest = slice_make((const char *)data + 1, size - 1);
	struct slice file = slice_cut(&rest, '\0');
	int fd = memfd_create("map", MFD_CLOEXEC);
	require(fd >= 0 && write(fd, file.ptr, file.len) == (ssize_t)file.len);
	arena_init(&r.conf_mem, 65536);
	arena_init(&r.mem, 65536);
	r.cx.arena = &r.mem;
	cut_texts(&r, rest);
	struct diag *diag = diag_new();
	read_lists(&r, diag, methods[data[0] % ARRAY_SIZE(methods)], fd);
	if (r.from_file) {
		struct pattern_ref_info info;
		pattern_ref_info(r.from_file, &info);
		if (info.entries <= ENTRIES_MAX) {
			pattern_ref_each(r.from_file, NULL, copy_entry, &r);
			compare(&r);
			shrink(&r);
		}
	}
	diag_free(diag);
	close(fd);
	arena_reset(&r.conf_mem);
	arena_reset(&r.mem);
	return 0;
}
