/* SPDX-License-Identifier: MIT */
/*
 * Micro-benchmark of the h1 codec: nanoseconds to parse and to write typical heads, one thread, the best of
 * several rounds. Build it again with CFLAGS=-DWEIR_NO_SIMD or -mavx2 to compare variants of the scanners.
 */
#include <time.h>

#include "weir/h1/h1.h"

#define ROUNDS 2000
#define LOOPS  1000
#define BATCH  256
#define STRIDE 1024

struct sample {
	const char *name;
	bool response;
	struct slice text;
};

static const struct sample samples[] = {
	{ "small request", false,
	    SLICE("GET /index.html HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n") },
	{ "curl request", false,
	    SLICE("GET /index.html HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: curl/7.88.1\r\n"
		  "Accept: */*\r\n\r\n") },
	{ "browser request", false,
	    SLICE("GET /assets/app/main.7f3a.js?v=20240102 HTTP/1.1\r\nHost: www.example.org\r\n"
		  "Connection: keep-alive\r\nCache-Control: max-age=0\r\n"
		  "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like "
		  "Gecko) Chrome/120.0.0.0 Safari/537.36\r\n"
		  "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;"
		  "q=0.8\r\nReferer: https://www.example.org/start/page?id=123\r\n"
		  "Accept-Encoding: gzip, deflate, br\r\nAccept-Language: en-US,en;q=0.9\r\n"
		  "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; "
		  "_ga=GA1.2.1234567890.1700000000; _gid=GA1.2.987654321.1700000001\r\n"
		  "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: no-cors\r\n\r\n") },
	{ "small response", true, SLICE("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n") },
	{ "server response", true,
	    SLICE("HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Tue, 02 Jan 2024 03:04:05 "
		  "GMT\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 16384\r\n"
		  "Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\nConnection: keep-alive\r\n"
		  "ETag: \"65920080-4000\"\r\nAccept-Ranges: bytes\r\n\r\n") },
};

static double now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static enum h1_result parse(const struct sample *s, char *buf, struct http_msg *m)
{
	struct h1_parsed parsed;
	return s->response ? h1_parse_response(buf, s->text.len, 0, m, &parsed)
			   : h1_parse_request(buf, s->text.len, 0, m, &parsed);
}

/*
 * A batch of heads is copied first, outside the measured time: parsing turns names to lower case, and bytes that
 * were stored a moment ago would stall the wide loads, which bytes from a socket do not.
 */
static double time_parse(const struct sample *s, char *bufs, struct http_msg *m)
{
	double best = 1e18;
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned i = 0; i < BATCH; i++)
			memcpy(bufs + (size_t)i * STRIDE, s->text.ptr, s->text.len);
		double start = now_ns();
		for (unsigned i = 0; i < BATCH; i++) {
			if (parse(s, bufs + (size_t)i * STRIDE, m) != H1_COMPLETE)
				abort();
		}
		best = MIN(best, (now_ns() - start) / BATCH);
	}
	return best;
}

static double time_write(const struct sample *s, char *out, size_t cap, const struct http_msg *m)
{
	double best = 1e18;
	for (unsigned round = 0; round < ROUNDS; round++) {
		double start = now_ns();
		for (unsigned i = 0; i < LOOPS; i++) {
			size_t len = s->response ? h1_write_response(m, true, out, cap)
						 : h1_write_request(m, true, out, cap);
			if (len == 0)
				abort();
			__asm__ volatile("" : : "r"(out) : "memory");
		}
		best = MIN(best, (now_ns() - start) / LOOPS);
	}
	return best;
}

int main(void)
{
	static char bufs[BATCH * STRIDE];
	static char out[16384];
	static struct http_hdr table[100];
	struct http_msg m;
	printf("%-18s %8s %12s %10s %12s\n", "head", "bytes", "parse ns", "GB/s", "write ns");
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		const struct sample *s = &samples[i];
		http_msg_init(&m, table, ARRAY_SIZE(table));
		double parse_ns = time_parse(s, bufs, &m);
		double write_ns = time_write(s, out, sizeof(out), &m);
		printf("%-18s %8zu %12.1f %10.2f %12.1f\n", s->name, s->text.len, parse_ns,
		    (double)s->text.len / parse_ns, write_ns);
	}
	return 0;
}
