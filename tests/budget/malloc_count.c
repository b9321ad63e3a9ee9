/* SPDX-License-Identifier: MIT */
/*
 * A preloaded library that counts the calls of the allocator, for tests/budget. The counters live in the file
 * named by WEIR_MALLOC_COUNT (16 bytes, mapped shared), so that the test reads them without asking the process
 * anything: allocations first, then frees.
 *
 * It calls glibc's own entry points, so that it needs no dlsym(), which would itself allocate.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct counts {
	atomic_uint_least64_t allocs;
	atomic_uint_least64_t frees;
};

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t align, size_t size);
extern void __libc_free(void *p);

static struct counts before_main; /* until the file is mapped, and when there is none */
static struct counts *counts = &before_main;

static void count_alloc(void)
{
	atomic_fetch_add_explicit(&counts->allocs, 1, memory_order_relaxed);
}

__attribute__((constructor)) static void counts_map(void)
{
	const char *path = getenv("WEIR_MALLOC_COUNT");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;

	if (fd < 0)
		return;
	void *map = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (map != MAP_FAILED)
		counts = map;
}

void *malloc(size_t size)
{
	count_alloc();
	return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	count_alloc();
	return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	count_alloc();
	return __libc_realloc(old, size);
}

void *aligned_alloc(size_t align, size_t size)
{
	count_alloc();
	return __libc_memalign(align, size);
}

int posix_memalign(void **ret_p, size_t align, size_t size)
{
	count_alloc();
	void *p = __libc_memalign(align, size);
	if (!p)
		return ENOMEM;
	*ret_p = p;
	return 0;
}

void free(void *p)
{
	if (p)
		atomic_fetch_add_explicit(&counts->frees, 1, memory_order_relaxed);
	__libc_free(p);
}
