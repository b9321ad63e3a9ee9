/* SPDX-License-Identifier: MIT */
/*
 * Ticket keys in memory that outlives a worker process. The page is written by the process that serves, under the lock
 * of its keys, and read by the next one while that starts; both may run at once, so a count says whether a write is
 * under way. A process that is being replaced writes no more once its successor has claimed the page.
 */
#include "ticket_keep.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE_MAGIC "weirtk01" /* another layout, another number */
#define READ_TRIES 1000

/* Of another process, so nothing in it is trusted but its bytes: it is copied out, then judged. */
struct ticket_page {
	char magic[8];
	atomic_uint writes; /* odd: one is under way */
	atomic_int owner;   /* process that may write */
	int64_t rotate_at_s;
	uint8_t keys[TICKET_PAGE_KEYS];
};

int tls_kept_open(void)
{
	int fd = memfd_create("weir-ticket-keys", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -1;
	/* sealed, so that no reader meets the end of a page that has shrunk */
	if (ftruncate(fd, sizeof(struct ticket_page)) == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
		return fd;
	close(fd);
	return -1;
}

struct ticket_page *ticket_page_map(int fd)
{
	struct stat st;
	int seals = fd >= 0 ? fcntl(fd, F_GET_SEALS) : -1;
	if (seals < 0 || !(seals & F_SEAL_SHRINK) || fstat(fd, &st) < 0 ||
	    st.st_size != sizeof(struct ticket_page))
		return NULL;
	void *at =
	    mmap(NULL, sizeof(struct ticket_page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return NULL;
	(void)madvise(at, sizeof(struct ticket_page), MADV_DONTDUMP);
	return at;
}

void ticket_page_unmap(struct ticket_page *p)
{
	if (p)
		munmap(p, sizeof(*p));
}

bool ticket_page_read(
    struct ticket_page *p, uint8_t keys[TICKET_PAGE_KEYS], int64_t *ret_rotate_at_s)
{
	for (unsigned i = 0; i < READ_TRIES; i++) {
		unsigned before = atomic_load_explicit(&p->writes, memory_order_acquire);
		if (before == 0 || memcmp(p->magic, PAGE_MAGIC, sizeof(p->magic)) != 0)
			return false;
		int64_t rotate_at_s = p->rotate_at_s;
		memcpy(keys, p->keys, sizeof(p->keys));
		atomic_thread_fence(memory_order_acquire);
		if (before % 2 || atomic_load_explicit(&p->writes, memory_order_relaxed) != before)
			continue;
		*ret_rotate_at_s = rotate_at_s;
		return true;
	}
	return false;
}

void ticket_page_claim(struct ticket_page *p)
{
	atomic_store(&p->owner, (int)getpid());
	/* a writer that was killed half-way has left an odd number */
	if (atomic_load(&p->writes) % 2)
		atomic_fetch_add(&p->writes, 1);
}

void ticket_page_write(
    struct ticket_page *p, const uint8_t keys[TICKET_PAGE_KEYS], int64_t rotate_at_s)
{
	if (atomic_load(&p->owner) != (int)getpid())
		return;
	atomic_fetch_add(&p->writes, 1);
	atomic_thread_fence(memory_order_release);
	memcpy(p->magic, PAGE_MAGIC, sizeof(p->magic));
	p->rotate_at_s = rotate_at_s;
	memcpy(p->keys, keys, sizeof(p->keys));
	atomic_fetch_add_explicit(&p->writes, 1, memory_order_release);
}
