/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of server states: transitions, what is logged about them, weights, slow start, tracking, and what
 * a reload keeps. The lines are those that HAProxy 2.6 wrote in the same situations.
 */
#include "fixture.h"

#define LEFT(a, b)                                                                                 \
#a " active and " #b                                                                       \
	   " backup servers left. 0 sessions active, 0 requeued, 0 remaining in queue."
#define ONLINE(a, b)                                                                               \
#a " active and " #b " backup servers online. 0 sessions requeued, 0 total in queue."

static void assert_logged(struct fixture *f, const char *expected)
{
	assert_string_equal(logged(f), expected);
}

static void assert_status(struct server *s, const char *expected)
{
	char text[SERVER_STATUS_TEXT];
	assert_string_equal(server_status_text(s, text), expected);
}

static void fail_check(struct fixture *f, struct server *s)
{
	check_report(f->w, s, CHECK_L4CON, CHECK_RES_FAILED, 0, 0, "Connection refused");
}

static void pass_check(struct fixture *f, struct server *s)
{
	check_report(f->w, s, CHECK_L4OK, CHECK_RES_PASSED, 0, 1, "");
}

static void health_counts_fall_and_rise(void **state)
{
	struct fixture f;
	(void)state;
	fixture_start(&f, "backend b\n server a 127.0.0.1:80 check\n server b 127.0.0.1:80\n", 1);
	struct server *a = srv_of(&f, "b", "a");
	assert_status(a, "UP 1/3");
	pass_check(&f, a);
	assert_status(a, "UP");
	fail_check(&f, a);
	assert_status(a, "UP 2/3");
	fail_check(&f, a);
	assert_status(a, "UP 1/3");
	pass_check(&f, a);
	assert_status(a, "UP");
	assert_logged(&f, "");
	fail_check(&f, a);
	fail_check(&f, a);
	fail_check(&f, a);
	assert_status(a, "DOWN");
	assert_logged(&f,
	    "<129>Server b/a is DOWN, reason: Layer4 connection problem, info: \"Connection "
	    "refused\", check duration: 0ms. " LEFT(1, 0) "\n");
	pass_check(&f, a);
	assert_status(a, "DOWN 1/2");
	fail_check(&f, a);
	assert_status(a, "DOWN");
	pass_check(&f, a);
	pass_check(&f, a);
	assert_status(a, "UP");
	assert_logged(
	    &f, "<133>Server b/a is UP, reason: Layer4 check passed, check duration: 1ms. " ONLINE(
		    2, 0) "\n");
	assert_int_equal(a->rt->check_fail_count, 5);
	assert_int_equal(a->rt->down_count, 1);
	assert_status(srv_of(&f, "b", "b"), "no check");
	fixture_free(&f);
}

static void first_failed_check_takes_a_fresh_server_down(void **state)
{
	struct fixture f;
	(void)state;
	fixture_start(&f, "backend b\n server a 127.0.0.1:80 check\n", 1);
	fail_check(&f, srv_of(&f, "b", "a"));
	assert_status(srv_of(&f, "b", "a"), "DOWN");
	assert_contains(logged(&f), "<128>backend b has no server available!\n");
	assert_false(backend_is_up(be_of(&f, "b")));
	assert_int_equal(be_of(&f, "b")->rt->down_count, 1);
	fixture_free(&f);
}

static void log_health_checks_tells_each_change_of_health(void **state)
{
	struct fixture f;
	(void)state;
	fixture_start(&f,
	    "backend b1\n option log-health-checks\n server a 127.0.0.1:80 check\n"
	    " server b 127.0.0.1:80 check\n server c 127.0.0.1:80\n",
	    1);
	pass_check(&f, srv_of(&f, "b1", "a"));
	assert_logged(&f,
	    "<133>Health check for server b1/a succeeded, reason: Layer4 check passed, check "
	    "duration: 1ms, status: 3/3 UP.\n");
	pass_check(&f, srv_of(&f, "b1", "a"));
	assert_logged(&f, "");
	fail_check(&f, srv_of(&f, "b1", "b"));
	assert_logged(&f,
	    "<133>Health check for server b1/b failed, reason: Layer4 connection problem, info: "
	    "\"Connection refused\", check duration: 0ms, status: 0/2 DOWN.\n"
	    "<129>Server b1/b is DOWN. " LEFT(2, 0) "\n");
	pass_check(&f, srv_of(&f, "b1", "b"));
	assert_logged(&f,
	    "<133>Health check for server b1/b succeeded, reason: Layer4 check passed, check "
	    "duration: 1ms, status: 1/2 DOWN.\n");
	fixture_free(&f);
}

static void administrative_states_are_worded_as_operators_know_them(void **state)
{
	struct fixture f;
	(void)state;
	fixture_start(&f,
	    "backend b2\n server a 127.0.0.1:80 check\n server b 127.0.0.1:80 check\n"
	    " server e 127.0.0.1:80\n server d 127.0.0.1:80 backup disabled\n",
	    1);
	struct server *a = srv_of(&f, "b2", "a"), *b = srv_of(&f, "b2", "b"),
		      *e = srv_of(&f, "b2", "e"), *d = srv_of(&f, "b2", "d");
	pass_check(&f, a);
	assert_status(d, "MAINT");

	server_set_admin(f.w, b, SERVER_FMAINT, 0);
	assert_logged(&f, "<129>Server b2/b is going DOWN for maintenance. " LEFT(2, 0) "\n");
	server_set_admin(f.w, b, SERVER_FDRAIN, SERVER_FMAINT);
	assert_logged(&f, "<133>Server b2/b is UP/DRAIN (leaving forced maintenance).\n"
			  "<133>Server b2/b remains in forced drain mode.\n");
	assert_status(b, "DRAIN 1/3");
	server_set_admin(f.w, b, 0, SERVER_FMAINT | SERVER_FDRAIN);
	assert_logged(&f, "<133>Server b2/b is UP (leaving forced drain).\n");
	server_set_admin(f.w, b, SERVER_FDRAIN, SERVER_FMAINT);
	assert_logged(&f, "<133>Server b2/b enters drain state. " ONLINE(2, 0) "\n");
	assert_true(server_is_usable(b));
	assert_true(server_is_draining(b));
	check_force(f.w, b, SERVER_STOPPED);
	assert_logged(&f, "<133>Server b2/b is DOWN, changed from CLI. " LEFT(
			      2, 0) "\n"
				    "<133>Server b2/b remains in forced drain mode.\n");
	server_set_admin(f.w, b, SERVER_FMAINT, 0);
	assert_logged(&f, "<133>Server b2/b was DOWN and now enters maintenance.\n");
	server_set_admin(f.w, b, 0, SERVER_FMAINT | SERVER_FDRAIN);
	assert_logged(&f, "<133>Server b2/b is UP/READY (leaving forced maintenance).\n");
	assert_status(b, "UP 1/3");

	server_set_admin(f.w, d, 0, SERVER_FMAINT | SERVER_FDRAIN);
	assert_logged(&f, "<133>Backup Server b2/d is UP/READY (leaving forced maintenance).\n");
	assert_status(d, "no check");
	assert_int_equal(d->rt->admin, SERVER_CMAINT);
	server_set_admin(f.w, a, SERVER_FMAINT, 0);
	server_set_admin(f.w, a, SERVER_FMAINT, 0);
	assert_logged(&f, "<129>Server b2/a is going DOWN for maintenance. " LEFT(2, 1) "\n");
	server_set_admin(f.w, b, SERVER_FMAINT, 0);
	logged(&f);
	server_set_admin(f.w, e, SERVER_FMAINT, 0);
	assert_logged(&f,
	    "<129>Server b2/e is going DOWN for maintenance. 0 active and 1 backup servers left. "
	    "Running on backup. 0 sessions active, 0 requeued, 0 remaining in queue.\n");
	server_set_admin(f.w, d, SERVER_FMAINT, 0);
	assert_contains(logged(&f), "\n<128>backend b2 has no server available!\n");
	fixture_free(&f);
}

static void a_404_stops_new_requests_and_keeps_persistent_ones(void **state)
{
	struct fixture f;
	(void)state;
	fixture_start(&f, "backend b\n server c 127.0.0.1:80 check\n server d 127.0.0.1:80\n", 1);
	struct server *c = srv_of(&f, "b", "c");
	check_report(f.w, c, CHECK_L7OKC, CHECK_RES_CONDPASS, 404, 0, "");
	assert_logged(&f,
	    "<133>Server b/c is stopping, reason: Layer7 check conditionally passed, code: 404, "
	    "check duration: 0ms. " ONLINE(1, 0) "\n");
	assert_status(c, "NOLB");
	server_set_admin(f.w, c, SERVER_FDRAIN, 0);
	assert_status(c, "NOLB");
	server_set_admin(f.w, c, 0, SERVER_FDRAIN);
	assert_true(server_is_usable(c));
	assert_true(server_is_draining(c));
	check_report(f.w, c, CHECK_L7OK, CHECK_RES_PASSED, 200, 0, "");
	assert_status(c, "UP");
	check_force(f.w, c, SERVER_STOPPED);
	logged(&f);
	check_report(f.w, c, CHECK_L7OKC, CHECK_RES_CONDPASS, 404, 0, "");
	assert_status(c, "DOWN");
	fixture_free(&f);
}

static void trackers_follow(void **state)
{
	struct fixture f;
	(void)state;
	fixture_start(&f,
	    "backend x\n server t 127.0.0.1:80 track b/a\n server u 127.0.0.1:80 track t\n"
	    "backend b\n server a 127.0.0.1:80 check\n server z 127.0.0.1:80\n",
	    1);
	struct server *a = srv_of(&f, "b", "a"), *t = srv_of(&f, "x", "t"),
		      *u = srv_of(&f, "x", "u");
	assert_status(t, "UP 1/3");
	fail_check(&f, a);
	assert_status(t, "DOWN");
	assert_status(u, "DOWN");
	assert_contains(logged(&f), "<129>Server x/t is DOWN via b/a. " LEFT(1, 0) "\n");
	server_set_admin(f.w, a, SERVER_FMAINT, 0);
	assert_status(t, "MAINT (via b/a)");
	assert_status(u, "MAINT (via x/t)");
	assert_contains(
	    logged(&f), "<133>Server x/t was DOWN and now enters maintenance via b/a.\n");
	server_set_admin(f.w, a, 0, SERVER_FMAINT);
	assert_status(t, "UP 1/3");
	assert_contains(logged(&f), "<133>Server x/t is UP/READY (leaving maintenance).\n");
	server_set_admin(f.w, a, SERVER_FDRAIN, 0);
	assert_status(u, "DRAIN 1/3");
	fixture_free(&f);
}

static void weights_are_absolute_or_percent_of_the_line(void **state)
{
	struct fixture f;
	char err[128];
	(void)state;
	fixture_start(&f,
	    "backend b\n balance roundrobin\n server a 127.0.0.1:80 weight 10\n"
	    " server b 127.0.0.1:80\nbackend s\n balance static-rr\n"
	    " server a 127.0.0.1:80 weight 5\n",
	    1);
	struct server *a = srv_of(&f, "b", "a"), *s = srv_of(&f, "s", "a");
	assert_int_equal(server_set_weight(f.w, a, "50%", err, sizeof(err)), 0);
	assert_int_equal(a->rt->uweight, 5);
	assert_int_equal(server_set_weight(f.w, a, "1000%", err, sizeof(err)), 0);
	assert_int_equal(a->rt->uweight, 100);
	assert_int_equal(server_set_weight(f.w, a, "100000%", err, sizeof(err)), 0);
	assert_int_equal(a->rt->uweight, 256);
	static const char *const bad[] = { "257", "-1", "abc", "", "5x", "-5%" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(server_set_weight(f.w, a, bad[i], err, sizeof(err)), -EINVAL);
	assert_int_equal(server_set_weight(f.w, s, "3", err, sizeof(err)), -EINVAL);
	assert_contains(err, "static LB algorithm");
	assert_int_equal(server_set_weight(f.w, s, "0", err, sizeof(err)), 0);
	assert_logged(&f, "<128>backend s has no server available!\n");
	assert_int_equal(server_set_weight(f.w, s, "100%", err, sizeof(err)), 0);
	char out[4];
	assert_string_equal(picks(&f, be_of(&f, "s"), 1, out), "0");
	fixture_free(&f);
}

struct stepper {
	struct timer timer;
	struct server *s;
	unsigned seen[200], n;
};

static void watch(struct worker *w, struct timer *t)
{
	struct stepper *p = container_of(t, struct stepper, timer);
	unsigned now = atomic_load(&p->s->rt->eweight);
	if (p->n == 0 || p->seen[p->n - 1] != now)
		p->seen[p->n++] = now;
	if (now == 100 * SERVER_WEIGHT_SCALE)
		worker_group_stop(w->group);
	else
		worker_timer_arm(w, t, 5);
}

static void slow_start_grows_in_steps_after_a_failure(void **state)
{
	struct fixture f;
	(void)state;
	fixture_start(&f,
	    "backend b\n balance roundrobin\n"
	    " server a 127.0.0.1:80 weight 100 maxconn 100 slowstart 400ms check\n"
	    " server b 127.0.0.1:80\n",
	    1);
	struct stepper p = { .s = srv_of(&f, "b", "a") };
	assert_int_equal(atomic_load(&p.s->rt->eweight), 100 * SERVER_WEIGHT_SCALE);
	check_force(f.w, p.s, SERVER_STOPPED);
	check_force(f.w, p.s, SERVER_RUNNING);
	assert_int_equal(p.s->rt->oper, SERVER_STARTING);
	assert_int_equal(server_limit(p.s), 1);
	timer_init(&p.timer, watch);
	worker_timer_arm(f.w, &p.timer, 1);
	assert_int_equal(worker_group_run(f.g, NULL), 0);
	assert_in_range(p.n, 4, 30);
	for (unsigned i = 1; i < p.n; i++)
		assert_true(p.seen[i] > p.seen[i - 1]);
	assert_int_equal(p.s->rt->oper, SERVER_RUNNING);
	assert_int_equal(server_limit(p.s), 100);
	fixture_free(&f);
}

static void limit_follows_the_load_between_minconn_and_maxconn(void **state)
{
	struct fixture f;
	(void)state;
	fixture_start(&f,
	    "backend b\n fullconn 100\n server a 127.0.0.1:80 minconn 10 maxconn 50\n"
	    " server b 127.0.0.1:80 minconn 7\n server c 127.0.0.1:80\n",
	    1);
	struct server *a = srv_of(&f, "b", "a");
	assert_int_equal(server_limit(a), 10);
	atomic_store(&be_of(&f, "b")->rt->served, 60);
	assert_int_equal(server_limit(a), 30);
	atomic_store(&be_of(&f, "b")->rt->served, 500);
	assert_int_equal(server_limit(a), 50);
	assert_int_equal(server_limit(srv_of(&f, "b", "b")), 7);
	assert_int_equal(server_limit(srv_of(&f, "b", "c")), 0);
	fixture_free(&f);
}

static void downtime_adds_up(void **state)
{
	struct fixture f;
	(void)state;
	fixture_start(&f, "backend b\n server a 127.0.0.1:80 check\n", 1);
	struct server *a = srv_of(&f, "b", "a");
	f.w->clock.wall_us = 1000 * 1000000ll;
	check_force(f.w, a, SERVER_STOPPED);
	assert_int_equal(server_downtime_s(a, 1007), 7);
	assert_int_equal(backend_downtime_s(be_of(&f, "b"), 1007), 7);
	f.w->clock.wall_us = 1010 * 1000000ll;
	check_force(f.w, a, SERVER_RUNNING);
	assert_int_equal(server_downtime_s(a, 2000), 10);
	assert_int_equal(backend_downtime_s(be_of(&f, "b"), 2000), 10);
	assert_int_equal(server_changed_s(a, 1015), 5);
	fixture_free(&f);
}

static void a_reload_keeps_what_runs_and_takes_what_changed(void **state)
{
	struct fixture old, new;
	char err[64];
	(void)state;
	fixture_start(&old,
	    "backend b\n balance roundrobin\n server a 127.0.0.1:80 weight 10\n"
	    " server b 127.0.0.1:81 weight 10\n server c 127.0.0.1:82\n",
	    1);
	server_set_admin(old.w, srv_of(&old, "b", "a"), SERVER_FDRAIN, 0);
	assert_int_equal(
	    server_set_weight(old.w, srv_of(&old, "b", "a"), "3", err, sizeof(err)), 0);
	assert_int_equal(
	    server_set_weight(old.w, srv_of(&old, "b", "b"), "3", err, sizeof(err)), 0);
	struct server_rt *a = srv_of(&old, "b", "a")->rt;

	assert_int_equal(
	    fixture_read(&new, "backend b\n balance roundrobin\n server a 127.0.0.1:80 weight 10\n"
			       " server b 127.0.0.1:90 weight 20\n server d 127.0.0.1:82\n"),
	    0);
	new.w = old.w;
	fixture_attach(&new);
	assert_ptr_equal(srv_of(&new, "b", "a")->rt, a);
	assert_int_equal(a->admin, SERVER_FDRAIN);
	assert_int_equal(a->uweight, 3);
	assert_int_equal(srv_of(&new, "b", "b")->rt->uweight, 20);
	assert_int_equal(net_addr_port(&atomic_load(&srv_of(&new, "b", "b")->rt->dest)->addr), 90);
	/* streams of the old configuration never meet a server of the new one */
	struct balance_call call = { .worker = old.w };
	struct server *s;
	for (unsigned i = 0; i < 20; i++) {
		assert_int_equal(balance_pick(be_of(&old, "b"), &call, &s), BALANCE_OK);
		assert_ptr_equal(s->be, be_of(&old, "b"));
		assert_int_equal(balance_pick(be_of(&new, "b"), &call, &s), BALANCE_OK);
		assert_ptr_equal(s->be, be_of(&new, "b"));
	}
	/* a state change reaches both */
	server_set_admin(new.w, srv_of(&new, "b", "b"), SERVER_FMAINT, 0);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(balance_pick(be_of(&old, "b"), &call, &s), BALANCE_OK);
		assert_string_equal(s->name, "c");
	}
	backend_detach(new.w, be_of(&new, "b"));
	new.n = 0;
	fixture_free(&new);
	fixture_free(&old);
}

static void an_unresolved_name_waits_in_maintenance(void **state)
{
	struct fixture f;
	(void)state;
	fixture_start(&f,
	    "backend b\n server a name.invalid:80 init-addr none\n"
	    " server b name.invalid:80 init-addr 127.0.0.9\n server c localhost:80\n",
	    1);
	assert_status(srv_of(&f, "b", "a"), "MAINT (resolution)");
	char text[NET_ADDR_TEXT];
	assert_string_equal(
	    net_addr_text_port(&atomic_load(&srv_of(&f, "b", "b")->rt->dest)->addr, text),
	    "127.0.0.9:80");
	struct net_addr a;
	assert_int_equal(net_ip_parse(SLICE("127.0.0.3"), &a), 0);
	assert_int_equal(server_set_addr(f.w, srv_of(&f, "b", "a"), &a, NET_PORT_NONE, 0), 0);
	assert_status(srv_of(&f, "b", "a"), "no check");
	assert_string_equal(
	    net_addr_text_port(&atomic_load(&srv_of(&f, "b", "a")->rt->dest)->addr, text),
	    "127.0.0.3:80");
	fixture_free(&f);

	assert_int_equal(
	    fixture_read(&f, "backend b\n server a name.invalid:80 init-addr last\n"), 0);
	f.g = worker_group_new(1, 8);
	f.w = worker_get(f.g, 0);
	assert_true(backend_attach(f.w, be_of(&f, "b"), f.diag) < 0);
	assert_contains(messages_of(&f), "could not resolve address 'name.invalid'");
	backend_detach(f.w, be_of(&f, "b"));
	worker_group_free(f.g);
	f.g = NULL;
	fixture_free(&f);
}

static unsigned shut_seen;
static char shut_cause;

static void on_shut(struct worker *w, struct server_local *local, char cause)
{
	(void)local;
	shut_seen |= 1u << w->id;
	shut_cause = cause;
	if (shut_seen == 1)
		worker_group_stop(w->group);
}

static void marked_down_ends_sessions_on_every_worker(void **state)
{
	struct fixture f;
	(void)state;
	server_set_shut_hook(on_shut);
	fixture_start(
	    &f, "backend b\n server a 127.0.0.1:80 on-marked-down shutdown-sessions check\n", 1);
	shut_seen = 0;
	fail_check(&f, srv_of(&f, "b", "a"));
	assert_int_equal(worker_group_run(f.g, NULL), 0);
	assert_int_equal(shut_seen, 1);
	assert_int_equal(shut_cause, 'D');
	server_set_shut_hook(NULL);
	fixture_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(health_counts_fall_and_rise),
		cmocka_unit_test(first_failed_check_takes_a_fresh_server_down),
		cmocka_unit_test(log_health_checks_tells_each_change_of_health),
		cmocka_unit_test(administrative_states_are_worded_as_operators_know_them),
		cmocka_unit_test(a_404_stops_new_requests_and_keeps_persistent_ones),
		cmocka_unit_test(trackers_follow),
		cmocka_unit_test(weights_are_absolute_or_percent_of_the_line),
		cmocka_unit_test(slow_start_grows_in_steps_after_a_failure),
		cmocka_unit_test(limit_follows_the_load_between_minconn_and_maxconn),
		cmocka_unit_test(downtime_adds_up),
		cmocka_unit_test(a_reload_keeps_what_runs_and_takes_what_changed),
		cmocka_unit_test(an_unresolved_name_waits_in_maintenance),
		cmocka_unit_test(marked_down_ends_sessions_on_every_worker),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
