/* SPDX-License-Identifier: MIT */
/*
 * Numbers, addresses and files as texts: what several files of this module need. No state, any thread.
 */
#include <arpa/inet.h>
#include <errno.h>

#include "rule_int.h"
#include "weir/base/strbuf.h"

size_t rule_int_text(char out[RULE_INT_TEXT], int64_t v)
{
	char digits[RULE_INT_TEXT];
	size_t n = 0, len = 0;
	uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
	do {
		digits[n++] = (char)('0' + u % 10);
		u /= 10;
	} while (u);
	if (v < 0)
		out[len++] = '-';
	while (n)
		out[len++] = digits[--n];
	return len;
}

bool rule_int_parse(struct slice text, int64_t *ret)
{
	size_t i = 0;
	bool neg = text.len && text.ptr[0] == '-';
	if (text.len && (text.ptr[0] == '-' || text.ptr[0] == '+'))
		i++;
	size_t start = i;
	int64_t v = 0;
	for (; i < text.len && ascii_is_digit(text.ptr[i]); i++) {
		int digit = text.ptr[i] - '0';
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, neg ? -digit : digit, &v)) {
			*ret = neg ? INT64_MIN : INT64_MAX;
			return false;
		}
	}
	*ret = v;
	return i == text.len && i > start;
}

/* "10.12" is 10.0.0.12: the last number is the last octet, missing ones are 0. */
static bool ip4_short(const char *text, struct in_addr *ret)
{
	uint8_t octet[4] = { 0 };
	unsigned n = 0;
	struct slice rest = slice_str(text);
	while (rest.ptr) {
		uint64_t v;
		if (n == 4 || slice_to_u64(slice_cut(&rest, '.'), 255, &v) < 0)
			return false;
		octet[n++] = (uint8_t)v;
	}
	if (n < 2)
		return false;
	uint8_t last = octet[n - 1];
	octet[n - 1] = 0;
	octet[3] = last;
	memcpy(ret, octet, 4);
	return true;
}

bool rule_ip_parse(struct slice text, struct sample *ret)
{
	char buf[INET6_ADDRSTRLEN + 1];
	if (text.len >= 2 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']')
		text = slice_sub(text, 1, text.len - 2);
	if (text.len == 0 || text.len >= sizeof(buf))
		return false;
	memcpy(buf, text.ptr, text.len);
	buf[text.len] = '\0';
	if (inet_pton(AF_INET, buf, &ret->ipv4) == 1 || ip4_short(buf, &ret->ipv4)) {
		ret->type = SMP_IPV4;
		return true;
	}
	ret->type = SMP_IPV6;
	return inet_pton(AF_INET6, buf, &ret->ipv6) == 1;
}

bool rule_ip6_embedded(const struct in6_addr *v6, struct in_addr *ret)
{
	static const uint8_t zero[10];
	const uint8_t *b = v6->s6_addr;
	if (memcmp(b, zero, 10) == 0 &&
	    ((b[10] == 0xff && b[11] == 0xff) || (b[10] == 0 && b[11] == 0))) {
		memcpy(ret, b + 12, 4);
		return true;
	}
	if (b[0] == 0x20 && b[1] == 0x02) {
		memcpy(ret, b + 2, 4);
		return true;
	}
	return false;
}

int rule_hex_digit(char c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool rule_in_names(const char *const *names, const char *name)
{
	for (; *names; names++) {
		if (strcmp(*names, name) == 0)
			return true;
	}
	return false;
}

static char *read_all(FILE *file, struct arena *arena, size_t *ret_len)
{
	struct strbuf b = STRBUF_INIT;
	while (strbuf_reserve(&b, 65536)) {
		size_t got = fread(b.ptr + b.len, 1, 65536, file);
		b.len += got;
		if (got == 0)
			break;
	}
	char *text = NULL;
	if (ferror(file) && !b.failed)
		b.failed = true;
	if (!b.failed)
		text = arena_slice_dup(arena, strbuf_slice(&b));
	*ret_len = b.len;
	strbuf_done(&b);
	return text;
}

char *rule_file_read(
    struct conf *conf, const struct conf_line *line, int arg, const char *path, size_t *ret_len)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	if (file) {
		errno = ENOMEM;
		text = read_all(file, conf_arena(conf), ret_len);
	}
	if (!text)
		conf_error(conf, line, arg, "cannot read file '%s': %s", path, strerror(errno));
	if (file)
		fclose(file);
	return text;
}
