/* SPDX-License-Identifier: MIT */
/* Unit tests of the configuration's proxies: what lines leave in struct proxy, inheritance, ids, logs, names. */
#include "conf_fixture.h"

#define TIMEOUTS "timeout client 1s\n timeout connect 2s\n timeout server 3s\n"

static void load(struct fixture *f, const char *text)
{
	fixture_text(f, text);
	if (f->result != 0)
		print_error("%s", f->messages);
	assert_int_equal(f->result, 0);
}

static bool says(const struct fixture *f, const char *text)
{
	return strstr(f->messages, text) != NULL;
}

/* ---- inheritance ---- */

static void proxies_begin_as_copies_of_the_last_defaults(void **state)
{
	struct fixture f;
	load(&f, "defaults\n mode http\n " TIMEOUTS " retries 7\n maxconn 50\n option dontlognull\n"
		 "frontend a\n bind :80\n timeout client 9s\n no option dontlognull\n"
		 "backend b\n"
		 "defaults\n " TIMEOUTS "frontend c\n bind :81\n");
	const struct proxy *a = config_frontend(f.config, "a");
	assert_int_equal(a->mode, PROXY_HTTP);
	assert_int_equal(a->timeout.client, 9000);
	assert_int_equal(a->maxconn, 50);
	assert_false(a->options & PR_O_DONTLOGNULL);
	const struct proxy *b = config_backend(f.config, "b");
	assert_int_equal(b->retries, 7);
	assert_int_equal(b->timeout.server, 3000);
	assert_int_equal(b->timeout.queue, 2000);
	const struct proxy *c = config_frontend(f.config, "c");
	assert_int_equal(c->mode, PROXY_TCP);
	assert_int_equal(c->maxconn, 0);
	assert_int_equal(c->retries, 3);
	fixture_done(&f);
}

static void from_names_the_defaults(void **state)
{
	struct fixture f;
	load(&f, "defaults one\n retries 1\n " TIMEOUTS "defaults two from one\n maxconn 2\n"
		 "defaults three\n retries 5\n"
		 "backend a from one\nbackend b from two\nbackend c\n");
	assert_int_equal(config_backend(f.config, "a")->retries, 1);
	assert_int_equal(config_backend(f.config, "b")->retries, 1);
	assert_int_equal(config_backend(f.config, "b")->maxconn, 2);
	assert_int_equal(config_backend(f.config, "c")->retries, 5);
	fixture_done(&f);
}

static void mixed_use_of_defaults_is_warned_of(void **state)
{
	struct fixture f;
	load(&f, "defaults one\n" TIMEOUTS "backend a from one\nbackend b\nbackend c\n");
	assert_true(says(&f, "used both by name and as the last one"));
	const char *first = strstr(f.messages, "used both");
	assert_null(strstr(first + 1, "used both"));
	fixture_done(&f);
}

static void rules_of_defaults_come_first_in_each_proxy(void **state)
{
	struct fixture f;
	load(&f, "defaults d\n mode http\n " TIMEOUTS " acl local src 127.0.0.1\n"
		 " http-request deny if !local\n http-request capture req.hdr(a) len 5\n"
		 "frontend a from d\n bind :80\n http-request set-header x y\n"
		 "frontend b from d\n bind :81\n");
	const struct proxy *a = config_frontend(f.config, "a");
	const struct proxy *b = config_frontend(f.config, "b");
	assert_int_equal(a->rules[RULES_HTTP_REQ].count, 3);
	assert_int_equal(b->rules[RULES_HTTP_REQ].count, 2);
	assert_ptr_not_equal(a->rules[RULES_HTTP_REQ].first, b->rules[RULES_HTTP_REQ].first);
	assert_int_equal(a->req_captures_n, 1);
	assert_int_equal(b->req_captures_n, 1);
	assert_true(a->has_req_rules);
	fixture_done(&f);
}

static void acls_of_defaults_are_not_seen_by_proxies(void **state)
{
	struct fixture f;
	fixture_text(&f, "defaults d\n mode http\n " TIMEOUTS " acl local src 127.0.0.1\n"
			 "frontend a from d\n bind :80\n http-request deny if local\n");
	assert_int_equal(f.result, -1);
	assert_true(says(&f, "no such ACL: 'local'"));
	fixture_done(&f);
}

static void defaults_of_servers_are_copied(void **state)
{
	struct fixture f;
	load(&f, "defaults\n " TIMEOUTS " default-server weight 7\n"
		 "backend a\n default-server weight 9\n server s 127.0.0.1:80\n"
		 "backend b\n server s 127.0.0.1:80\n server t 127.0.0.1:80 weight 3\n");
	assert_int_equal(backend_server(&config_backend(f.config, "a")->be, "s")->weight, 9);
	assert_int_equal(backend_server(&config_backend(f.config, "b")->be, "s")->weight, 7);
	assert_int_equal(backend_server(&config_backend(f.config, "b")->be, "t")->weight, 3);
	fixture_done(&f);
}

/* ---- bind ---- */

static void ranges_and_lists_of_addresses_become_binds(void **state)
{
	struct fixture f;
	load(&f, "frontend a\n " TIMEOUTS
		 " bind 127.0.0.1:8000-8002,[::1]:9000 name n maxconn 5 accept-proxy\n"
		 " bind unix@/tmp/x mode 640 uid 3 gid 4\n bind fd@5\n");
	static const unsigned ports[] = { 8000, 8001, 8002, 9000 };
	const struct bind_conf *b = config_frontend(f.config, "a")->binds;
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++, b = b->next) {
		assert_int_equal(net_addr_port(&b->addr), ports[i]);
		assert_string_equal(b->name, "n");
		assert_int_equal(b->maxconn, 5);
		assert_true(b->accept_proxy);
		assert_int_equal(b->id, i + 1);
		assert_int_equal(b->fd, -1);
	}
	assert_int_equal(b->addr.sa.sa_family, AF_UNIX);
	assert_string_equal(b->addr.un.sun_path, "/tmp/x");
	assert_int_equal(b->listen.mode, 0640);
	assert_int_equal(b->listen.uid, 3);
	assert_int_equal(b->listen.gid, 4);
	assert_int_equal(b->next->fd, 5);
	assert_null(b->next->next);
	fixture_done(&f);
}

static void thread_sets_become_masks(void **state)
{
	static const struct {
		const char *set;
		uint64_t mask;
	} cases[] = {
		{ "1", 0x1 },
		{ "2-4", 0xe },
		{ "1/3", 0x4 },
		{ "1,3-4", 0xd },
		{ "odd", 0x5555555555555555 },
		{ "even", 0xaaaaaaaaaaaaaaaa },
		{ "all", 0 },
		{ "odd,even", 0 },
		{ "63-", 0xc000000000000000 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture f;
		char text[256];
		snprintf(text, sizeof(text), "frontend a\n " TIMEOUTS " bind :80 thread %s\n",
		    cases[i].set);
		load(&f, text);
		assert_true(config_frontend(f.config, "a")->binds->threads == cases[i].mask);
		fixture_done(&f);
	}
}

static void backlog_falls_back_to_maxconn(void **state)
{
	struct fixture f;
	load(&f, "global\n maxconn 70\nfrontend a\n " TIMEOUTS " bind :80 backlog 5\n bind :81\n"
		 " backlog 6\n maxconn 8\nfrontend b\n " TIMEOUTS " bind :82\n maxconn 8\n"
		 "frontend c\n " TIMEOUTS " bind :83\n");
	const struct bind_conf *a = config_frontend(f.config, "a")->binds;
	assert_int_equal(a->listen.backlog, 5);
	assert_int_equal(a->next->listen.backlog, 6);
	assert_int_equal(config_frontend(f.config, "b")->binds->listen.backlog, 8);
	assert_int_equal(config_frontend(f.config, "c")->binds->listen.backlog, 70);
	fixture_done(&f);
}

static void stats_sockets_are_binds_without_a_frontend(void **state)
{
	struct fixture f;
	load(&f, "global\n stats socket /tmp/s level admin mode 600 severity-output string\n");
	const struct bind_conf *b = f.config->global.stats_sockets;
	assert_null(b->fe);
	assert_int_equal(b->cli_level, 2);
	assert_int_equal(b->cli_severity, 2);
	assert_int_equal(b->listen.mode, 0600);
	fixture_done(&f);
}

/* ---- ids ---- */

static void ids_count_in_the_order_of_the_files(void **state)
{
	struct fixture f;
	load(&f, "global\n stats socket /tmp/s\ndefaults\n " TIMEOUTS
		 "backend z\nfrontend f\n bind :80\n bind :81 id 7\n bind :82\n"
		 "backend y\n id 2\nlisten l\n bind :83\n");
	/* as HAProxy numbers the same file: GLOBAL is 1, y took 2, and its place counts too */
	assert_int_equal(config_backend(f.config, "z")->id, 3);
	assert_int_equal(config_frontend(f.config, "f")->id, 4);
	assert_int_equal(config_backend(f.config, "y")->id, 2);
	assert_int_equal(config_backend(f.config, "l")->id, 6);
	const struct bind_conf *b = config_frontend(f.config, "f")->binds;
	assert_int_equal(b->id, 1);
	assert_int_equal(b->next->id, 7);
	assert_int_equal(b->next->next->id, 3);
	assert_ptr_equal(config_proxy(f.config, "#6", PROXY_FE), config_frontend(f.config, "l"));
	assert_null(config_proxy(f.config, "#2", PROXY_FE));
	assert_null(config_proxy(f.config, "#x", PROXY_FE | PROXY_BE));
	fixture_done(&f);
}

/* ---- options and values ---- */

static void connection_modes_exclude_each_other(void **state)
{
	struct fixture f;
	load(&f,
	    "defaults\n mode http\n option httpclose\n " TIMEOUTS
	    "backend a\n option http-server-close\nbackend b\nbackend c\n no option httpclose\n");
	uint64_t modes = PR_O_HTTPCLOSE | PR_O_SERVER_CLOSE | PR_O_KEEP_ALIVE;
	assert_true((config_backend(f.config, "a")->options & modes) == PR_O_SERVER_CLOSE);
	assert_true((config_backend(f.config, "b")->options & modes) == PR_O_HTTPCLOSE);
	assert_true((config_backend(f.config, "c")->options & modes) == 0);
	fixture_done(&f);
}

static void redispatch_intervals(void **state)
{
	struct fixture f;
	load(&f, "backend a\n option redispatch\nbackend b\n option redispatch 3\n"
		 "backend c\n option redispatch -1\nbackend d\n option redispatch\n option "
		 "redispatch 0\n"
		 "backend e\n option redispatch -2\n");
	const struct proxy *a = config_backend(f.config, "a");
	assert_true(a->options & PR_O_REDISPATCH);
	assert_int_equal(a->redispatch_interval, 0);
	assert_int_equal(config_backend(f.config, "b")->redispatch_interval, 3);
	assert_int_equal(config_backend(f.config, "c")->redispatch_interval, 0);
	assert_false(config_backend(f.config, "d")->options & PR_O_REDISPATCH);
	assert_int_equal(config_backend(f.config, "e")->redispatch_interval, -2);
	fixture_done(&f);
}

static void forwarding_headers_keep_their_parameters(void **state)
{
	struct fixture f;
	load(&f,
	    "backend a\n mode http\n option forwardfor except 10.0.0.0/8 header X-Cli if-none\n"
	    " option originalto\n option forwarded host for for_port\n"
	    "backend b\n mode http\n option forwarded\n no option forwarded\n");
	const struct proxy *a = config_backend(f.config, "a");
	assert_true(slice_eq(a->forwardfor.name, SLICE("x-cli")));
	assert_true(a->forwardfor.if_none);
	assert_int_equal(a->forwardfor.except->bits, 8);
	assert_true(slice_eq(a->originalto.name, SLICE("x-original-to")));
	assert_true(a->needs_dst);
	assert_true(a->forwarded.host && a->forwarded.for_ && a->forwarded.for_port);
	assert_false(a->forwarded.proto || a->forwarded.by);
	const struct proxy *b = config_backend(f.config, "b");
	assert_false(b->options & PR_O_FORWARDED);
	fixture_done(&f);
}

static void error_replies_replace_each_other(void **state)
{
	struct fixture f;
	load(&f, "backend a\n mode http\n errorloc 503 /x\n errorfile 503 /dev/null\n"
		 " errorfile 404 /dev/null\n errorloc303 404 http://x/\n"
		 " http-error status 500 content-type text/plain string oops hdr a b\n");
	const struct error_reply *e = config_backend(f.config, "a")->errors;
	const struct error_reply *e503 = &e[error_reply_index(503)];
	assert_non_null(e503->raw.ptr);
	assert_int_equal(e503->raw.len, 0);
	const struct error_reply *e404 = &e[error_reply_index(404)];
	assert_true(slice_eq(e404->raw,
	    SLICE("HTTP/1.1 303 See Other\r\ncache-control: no-cache\r\ncontent-length: 0\r\n"
		  "location: http://x/\r\n\r\n")));
	assert_null(e[error_reply_index(500)].raw.ptr);
	assert_int_equal(reply_spec_status(e[error_reply_index(500)].spec), 500);
	assert_int_equal(error_reply_index(402), -1);
	fixture_done(&f);
}

static void captures_get_slots_in_order(void **state)
{
	struct fixture f;
	load(&f,
	    "frontend a\n mode http\n " TIMEOUTS " bind :80\n capture request header Host len 5\n"
	    " declare capture request len 9\n http-request capture path len 7\n"
	    " capture response header Server len 6\n capture cookie SID len 8\n");
	const struct proxy *a = config_frontend(f.config, "a");
	const struct capture_conf *c = a->req_captures;
	assert_int_equal(a->req_captures_n, 3);
	assert_true(slice_eq(c->name, SLICE("host")));
	assert_int_equal(c->slot, 0);
	assert_int_equal(c->next->name.len, 0);
	assert_int_equal(c->next->len, 9);
	assert_int_equal(c->next->next->len, 7);
	assert_int_equal(c->next->next->slot, 2);
	assert_int_equal(a->res_captures_n, 1);
	assert_true(slice_eq(a->capture_cookie, SLICE("SID")));
	fixture_done(&f);
}

static void retry_conditions_add_up(void **state)
{
	struct fixture f;
	load(&f, "backend a\nbackend b\n retry-on none\nbackend c\n retry-on 503 conn-failure\n");
	assert_int_equal(config_backend(f.config, "a")->retry_on, RETRY_CONN_FAILURE);
	assert_int_equal(config_backend(f.config, "b")->retry_on, 0);
	assert_int_equal(
	    config_backend(f.config, "c")->retry_on, RETRY_STATUS | RETRY_503 | RETRY_CONN_FAILURE);
	fixture_done(&f);
}

/* ---- logs ---- */

static void log_global_brings_the_global_targets(void **state)
{
	struct fixture f;
	load(&f, "global\n log 127.0.0.1 local3 err\ndefaults\n log global\n " TIMEOUTS
		 "frontend a\n bind :80\n log stdout len 200 format raw local1\n option tcplog\n"
		 "frontend b\n bind :81\n no log\n");
	const struct log_set *a = &config_frontend(f.config, "a")->logs;
	assert_int_equal(a->targets_n, 2);
	assert_int_equal(a->targets[0]->fd, -1);
	assert_int_equal(a->targets[0]->facility, log_facility_parse("local3"));
	assert_int_equal(a->targets[0]->max_level, LOG_LV_ERR);
	assert_int_equal(ntohs(((const struct sockaddr_in *)&a->targets[0]->addr)->sin_port), 514);
	assert_int_equal(a->targets[1]->fd, 1);
	assert_int_equal(a->targets[1]->len, 200);
	assert_int_equal(a->targets[1]->header, LOG_HEADER_RAW);
	assert_true(config_frontend(f.config, "a")->logs_anything);
	assert_int_equal(config_frontend(f.config, "b")->logs.targets_n, 0);
	assert_false(config_frontend(f.config, "b")->logs_anything);
	fixture_done(&f);
}

static void sets_of_defaults_are_not_changed_by_proxies(void **state)
{
	struct fixture f;
	load(&f, "defaults\n log 127.0.0.1 local0\n " TIMEOUTS
		 "frontend a\n bind :80\n log stderr local1\nfrontend b\n bind :81\n"
		 " log stdout local2\n");
	const struct log_set *a = &config_frontend(f.config, "a")->logs;
	const struct log_set *b = &config_frontend(f.config, "b")->logs;
	assert_int_equal(a->targets_n, 2);
	assert_int_equal(b->targets_n, 2);
	assert_int_equal(a->targets[1]->fd, 2);
	assert_int_equal(b->targets[1]->fd, 1);
	assert_ptr_equal(a->targets[0], b->targets[0]);
	fixture_done(&f);
}

static void host_names_change_the_default_header_only(void **state)
{
	struct fixture f;
	load(&f, "global\n log-send-hostname lb\nfrontend a\n " TIMEOUTS " bind :80\n"
		 " log 127.0.0.1 local0\n log 127.0.0.1 format local local0\n");
	const struct log_set *a = &config_frontend(f.config, "a")->logs;
	assert_int_equal(a->targets[0]->header, LOG_HEADER_RFC3164);
	assert_int_equal(a->targets[1]->header, LOG_HEADER_LOCAL);
	assert_string_equal(a->hostname, "lb");
	fixture_done(&f);
}

static void every_frontend_has_a_log_format(void **state)
{
	struct fixture f;
	load(&f, "defaults\n " TIMEOUTS " log stdout local0\nfrontend a\n bind :80\n"
		 "frontend b\n bind :81\n mode http\n option httplog clf\n"
		 "frontend c\n bind :82\n option httplog\n");
	assert_non_null(config_frontend(f.config, "a")->log_format);
	assert_ptr_equal(config_frontend(f.config, "a")->log_format_text, logfmt_text_connect);
	assert_ptr_equal(config_frontend(f.config, "b")->log_format_text, logfmt_text_clf);
	assert_ptr_equal(config_frontend(f.config, "c")->log_format_text, logfmt_text_tcp);
	fixture_done(&f);
}

/* ---- names and modes ---- */

static void names_are_resolved(void **state)
{
	struct fixture f;
	load(&f, "defaults\n mode http\n " TIMEOUTS
		 "frontend f\n bind :80\n use_backend %[path] if { path_beg /x }\n"
		 " use_backend b if { path /b }\n default_backend a\n"
		 "backend a\n use-server two if { path /2 }\n server one 127.0.0.1:80\n"
		 " server two 127.0.0.1:81\nbackend b\n");
	const struct proxy *fe = config_frontend(f.config, "f");
	assert_non_null(fe->use_backend->dynamic);
	assert_null(fe->use_backend->backend);
	assert_ptr_equal(fe->use_backend->next->backend, config_backend(f.config, "b"));
	const struct proxy *a = config_backend(f.config, "a");
	assert_ptr_equal(fe->default_backend, a);
	assert_ptr_equal(a->use_server->server, a->be.servers[1]);
	fixture_done(&f);
}

static void listen_sections_are_both_sides(void **state)
{
	struct fixture f;
	load(&f, "listen l\n " TIMEOUTS " bind :80\n server s 127.0.0.1:80\n"
		 "frontend f\n " TIMEOUTS " bind :81\n default_backend l\n");
	assert_ptr_equal(config_frontend(f.config, "l"), config_backend(f.config, "l"));
	assert_ptr_equal(
	    config_frontend(f.config, "f")->default_backend, config_backend(f.config, "l"));
	assert_true(config_frontend(f.config, "l")->is_listen);
	fixture_done(&f);
}

static void fullconn_is_a_tenth_of_what_comes_in(void **state)
{
	struct fixture f;
	load(&f, "global\n maxconn 300\ndefaults\n " TIMEOUTS
		 "frontend a\n bind :80\n maxconn 100\n default_backend x\n"
		 "frontend b\n bind :81\n use_backend x if TRUE\n"
		 "frontend c\n bind :82\n maxconn 1000\n"
		 "backend x\nbackend y\n fullconn 17\nbackend z\n");
	assert_int_equal(config_backend(f.config, "x")->be.fullconn, 40);
	assert_int_equal(config_backend(f.config, "y")->be.fullconn, 17);
	fixture_done(&f);
}

static void tcp_proxies_lose_what_needs_http(void **state)
{
	struct fixture f;
	load(&f, "listen l\n " TIMEOUTS " bind :80\n http-request deny\n option forwardfor\n"
		 " monitor-uri /x\n cookie c insert\n server s 127.0.0.1:80\n");
	const struct proxy *l = config_backend(f.config, "l");
	assert_int_equal(l->rules[RULES_HTTP_REQ].count, 0);
	assert_false(l->has_req_rules);
	assert_false(l->options & PR_O_FORWARDFOR);
	assert_int_equal(l->monitor_uri.len, 0);
	assert_null(l->be.cookie);
	fixture_done(&f);
}

static void redirects_come_behind_http_request_rules(void **state)
{
	struct fixture f;
	load(&f,
	    "frontend a\n mode http\n " TIMEOUTS " bind :80\n redirect location /x if { path / }\n"
	    " http-request set-header a b\n");
	assert_int_equal(config_frontend(f.config, "a")->rules[RULES_HTTP_REQ].count, 2);
	assert_true(says(&f, "a 'http-request' rule placed after a 'redirect' rule"));
	fixture_done(&f);
}

static void source_of_the_backend_reaches_its_servers(void **state)
{
	struct fixture f;
	load(&f,
	    "backend a\n " TIMEOUTS " source 127.0.0.9:4000-4010 interface lo\n option srvtcpka\n"
	    " srvtcpka-cnt 4\n option tcp-smart-connect\n server s 127.0.0.1:80\n"
	    " server t 127.0.0.1:80 source 127.0.0.8\n");
	const struct backend *be = &config_backend(f.config, "a")->be;
	const struct net_connect_opts *s = &be->servers[0]->connect;
	char text[NET_ADDR_TEXT];
	assert_string_equal(net_addr_text(s->source, text), "127.0.0.9");
	assert_int_equal(s->source_port_low, 4000);
	assert_int_equal(s->source_port_high, 4010);
	assert_string_equal(s->interface, "lo");
	assert_true(s->keepalive && s->smart_connect);
	assert_int_equal(s->ka_count, 4);
	assert_string_equal(net_addr_text(be->servers[1]->connect.source, text), "127.0.0.8");
	fixture_done(&f);
}

static void dispatch_is_a_server_of_its_own(void **state)
{
	struct fixture f;
	load(&f, "backend a\n " TIMEOUTS " dispatch 127.0.0.1:8080\nbackend b\n " TIMEOUTS
		 " option transparent\n");
	const struct backend *a = &config_backend(f.config, "a")->be;
	assert_int_equal(a->servers_n, 1);
	assert_int_equal(net_addr_port(&a->servers[0]->addr), 8080);
	assert_true(config_backend(f.config, "b")->be.servers[0]->addr_transparent);
	fixture_done(&f);
}

static void checks_keep_what_defaults_said(void **state)
{
	struct fixture f;
	load(&f, "defaults\n mode http\n " TIMEOUTS " option httpchk GET /up\n"
		 "backend a\n http-check expect status 204\n server s 127.0.0.1:80 check\n"
		 "backend b\n no option httpchk\n server s 127.0.0.1:80 check\nbackend c\n");
	const struct backend *a = &config_backend(f.config, "a")->be;
	assert_non_null(a->httpchk);
	assert_ptr_not_equal(a->httpchk, config_backend(f.config, "c")->be.httpchk);

	assert_ptr_not_equal(a->httpchk, config_backend(f.config, "b")->be.httpchk);
	fixture_done(&f);
}

/* Every row says what it takes and what it is for; names are not taken twice in one scope. */
static void rows_document_themselves(void **state)
{
	for (size_t t = 0; proxy_keyword_tables[t]; t++)
		for (const struct conf_keyword *r = proxy_keyword_tables[t]; r->name; r++) {
			if (r->flags & CONF_NOT_YET)
				continue;
			assert_non_null(r->help);
			assert_true(*r->help != '\0');
			if (r->args_min > 0)
				assert_true(*r->usage != '\0');
			for (size_t u = 0; proxy_keyword_tables[u]; u++)
				for (const struct conf_keyword *o = proxy_keyword_tables[u];
				     o->name; o++)
					assert_true(o == r || strcmp(o->name, r->name) != 0 ||
						    !(o->scope & r->scope));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(proxies_begin_as_copies_of_the_last_defaults),
		cmocka_unit_test(from_names_the_defaults),
		cmocka_unit_test(mixed_use_of_defaults_is_warned_of),
		cmocka_unit_test(rules_of_defaults_come_first_in_each_proxy),
		cmocka_unit_test(acls_of_defaults_are_not_seen_by_proxies),
		cmocka_unit_test(defaults_of_servers_are_copied),
		cmocka_unit_test(ranges_and_lists_of_addresses_become_binds),
		cmocka_unit_test(thread_sets_become_masks),
		cmocka_unit_test(backlog_falls_back_to_maxconn),
		cmocka_unit_test(stats_sockets_are_binds_without_a_frontend),
		cmocka_unit_test(ids_count_in_the_order_of_the_files),
		cmocka_unit_test(connection_modes_exclude_each_other),
		cmocka_unit_test(redispatch_intervals),
		cmocka_unit_test(forwarding_headers_keep_their_parameters),
		cmocka_unit_test(error_replies_replace_each_other),
		cmocka_unit_test(captures_get_slots_in_order),
		cmocka_unit_test(retry_conditions_add_up),
		cmocka_unit_test(log_global_brings_the_global_targets),
		cmocka_unit_test(sets_of_defaults_are_not_changed_by_proxies),
		cmocka_unit_test(host_names_change_the_default_header_only),
		cmocka_unit_test(every_frontend_has_a_log_format),
		cmocka_unit_test(names_are_resolved),
		cmocka_unit_test(listen_sections_are_both_sides),
		cmocka_unit_test(fullconn_is_a_tenth_of_what_comes_in),
		cmocka_unit_test(tcp_proxies_lose_what_needs_http),
		cmocka_unit_test(redirects_come_behind_http_request_rules),
		cmocka_unit_test(source_of_the_backend_reaches_its_servers),
		cmocka_unit_test(dispatch_is_a_server_of_its_own),
		cmocka_unit_test(checks_keep_what_defaults_said),
		cmocka_unit_test(rows_document_themselves),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
