/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of health checks: how responses are judged wherever they are cut, and whole checks against small
 * servers on the loopback interface.
 */
#include "fixture.h"

#include <arpa/inet.h>
#include <poll.h>

#include "../../../src/upstream/check/check_internal.h"

/* ---- judging ---- */

struct judged {
	enum check_status status;
	unsigned code;
	char desc[128];
};

static const struct check_step *step_of(const struct httpchk_conf *h, enum check_step_kind kind)
{
	const struct check_step *s = h->first;
	while (s && s->kind != kind)
		s = s->next;
	assert_non_null(s);
	return s;
}

/* The verdict over the whole response, and that no shorter part of it gave another one. */
static struct judged judge(const struct httpchk_conf *h, const char *response, bool closes)
{
	const struct check_step *step = step_of(h, STEP_EXPECT);
	struct arena arena;
	struct rule_ctx cx = { .arena = &arena, .at = RULE_AT_CHECK, .res_final = true };
	struct check_verdict v;
	struct judged r;
	size_t len = strlen(response);
	struct check_response *in = calloc(1, sizeof(*in));
	assert_non_null(in);
	arena_init(&arena, 4096);
	memcpy(in->in, response, len);
	in->len = len;
	in->eof = closes;
	assert_true(h->http ? check_http_judge(h, step, false, in, &cx, &v)
			    : check_tcp_judge(step, in, &cx, &v));
	r = (struct judged){ .status = v.status, .code = v.code };
	snprintf(r.desc, sizeof(r.desc), "%s", v.desc);
	in->eof = false;
	for (size_t cut = 0; cut < len; cut++) {
		memcpy(in->in, response, len);
		in->len = cut;
		if (h->http ? check_http_judge(h, step, false, in, &cx, &v)
			    : check_tcp_judge(step, in, &cx, &v))
			assert_int_equal(v.status, r.status);
	}
	free(in);
	arena_reset(&arena);
	return r;
}

static const struct httpchk_conf *checks_of(struct fixture *f, const char *lines)
{
	char text[512];
	snprintf(text, sizeof(text),
	    "backend b\n option httpchk\n %s\n server a 127.0.0.1:80 check\n", lines);
	assert_int_equal(fixture_read(f, text), 0);
	return srv_of(f, "b", "a")->check->http;
}

static void responses_are_judged_the_same_wherever_they_are_cut(void **state)
{
	static const struct {
		const char *lines, *response;
		enum check_status status;
		unsigned code;
		const char *desc;
	} cases[] = {
		{ "", "HTTP/1.0 200 OK\r\n\r\n", CHECK_L7OK, 200, "" },
		{ "", "HTTP/1.1 302 Found\r\nlocation: /\r\n\r\n", CHECK_L7OK, 302, "" },
		{ "", "HTTP/1.1 500 Internal Server Error\r\n\r\n", CHECK_L7STS, 500,
		    "Internal Server Error" },
		{ "", "HTTP/1.1 404 Not Found\r\n\r\n", CHECK_L7STS, 404, "Not Found" },
		{ "http-check disable-on-404", "HTTP/1.1 404 Not Found\r\n\r\n", CHECK_L7OKC, 404,
		    "" },
		{ "", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 x\r\n\r\n", CHECK_L7OK, 204, "" },
		{ "http-check expect status 404,500-503", "HTTP/1.1 502 Bad\r\n\r\n", CHECK_L7OK,
		    502, "" },
		{ "http-check expect status 404,500-503", "HTTP/1.1 200 OK\r\n\r\n", CHECK_L7STS,
		    200, "OK" },
		{ "http-check expect ! status 200", "HTTP/1.1 200 OK\r\n\r\n", CHECK_L7STS, 200,
		    "OK" },
		{ "http-check expect comment why status 201", "HTTP/1.1 200 OK\r\n\r\n",
		    CHECK_L7STS, 200, "OK comment: why" },
		{ "http-check expect rstatus ^2.[05]$", "HTTP/1.1 205 x\r\n\r\n", CHECK_L7OK, 205,
		    "" },
		{ "http-check expect ! rstatus ^5", "HTTP/1.1 503 x\r\n\r\n", CHECK_L7STS, 503,
		    "x" },
		{ "http-check expect string alive",
		    "HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\nI am alive!", CHECK_L7OK, 200,
		    "" },
		{ "http-check expect string alive",
		    "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndead", CHECK_L7RSP, 200,
		    "HTTP content check did not match" },
		{ "http-check expect string alive",
		    "HTTP/1.1 200 OK\r\ntransfer-encoding: "
		    "chunked\r\n\r\n2\r\nal\r\n3\r\nive\r\n0\r\n\r\n",
		    CHECK_L7OK, 200, "" },
		{ "http-check expect ! string Error",
		    "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nSQL Error", CHECK_L7RSP, 200,
		    "HTTP check matched unwanted content" },
		{ "http-check expect rstring a.*e",
		    "HTTP/1.1 500 x\r\ncontent-length: 5\r\n\r\nalive", CHECK_L7OK, 500, "" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture f;
		const struct httpchk_conf *h = checks_of(&f, cases[i].lines);
		struct judged r = judge(h, cases[i].response, false);
		assert_string_equal(
		    check_status_name(r.status), check_status_name(cases[i].status));
		assert_int_equal(r.code, cases[i].code);
		assert_string_equal(r.desc, cases[i].desc);
		fixture_free(&f);
	}
}

static void garbage_and_early_closes_are_invalid_responses(void **state)
{
	static const char *const bad[] = { "", "HTTP/1.1 200", "SSH-2.0-OpenSSH\r\n\r\n",
		"HTTP/1.1 200 OK\r\nbad header\r\n\r\n" };
	struct fixture f;
	(void)state;
	const struct httpchk_conf *h = checks_of(&f, "");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(judge(h, bad[i], true).status, CHECK_L7RSP);
	}
	fixture_free(&f);
}

static void tcp_answers_are_judged_the_same_wherever_they_are_cut(void **state)
{
	static const struct {
		const char *line, *answer;
		bool closes;
		enum check_status status;
		const char *desc;
	} cases[] = {
		{ "string +OK", "+OK ready", false, CHECK_L7OK, "(tcp-check)" },
		{ "string +NO", "+OK", true, CHECK_L7RSP,
		    "TCPCHK did not match content '+NO' at step 1" },
		{ "string +NO comment c", "+OK", true, CHECK_L7RSP,
		    "TCPCHK did not match content '+NO' at step 1 comment: c" },
		{ "! string OK", "+OK", false, CHECK_L7RSP,
		    "TCPCHK matched unwanted content 'OK' at step 1" },
		{ "min-recv 0 binary 2b4F4d", "+OK", false, CHECK_L7RSP,
		    "TCPCHK did not match content (binary) at step 1" },
		{ "rbinary ^2B4F", "+OK", false, CHECK_L7OK, "(tcp-check)" },
		{ "rstring O.$", "+OK", true, CHECK_L7OK, "(tcp-check)" },
		{ "string x", "", true, CHECK_L7RSP, "TCPCHK got an empty response at step 1" },
		{ "ok-status L6OK on-success \"%[res.payload(1,2)]\" string-lf \"%[str(O)]K\"",
		    "+OK", false, CHECK_L6OK, "OK" },
		{ "error-status L4CON on-error \"e %[res.len]\" binary-lf \"%[str(x),hex]\"", "+OK",
		    true, CHECK_L4CON, "e 3" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture f;
		char text[256];
		snprintf(text, sizeof(text),
		    "backend b\n tcp-check expect %s\n server a 127.0.0.1:80 check\n",
		    cases[i].line);
		assert_int_equal(fixture_read(&f, text), 0);
		struct judged r =
		    judge(srv_of(&f, "b", "a")->check->http, cases[i].answer, cases[i].closes);
		assert_string_equal(
		    check_status_name(r.status), check_status_name(cases[i].status));
		assert_string_equal(r.desc, cases[i].desc);
		fixture_free(&f);
	}
}

static void assert_request(const char *lines, const char *wanted)
{
	struct fixture f;
	struct arena arena;
	struct rule_ctx cx = { .arena = &arena, .at = RULE_AT_CHECK };
	const struct httpchk_conf *h = checks_of(&f, lines);
	arena_init(&arena, 4096);
	struct strbuf b = check_http_request(h, &step_of(h, STEP_SEND)->send, "UP; x=y", &cx);
	if (wanted)
		assert_string_equal(strbuf_str(&b), wanted);
	else
		assert_null(b.ptr);
	strbuf_done(&b);
	arena_reset(&arena);
	fixture_free(&f);
}

static void the_request_is_what_the_lines_say(void **state)
{
	(void)state;
	assert_request("", "OPTIONS / HTTP/1.0\r\nconnection: close\r\n\r\n");
	assert_request(
	    "http-check send meth POST uri /x?y ver HTTP/1.1 hdr Host www hdr X-A 50%% body data",
	    "POST /x?y HTTP/1.1\r\nhost: www\r\nX-A: 50%\r\nconnection: close\r\ncontent-length: "
	    "4\r\n\r\ndata");
	assert_request("http-check send-state",
	    "OPTIONS / HTTP/1.0\r\nx-haproxy-server-state: UP; x=y\r\nconnection: close\r\n\r\n");
	assert_request(
	    "http-check send uri-lf \"/%[int(7)]\" hdr X %[str(a)] body-lf \"%[int(2)]\"",
	    "OPTIONS /7 HTTP/1.0\r\nX: a\r\nconnection: close\r\ncontent-length: 1\r\n\r\n2");
}

static void a_format_cannot_break_the_request_apart(void **state)
{
	(void)state;
	assert_request("http-check send uri-lf \"/%[str(a%20b),url_dec]\"", NULL);
	assert_request("http-check send hdr X %[str(a%0d%0ab),url_dec]", NULL);
}

static void sequences_that_make_no_sense_are_refused(void **state)
{
	static const char *const bad[] = {
		"http-check expect status 200\n http-check connect",
		"http-check expect status 200\n http-check send uri /",
		"http-check connect ssl",
		"http-check connect port 0",
		"http-check expect ok-status L7RSP status 200",
		"http-check expect hdr value x",
		"http-check set-var(check) int(1)",
		"http-check send hdr x %[req.hdr(host)]",
		"tcp-check send-binary 123",
		"tcp-check expect binary zz",
		"tcp-check expect status 200",
		"tcp-check unset-var(check.x) int(1)",
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct fixture f;
		char text[256];
		snprintf(
		    text, sizeof(text), "backend b\n %s\n server a 127.0.0.1:80 check\n", bad[i]);
		assert_int_not_equal(fixture_read(&f, text), 0);
		fixture_free(&f);
	}
}

/* ---- whole checks ---- */

/* A server of the test: answers each connection, in a thread of its own. */
struct peer {
	int fd;
	unsigned port;
	const char *answer; /* NULL: accepts and stays silent */
	pthread_t thread;
	char received[512];
	size_t received_len;
	atomic_bool stop;
};

static void serve_one(struct peer *p, int fd)
{
	char buf[512];
	struct pollfd pf = { .fd = fd, .events = POLLIN };
	/* silent peers keep the connection until the other end gives up */
	ssize_t n = poll(&pf, 1, 2000) > 0 ? recv(fd, buf, sizeof(buf), 0) : -1;
	if (n > 0 && p->received_len == 0) {
		memcpy(p->received, buf, (size_t)n);
		p->received_len = (size_t)n;
	}
	if (n > 0 && p->answer) {
		n = send(fd, p->answer, strlen(p->answer), MSG_NOSIGNAL);
		(void)n;
	} else if (n > 0) {
		poll(&pf, 1, 2000);
	}
	close(fd);
}

static void *serve(void *arg)
{
	struct peer *p = arg;
	struct pollfd pf = { .fd = p->fd, .events = POLLIN };
	while (!atomic_load(&p->stop)) {
		if (poll(&pf, 1, 20) <= 0)
			continue;
		int fd = accept(p->fd, NULL, NULL);
		if (fd >= 0)
			serve_one(p, fd);
	}
	return NULL;
}

static void peer_start(struct peer *p, const char *answer)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	*p = (struct peer){ .answer = answer };
	p->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(p->fd >= 0);
	assert_int_equal(bind(p->fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(p->fd, 16), 0);
	assert_int_equal(getsockname(p->fd, (struct sockaddr *)&a, &len), 0);
	p->port = ntohs(a.sin_port);
	assert_int_equal(pthread_create(&p->thread, NULL, serve, p), 0);
}

static void peer_stop(struct peer *p)
{
	atomic_store(&p->stop, true);
	pthread_join(p->thread, NULL);
	close(p->fd);
}

/* Runs the workers until the first check of every server has ended, or two seconds passed. */
struct waiter {
	struct timer timer;
	struct fixture *f;
	uint64_t until_ms;
	enum check_status want; /* CHECK_INI: any */
};

static bool all_checked(struct backend *be)
{
	for (unsigned i = 0; i < be->servers_n; i++) {
		struct server *s = be->servers[i];
		pthread_mutex_lock(&s->rt->lock);
		bool checked = !s->check || s->rt->check->status != CHECK_INI;
		pthread_mutex_unlock(&s->rt->lock);
		if (!checked)
			return false;
	}
	return true;
}

static void look(struct worker *w, struct timer *t)
{
	struct waiter *p = container_of(t, struct waiter, timer);
	if (all_checked(be_of(p->f, "b")) || worker_now_ms(w) > p->until_ms)
		worker_group_stop(w->group);
	else
		worker_timer_arm(w, t, 5);
}

static void run_checks(struct fixture *f)
{
	struct waiter p = { .f = f };
	assert_int_equal(checks_start(f->w, be_of(f, "b")), 0);
	clock_update(&f->w->clock);
	p.until_ms = worker_now_ms(f->w) + 3000;
	timer_init(&p.timer, look);
	worker_timer_arm(f->w, &p.timer, 1);
	assert_int_equal(worker_group_run(f->g, NULL), 0);
	checks_stop(f->w, be_of(f, "b"));
}

static const struct check *found(struct fixture *f, const char *server)
{
	return srv_of(f, "b", server)->rt->check;
}

/* A port of the loopback interface that nobody listens on. */
static unsigned closed_port(void)
{
	struct peer p;
	peer_start(&p, NULL);
	peer_stop(&p);
	return p.port;
}

static void connect_checks_tell_open_from_closed_ports(void **state)
{
	struct fixture f;
	struct peer p;
	char text[256];
	(void)state;
	peer_start(&p, NULL);
	snprintf(text, sizeof(text),
	    "backend b\n default-server check inter 1s\n server up 127.0.0.1:%u\n"
	    " server down 127.0.0.1:%u\n server elsewhere 127.0.0.1:1 port %u\n",
	    p.port, closed_port(), p.port);
	fixture_start(&f, text, 2);
	run_checks(&f);
	assert_int_equal(found(&f, "up")->status, CHECK_L4OK);
	assert_int_equal(found(&f, "elsewhere")->status, CHECK_L4OK);
	assert_int_equal(found(&f, "down")->status, CHECK_L4CON);
	assert_string_equal(found(&f, "down")->desc, "Connection refused");
	assert_true(server_is_usable(srv_of(&f, "b", "up")));
	assert_false(server_is_usable(srv_of(&f, "b", "down")));
	fixture_free(&f);
	peer_stop(&p);
}

static void http_checks_send_the_request_and_judge_the_answer(void **state)
{
	struct fixture f;
	struct peer good, bad;
	char text[256];
	(void)state;
	peer_start(&good, "HTTP/1.1 200 OK\r\n\r\n");
	peer_start(&bad, "HTTP/1.1 503 Busy\r\n\r\n");
	snprintf(text, sizeof(text),
	    "backend b\n option httpchk GET /health\n default-server check inter 1s\n"
	    " server good 127.0.0.1:%u\n server bad 127.0.0.1:%u\n",
	    good.port, bad.port);
	fixture_start(&f, text, 2);
	run_checks(&f);
	assert_int_equal(found(&f, "good")->status, CHECK_L7OK);
	assert_int_equal(found(&f, "good")->code, 200);
	assert_int_equal(found(&f, "bad")->status, CHECK_L7STS);
	assert_string_equal(found(&f, "bad")->desc, "Busy");
	fixture_free(&f);
	peer_stop(&good);
	peer_stop(&bad);
	assert_memory_equal(good.received, "GET /health HTTP/1.0\r\n", 22);
}

static void a_silent_server_times_out(void **state)
{
	struct fixture f;
	struct peer p;
	char text[256];
	(void)state;
	peer_start(&p, NULL);
	snprintf(text, sizeof(text),
	    "backend b\n option httpchk\n server a 127.0.0.1:%u check inter 100ms\n", p.port);
	fixture_start(&f, text, 1);
	run_checks(&f);
	assert_int_equal(found(&f, "a")->status, CHECK_L7TOUT);
	assert_in_range(found(&f, "a")->duration_ms, 90, 1000);
	fixture_free(&f);
	peer_stop(&p);
}

static void checks_speak_the_proxy_protocol_like_the_server(void **state)
{
	struct fixture f;
	struct peer p;
	char text[256];
	(void)state;
	peer_start(&p, "HTTP/1.1 200 OK\r\n\r\n");
	snprintf(text, sizeof(text),
	    "backend b\n option httpchk\n server a 127.0.0.1:%u check send-proxy\n", p.port);
	fixture_start(&f, text, 1);
	run_checks(&f);
	assert_int_equal(found(&f, "a")->status, CHECK_L7OK);
	fixture_free(&f);
	peer_stop(&p);
	assert_memory_equal(p.received, "PROXY TCP4 127.0.0.1 127.0.0.1 ", 31);
}

static void intervals_follow_the_state(void **state)
{
	struct fixture f;
	(void)state;
	fixture_start(&f,
	    "backend b\n server a 127.0.0.1:80 check inter 3s fastinter 1s downinter 5s\n"
	    " server b 127.0.0.1:80 check inter 3s\n",
	    1);
	struct server *a = srv_of(&f, "b", "a"), *b = srv_of(&f, "b", "b");
	assert_int_equal(check_interval_ms(a), 1000); /* not checked yet */
	check_report(f.w, a, CHECK_L4OK, CHECK_RES_PASSED, 0, 0, "");
	assert_int_equal(check_interval_ms(a), 3000);
	check_report(f.w, a, CHECK_L4CON, CHECK_RES_FAILED, 0, 0, "");
	assert_int_equal(check_interval_ms(a), 1000);
	check_force(f.w, a, SERVER_STOPPED);
	assert_int_equal(check_interval_ms(a), 5000);
	check_report(f.w, a, CHECK_L4OK, CHECK_RES_PASSED, 0, 0, "");
	assert_int_equal(check_interval_ms(a), 1000);
	check_force(f.w, b, SERVER_STOPPED);
	assert_int_equal(check_interval_ms(b), 3000);
	fixture_free(&f);
}

static void maintenance_and_disabled_health_ignore_results(void **state)
{
	struct fixture f;
	(void)state;
	fixture_start(&f, "backend b\n server a 127.0.0.1:80 check\n", 1);
	struct server *a = srv_of(&f, "b", "a");
	a->rt->check->paused = true;
	check_report(f.w, a, CHECK_L4CON, CHECK_RES_FAILED, 0, 0, "");
	assert_true(server_is_usable(a));
	a->rt->check->paused = false;
	server_set_admin(f.w, a, SERVER_FMAINT, 0);
	check_report(f.w, a, CHECK_L4OK, CHECK_RES_PASSED, 0, 0, "");
	assert_false(server_is_usable(a));
	assert_int_equal(a->rt->check->status, CHECK_INI);
	fixture_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(responses_are_judged_the_same_wherever_they_are_cut),
		cmocka_unit_test(garbage_and_early_closes_are_invalid_responses),
		cmocka_unit_test(tcp_answers_are_judged_the_same_wherever_they_are_cut),
		cmocka_unit_test(the_request_is_what_the_lines_say),
		cmocka_unit_test(a_format_cannot_break_the_request_apart),
		cmocka_unit_test(sequences_that_make_no_sense_are_refused),
		cmocka_unit_test(connect_checks_tell_open_from_closed_ports),
		cmocka_unit_test(http_checks_send_the_request_and_judge_the_answer),
		cmocka_unit_test(a_silent_server_times_out),
		cmocka_unit_test(checks_speak_the_proxy_protocol_like_the_server),
		cmocka_unit_test(intervals_follow_the_state),
		cmocka_unit_test(maintenance_and_disabled_health_ignore_results),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
