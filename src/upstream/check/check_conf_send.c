/* SPDX-License-Identifier: MIT */
/*
 * What health checks send: "http-check send" and "tcp-check send", "send-lf", "send-binary", "send-binary-lf".
 * Reading the configuration, one thread.
 */
#include "check_internal.h"

#include "weir/base/arena.h"

/* "hdr <name> <fmt>": two words at arg. */
static int add_header(
    struct conf *conf, const struct conf_line *line, int arg, struct check_send *s)
{
	if (arg + 1 >= line->argc) {
		conf_error(conf, line, arg - 1, "'hdr' expects a name and a value");
		return -1;
	}
	if (!check_word(conf, line, arg, false) || !check_word(conf, line, arg + 1, true))
		return -1;
	struct check_text value = { .text = SLICE_NULL };
	if (check_format(conf, line, arg + 1, LOGFMT_HTTP, &value.fmt) < 0)
		return -1;
	struct slice name = slice_str(line->argv[arg]);
	if (slice_ieq(name, SLICE("content-length")) ||
	    slice_ieq(name, SLICE("transfer-encoding")) || slice_ieq(name, SLICE("connection")))
		return 0; /* the check knows these better */
	if (slice_ieq(name, SLICE("host"))) {
		s->host = value;
		return 0;
	}
	struct check_hdr *h = arena_new(conf_arena(conf), struct check_hdr);
	if (!h)
		return -1;
	h->name = arena_slice(conf_arena(conf), name);
	h->value = value;
	*s->hdrs_last = h;
	s->hdrs_last = &h->next;
	return h->name.ptr ? 0 : -1;
}

static int set_text(struct conf *conf, const struct conf_line *line, int arg, unsigned flags,
    bool format, struct check_text *t)
{
	*t = (struct check_text){ .text = SLICE_NULL };
	if (format)
		return check_format(conf, line, arg, flags, &t->fmt);
	t->text = slice_str(arena_strdup(conf_arena(conf), line->argv[arg]));
	return t->text.ptr ? 0 : -1;
}

int check_send_parse(
    struct conf *conf, const struct conf_line *line, int arg, struct check_step *step)
{
	static const char *const words[] = { "meth", "ver", "uri", "uri-lf", "body", "body-lf",
		"hdr", "comment", NULL };
	struct check_send *s = &step->send;
	struct arena *arena = conf_arena(conf);
	s->hdrs_last = &s->hdrs;
	while (arg < line->argc) {
		int word, r = 0;
		if (conf_enum(conf, line, arg, words, &word) < 0)
			return -1;
		if (++arg >= line->argc) {
			conf_error(conf, line, arg - 1, "'%s' expects a value", words[word]);
			return -1;
		}
		if (word < 3 && !check_word(conf, line, arg, false))
			return -1;
		switch (word) {
		case 0:
			s->method = arena_strdup(arena, line->argv[arg]);
			break;
		case 1:
			s->version = arena_strdup(arena, line->argv[arg]);
			break;
		case 2:
		case 3:
			r = set_text(conf, line, arg, LOGFMT_HTTP, word == 3, &s->uri);
			break;
		case 4:
		case 5:
			r = set_text(conf, line, arg, 0, word == 5, &s->body);
			break;
		case 6:
			r = add_header(conf, line, arg++, s);
			break;
		default:
			step->comment = arena_strdup(arena, line->argv[arg]);
			break;
		}
		if (r < 0)
			return -1;
		arg++;
	}
	return 0;
}

static int hex_value(char c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

struct slice check_unhex(struct slice digits, struct arena *arena)
{
	char *out = digits.len % 2 ? NULL : arena_bytes(arena, digits.len / 2 + 1);
	for (size_t i = 0; out && i < digits.len; i += 2) {
		int high = hex_value(digits.ptr[i]), low = hex_value(digits.ptr[i + 1]);
		if (high < 0 || low < 0)
			return SLICE_NULL;
		out[i / 2] = (char)(high << 4 | low);
	}
	return out ? slice_make(out, digits.len / 2) : SLICE_NULL;
}

int check_data_parse(
    struct conf *conf, const struct conf_line *line, int arg, struct check_step *step)
{
	struct check_send *s = &step->send;
	struct slice verb = slice_str(line->argv[arg]);
	bool format = slice_has_suffix(verb, SLICE("-lf"));
	bool comment = arg + 4 == line->argc && strcmp(line->argv[arg + 2], "comment") == 0;
	if (arg + 2 != line->argc && !comment) {
		conf_error(conf, line, arg, "'%s' expects what to send, and may have a 'comment'",
		    verb.ptr);
		return -1;
	}
	s->hex = slice_has_prefix(verb, SLICE("send-binary"));
	if (set_text(conf, line, arg + 1, 0, format, &s->body) < 0)
		return -1;
	if (comment) {
		step->comment = arena_strdup(conf_arena(conf), line->argv[arg + 3]);
		if (!step->comment)
			return -1;
	}
	if (!s->hex || format)
		return 0;
	s->hex = false;
	s->body.text = check_unhex(s->body.text, conf_arena(conf));
	if (s->body.text.ptr)
		return 0;
	conf_error(conf, line, arg + 1, "an even number of hex digits is expected");
	return -1;
}
