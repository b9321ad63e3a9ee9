/* SPDX-License-Identifier: MIT */
/*
 * A page of memory, behind a descriptor that a master hands from worker process to worker process, in which ticket keys
 * outlive the process that made them. Never in a file; dumps of memory leave it out.
 */
#ifndef WEIR_TLS_TICKET_KEEP_H
#define WEIR_TLS_TICKET_KEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/compiler.h"
#include "weir/tls/ticket_keys.h"

struct ticket_page;

#define TICKET_PAGE_KEYS (TLS_TICKETS_NO * TLS_TICKET_KEY_MAX)

/* Maps the page; NULL: the descriptor is none of tls_kept_open(). */
struct ticket_page *ticket_page_map(int fd);
void ticket_page_unmap(struct ticket_page *p);
/* What was left there last. False: nothing, or whoever wrote it did not come to the end. */
bool ticket_page_read(
    struct ticket_page *p, uint8_t keys[TICKET_PAGE_KEYS], int64_t *ret_rotate_at_s);
/* The page is this process's from now on: only the process that has claimed it last writes. */
void ticket_page_claim(struct ticket_page *p);
void ticket_page_write(
    struct ticket_page *p, const uint8_t keys[TICKET_PAGE_KEYS], int64_t rotate_at_s);

#endif
