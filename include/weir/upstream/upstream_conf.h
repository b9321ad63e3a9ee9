/* SPDX-License-Identifier: MIT */
/*
 * Keywords of servers: the option words of "server", "default-server" and "server-template" lines, and what
 * turns them into servers. The proxy module calls it from its rows.
 */
#ifndef WEIR_UPSTREAM_UPSTREAM_CONF_H
#define WEIR_UPSTREAM_UPSTREAM_CONF_H

#include "weir/conf/conf.h"
#include "weir/upstream/backend.h"

/* Values that "default-server" lines left for the servers behind them; copied from defaults sections. */
struct server_defaults;
struct server_defaults *server_defaults_new(
    struct arena *arena, const struct server_defaults *from);
/* "default-server ..." */
int server_defaults_parse(
    struct conf *conf, const struct conf_line *line, int arg, struct server_defaults *d);

/*
 * "server <name> <addr> ..." with line->argv[arg] the name. The server is made in the configuration's arena
 * and appended to *list (linked by next); name clashes are told. 0 or -1.
 */
int server_parse(struct conf *conf, const struct conf_line *line, int arg,
    const struct server_defaults *d, struct server **list);
/* "server-template <prefix> <num|range> <fqdn>[:port] ..." */
int server_template_parse(struct conf *conf, const struct conf_line *line, int arg,
    const struct server_defaults *d, struct server **list);
/*
 * After the whole configuration was read: arrays, ids, tracking, checks; refuses what does not fit together.
 * 0 or -1, told.
 */
int backend_finish(struct conf *conf, struct backend *be, struct server *list);

/*
 * After every backend of the configuration was finished: ties "track" to servers. 0 or -1, told.
 */
int backend_link(struct conf *conf, struct backend *be, const struct upstream_dir *dir);

/*
 * Setters of "option httpchk ...", "http-check ...", "option tcp-check", "tcp-check ..." on a backend under
 * construction. owner is the section: its steps replace those that *conf_ptr was inherited with.
 */
struct httpchk_conf;
int httpchk_parse(struct conf *conf, const struct conf_line *line, int arg, const void *owner,
    struct httpchk_conf **conf_ptr);
int http_check_parse(struct conf *conf, const struct conf_line *line, int arg, const void *owner,
    struct httpchk_conf **conf_ptr);
int tcpchk_parse(struct conf *conf, const struct conf_line *line, const void *owner,
    struct httpchk_conf **conf_ptr);
int tcp_check_parse(struct conf *conf, const struct conf_line *line, int arg, const void *owner,
    struct httpchk_conf **conf_ptr);
/* The steps with those that no line says; NULL h: the connection alone. NULL: no memory. */
const struct httpchk_conf *check_script_finish(struct conf *conf, const struct httpchk_conf *h);
/* It makes requests; one of its connections says that it is encrypted. Of a finished one. */
bool check_script_is_http(const struct httpchk_conf *h);
bool check_script_has_tls(const struct httpchk_conf *h);

/* "cookie <name> ..." */
int cookie_parse(
    struct conf *conf, const struct conf_line *line, int arg, struct cookie_conf **ret);

extern const struct conf_option server_options[];

#endif
