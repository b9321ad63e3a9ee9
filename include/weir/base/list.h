/* SPDX-License-Identifier: MIT */
/*
 * Intrusive doubly linked list. A head and a detached link both point at themselves, so list_del() on a
 * detached link is harmless and list_is_linked() tells membership.
 */
#ifndef WEIR_BASE_LIST_H
#define WEIR_BASE_LIST_H

#include "weir/base/compiler.h"

struct list {
	struct list *next;
	struct list *prev;
};

#define LIST_INIT(name)                                                                            \
	{                                                                                          \
		.next = &(name), .prev = &(name)                                                   \
	}

static inline void list_init(struct list *l)
{
	l->next = l;
	l->prev = l;
}

static inline bool list_is_empty(const struct list *head)
{
	return head->next == head;
}

static inline bool list_is_linked(const struct list *link)
{
	return link->next != link;
}

static inline void list_insert_(struct list *link, struct list *prev, struct list *next)
{
	link->next = next;
	link->prev = prev;
	prev->next = link;
	next->prev = link;
}

static inline void list_add_head(struct list *head, struct list *link)
{
	list_insert_(link, head, head->next);
}

/* With a link for head: inserts before that link. */
static inline void list_add_tail(struct list *head, struct list *link)
{
	list_insert_(link, head->prev, head);
}

/* Leaves the link detached and reusable. */
static inline void list_del(struct list *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	list_init(link);
}

/* Moves all of from to the tail of to; from is empty afterwards. */
static inline void list_splice_tail(struct list *to, struct list *from)
{
	if (list_is_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

#define list_entry(link, type, member) container_of(link, type, member)
#define list_first(head, type, member) list_entry((head)->next, type, member)
#define list_last(head, type, member)  list_entry((head)->prev, type, member)

#define list_for_each(pos, head)                                                                   \
	for (struct list *pos = (head)->next; pos != (head); pos = pos->next)

/* The body may delete the current link, and no other. */
#define list_for_each_safe(pos, head)                                                              \
	for (struct list *pos = (head)->next, *pos##_next = pos->next; pos != (head);              \
	     pos = pos##_next, pos##_next = pos->next)

#define list_for_each_entry(pos, head, type, member)                                               \
	for (type *pos = list_first(head, type, member); &pos->member != (head);                   \
	     pos = list_entry(pos->member.next, type, member))

/* The body may delete the current entry, and no other. */
#define list_for_each_entry_safe(pos, head, type, member)                                          \
	for (type *pos = list_first(head, type, member),                                           \
		  *pos##_next = list_entry(pos->member.next, type, member);                        \
	     &pos->member != (head);                                                               \
	     pos = pos##_next, pos##_next = list_entry(pos->member.next, type, member))

#endif
