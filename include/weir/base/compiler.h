/* SPDX-License-Identifier: MIT */
/*
 * Attributes and small macros that every module uses, and the list of libc calls that must not be used:
 * naming one of them is a compile error, because each has cost somebody a memory bug.
 */
#ifndef WEIR_BASE_COMPILER_H
#define WEIR_BASE_COMPILER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define WEIR_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define WEIR_NODISCARD	       __attribute__((warn_unused_result))
#define WEIR_COLD	       __attribute__((cold, noinline))
#define WEIR_UNUSED	       __attribute__((unused))

/* Shared words that several workers write are kept on lines of their own. */
#define WEIR_CACHELINE	   64
#define WEIR_CACHE_ALIGNED __attribute__((aligned(WEIR_CACHELINE)))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

#if defined(__SANITIZE_ADDRESS__)
#define WEIR_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WEIR_ASAN 1
#endif
#endif

/* Under _FORTIFY_SOURCE clang sees some of these as macros, which cannot be poisoned. */
#undef sprintf
#undef vsprintf
#pragma GCC poison strcpy strcat sprintf vsprintf gets strtok atoi atol atoll ctime asctime

#endif
