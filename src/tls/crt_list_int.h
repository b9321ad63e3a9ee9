/* SPDX-License-Identifier: MIT */
/* crt-lists from inside: lines, and the binds that use them. */
#ifndef WEIR_TLS_CRT_LIST_INT_H
#define WEIR_TLS_CRT_LIST_INT_H

#include "store_int.h"
#include "weir/base/arena.h"

/* One certificate with its options and filters. Immutable but for its instances. */
struct tls_crt_line {
	struct list link;
	struct arena arena; /* of all texts below */
	unsigned number;    /* in the file, from 1 */
	const char *crt;    /* as written */
	const char *path;   /* name of the slot */
	struct tls_slot *slot;
	struct tls_options opt;
	struct tls_load files; /* key, ocsp ... in the brackets */
	bool has_files;
	bool is_there; /* a directory's listing had it */
	bool of_bind; /* "crt" of a bind line, or of a directory there: inherits ocsp-update.mode */
	unsigned extra;		    /* TLS_EXTRA_*: side files that may be there */
	const char *const *filters; /* lower case, "!" kept */
	unsigned filters_n;
	bool has_positive; /* filters name what the certificate serves */
	bool is_default;   /* a "*" among them, or default-crt */
	struct list insts; /* of struct tls_inst */
};

struct tls_bind;

struct tls_crt_list {
	struct list link;
	char *name;
	bool is_dir;
	struct list lines;
	struct list uses; /* of struct tls_list_use */
};

/* A bind that presents a list. */
struct tls_list_use {
	struct list link; /* of the list's uses */
	struct list by_bind;
	struct tls_crt_list *list;
	struct tls_bind *bind;
	/* A line was added, or is going to be removed. Under the store's lock. 0 or -errno, told. */
	int (*add)(struct tls_list_use *use, struct tls_crt_line *line, struct worker *w,
	    const struct tls_report *report);
	void (*remove)(struct tls_list_use *use, struct tls_crt_line *line, struct worker *w);
};

void tls_crt_lists_free(struct tls_store *s);
/* A line without list: "crt" of a bind. NULL without memory. */
struct tls_crt_line *tls_line_new(const char *crt);
/* A copy for another file: one key type of a bundle. */
struct tls_crt_line *tls_line_copy(const struct tls_crt_line *from, const char *crt);
void tls_line_free(struct tls_crt_line *line);
/* tls_line_free() for tls_retire(). */
void tls_line_retired(void *line);
/* A line keeps its slot in use. */
void tls_line_attach(struct tls_crt_line *line, struct tls_slot *slot);
void tls_line_detach(struct tls_crt_line *line);
/* 1: a line, 0: empty or a comment, -errno with a text in err. */
int tls_line_read(struct slice text, struct tls_crt_line **ret, char *err, size_t err_size);
/*
 * Loads the certificates that lines have no slot for yet; a bundle's line is split into one a key type. where: name of
 * the list for messages, or NULL. 0 or the first error, told.
 */
int tls_lines_load(
    struct tls_store *s, struct list *lines, const char *where, const struct tls_report *report);
/* The line's "ocsp-update" becomes its slot's. 0; -EINVAL when that has another one, told; -ENOMEM. */
int tls_line_set_ocsp(struct tls_store *s, struct tls_crt_line *line, const char *where,
    const struct tls_report *report);
struct tls_crt_list *tls_crt_list_find(struct tls_store *s, const char *name);
bool tls_is_directory(const struct tls_store *s, const char *name);

#endif
