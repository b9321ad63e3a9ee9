/* SPDX-License-Identifier: MIT */
/*
 * "server", "default-server" and "server-template" lines: from words to struct server. Reading the
 * configuration, one thread; everything lies in the configuration's arena.
 */
#include <limits.h>

#include "server_options.h"
#include "weir/base/arena.h"

#define TEMPLATE_MAX 65535

static const struct conf_option *const option_tables[] = { server_options, server_tls_options,
	NULL };

struct server_defaults *server_defaults_new(struct arena *arena, const struct server_defaults *from)
{
	struct server_defaults *d = arena_new(arena, struct server_defaults);
	if (!d)
		return NULL;
	if (from) {
		*d = *from;
		return d;
	}
	d->s.weight = 1;
	d->s.pool_max_conn = UINT_MAX;
	d->s.pool_purge_delay_ms = POOL_PURGE_DELAY_MS_DEFAULT;
	d->s.max_reuse = UINT_MAX;
	d->s.connect.tos = -1;
	d->s.prefer_family = AF_UNSPEC;
	d->check.inter_ms = CHECK_INTER_MS_DEFAULT;
	d->check.rise = CHECK_RISE_DEFAULT;
	d->check.fall = CHECK_FALL_DEFAULT;
	return d;
}

int server_defaults_parse(
    struct conf *conf, const struct conf_line *line, int arg, struct server_defaults *d)
{
	return conf_options(conf, line, arg, option_tables, d);
}

/* The address word: numbers into addr, a name into fqdn. */
static int parse_address(struct conf *conf, const struct conf_line *line, int arg, struct server *s)
{
	struct net_spec spec;
	char err[160];
	const char *word = line->argv[arg];
	if (strcmp(word, "*") == 0)
		word = "0.0.0.0";
	if (net_spec_parse(slice_str(word),
		NET_ALLOW_NAME | NET_ALLOW_PORT_OFFSET | NET_ALLOW_UNIX | NET_ALLOW_DATAGRAM, &spec,
		err, sizeof(err)) < 0) {
		conf_error(conf, line, arg, "server '%s': %s", s->name, err);
		return -1;
	}
	if (spec.quic || spec.kind == NET_KIND_SOCKPAIR) {
		conf_error(conf, line, arg,
		    "server '%s': addresses of this kind are not supported by this version of weir",
		    s->name);
		return -1;
	}
	s->addr = spec.addr;
	s->port_mode = spec.port_mode;
	s->port = spec.port;
	s->datagram = spec.datagram;
	s->connect.mptcp |= spec.mptcp;
	if (s->prefer_family == AF_UNSPEC)
		s->prefer_family = spec.family;
	if (spec.name.len) {
		s->fqdn = arena_slice_dup(conf_arena(conf), spec.name);
		s->addr = (struct net_addr){ .len = 0 };
		return s->fqdn ? 0 : -1;
	}
	if (spec.kind == NET_KIND_IP)
		s->addr_transparent = net_addr_is_any(&s->addr);
	return 0;
}

static const struct server *find_name(const struct server *list, const char *name)
{
	for (; list; list = list->next)
		if (strcmp(list->name, name) == 0)
			return list;
	return NULL;
}

/* Appends a copy of d's server under that name. */
static int add_server(struct conf *conf, const struct conf_line *line, int arg,
    const struct server_defaults *d, const char *name, struct server **list)
{
	const struct server *other = find_name(*list, name);
	if (other) {
		conf_error(conf, line, arg, "server '%s' has the same name as the one of %s:%u",
		    name, other->pos.file ? other->pos.file : "", other->pos.line);
		return -1;
	}
	struct server *s = arena_new(conf_arena(conf), struct server);
	struct check_conf *check =
	    d->checked ? arena_new(conf_arena(conf), struct check_conf) : NULL;
	if (!s || (d->checked && !check)) {
		conf_error(conf, line, arg, "out of memory");
		return -1;
	}
	*s = d->s;
	s->name = name;
	s->pos.file = line->pos.file;
	s->pos.line = line->pos.line;
	if (s->source_addr.len)
		s->connect.source = &s->source_addr;
	if (check) {
		*check = d->check;
		s->check = check;
	}
	while (*list)
		list = &(*list)->next;
	*list = s;
	return 0;
}

static int need_words(
    struct conf *conf, const struct conf_line *line, int arg, int n, const char *usage)
{
	if (line->argc - arg >= n)
		return 0;
	conf_error(conf, line, line->argc - 1, "'%s' expects %s", line->argv[0], usage);
	return -1;
}

int server_parse(struct conf *conf, const struct conf_line *line, int arg,
    const struct server_defaults *d, struct server **list)
{
	const char *name;
	if (need_words(conf, line, arg, 2, "<name> <address>[:<port>]") < 0 ||
	    conf_name(conf, line, arg, &name) < 0)
		return -1;
	struct server_defaults *own = server_defaults_new(conf_arena(conf), d);
	if (!own)
		return -1;
	own->s.name = name;
	if (parse_address(conf, line, arg + 1, &own->s) < 0 ||
	    conf_options(conf, line, arg + 2, option_tables, own) < 0)
		return -1;
	return add_server(conf, line, arg, own, name, list);
}

/* "3" or "2-5". */
static int parse_range(
    struct conf *conf, const struct conf_line *line, int arg, unsigned *ret_low, unsigned *ret_high)
{
	struct slice high = slice_str(line->argv[arg]);
	struct slice low = slice_cut(&high, '-');
	uint64_t from = 1, to;
	bool ok = high.ptr ? slice_to_u64(low, TEMPLATE_MAX, &from) == 0 &&
				 slice_to_u64(high, TEMPLATE_MAX, &to) == 0
			   : slice_to_u64(low, TEMPLATE_MAX, &to) == 0;
	if (!ok || from > to || to == 0) {
		conf_error(conf, line, arg,
		    "'server-template' expects a number or a range, not '%s'", line->argv[arg]);
		return -1;
	}
	*ret_low = (unsigned)from;
	*ret_high = (unsigned)to;
	return 0;
}

int server_template_parse(struct conf *conf, const struct conf_line *line, int arg,
    const struct server_defaults *d, struct server **list)
{
	const char *prefix;
	unsigned low, high;
	if (need_words(conf, line, arg, 3, "<prefix> <number | range> <name>[:<port>]") < 0 ||
	    conf_name(conf, line, arg, &prefix) < 0 ||
	    parse_range(conf, line, arg + 1, &low, &high) < 0)
		return -1;
	struct server_defaults *own = server_defaults_new(conf_arena(conf), d);
	if (!own)
		return -1;
	own->s.name = prefix;
	if (parse_address(conf, line, arg + 2, &own->s) < 0 ||
	    conf_options(conf, line, arg + 3, option_tables, own) < 0)
		return -1;
	unsigned first_id = own->s.id;
	for (unsigned i = low; i <= high; i++) {
		char *name = arena_printf(conf_arena(conf), "%s%u", prefix, i);
		if (own->s.id_set)
			own->s.id = first_id + i - low;
		if (!name || add_server(conf, line, arg, own, name, list) < 0)
			return -1;
	}
	return 0;
}
