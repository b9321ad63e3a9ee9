/* SPDX-License-Identifier: MIT */
/* Unit tests of the commands about servers: the answers are those of HAProxy 2.6. */
#include "fixture.h"

#define CONFIG                                                                                     \
	"backend b1\n balance roundrobin\n server a 127.0.0.1:21750 check weight 10\n"             \
	" server c 127.0.0.1:21751 weight 20\n server d 127.0.0.1:21752 backup disabled\n"         \
	"backend b2\n server t 127.0.0.1:21751 track b1/a\n server e localhost:21752 id 77\n"      \
	"backend b3\n balance static-rr\n server a 127.0.0.1:21750 weight 5\n"

struct session {
	struct fixture f;
	struct cli *cli;
	struct strbuf out;
};

static void session_start(struct session *s)
{
	static const struct cli_command *const tables[] = { upstream_commands, NULL };
	fixture_start(&s->f, CONFIG, 1);
	upstream_cli_set_dir(&s->f.dir);
	const struct cli_setup setup = {
		.tables = tables,
		.worker = s->f.w,
		.maxconn = 1,
		.timeout_ms = 1000,
		.max_payload = 1024,
		.prompt_name = "t",
	};
	s->cli = cli_new(&setup);
	assert_non_null(s->cli);
	s->out = STRBUF_INIT;
}

static void session_end(struct session *s)
{
	cli_free(s->cli);
	strbuf_done(&s->out);
	upstream_cli_set_dir(NULL);
	fixture_free(&s->f);
}

/* The answer without the newlines that frame it. */
static const char *ask(struct session *s, const char *line)
{
	strbuf_clear(&s->out);
	cli_run(s->cli, CLI_ADMIN, line, &s->out);
	while (s->out.len && s->out.ptr[s->out.len - 1] == '\n')
		s->out.ptr[--s->out.len] = 0;
	return strbuf_str(&s->out);
}

static void answers_are_worded_as_scripts_expect(void **state)
{
	static const struct {
		const char *line, *answer;
	} dialogue[] = {
		{ "set server b1/a weight 50%", "" },
		{ "get weight b1/a", "5 (initial 10)" },
		{ "set weight b1/a 300",
		    "Absolute weight can only be between 0 and 256 inclusive." },
		{ "set weight b1/a -1",
		    "Absolute weight can only be between 0 and 256 inclusive." },
		{ "set weight b1/a abc", "Empty weight string empty or preceded by garbage" },
		{ "set weight b3/a 3", "Backend is using a static LB algorithm and only accepts "
				       "weights '0%' and '100%'." },
		{ "set weight b3/a 100%", "" },
		{ "set weight b3/a 5", "" },
		{ "set weight b1/zz 1", "No such server." },
		{ "set weight zz/a 1", "No such backend." },
		{ "set weight b1", "Require 'backend/server'." },
		{ "get weight b1/zz", "No such server." },
		{ "set server b1/a",
		    "usage: set server <backend>/<server> addr | agent | agent-addr | agent-port | "
		    "agent-send | check-addr | check-port | fqdn | health | ssl | state | weight" },
		{ "set server b1/a state foo",
		    "'set server <srv> state' expects 'ready', 'drain' and 'maint'." },
		{ "set server b1/a addr",
		    "set server <b>/<s> addr requires an address and optionally a port." },
		{ "set server b1/a addr foo", "Invalid addr 'foo' by 'stats socket command'" },
		{ "set server b1/a addr 127.0.0.2",
		    "IP changed from '127.0.0.1' to '127.0.0.2' by 'stats socket command'" },
		{ "set server b1/a addr 127.0.0.2",
		    "no need to change the addr by 'stats socket command'" },
		{ "set server b1/a addr 127.0.0.2 port 21753",
		    "no need to change the addr, port changed from '21750' to '21753' by 'stats "
		    "socket "
		    "command'" },
		{ "set server b1/a addr 127.0.0.2 port abc",
		    "no need to change the addr, problem converting port 'abc' to an int by 'stats "
		    "socket command'" },
		{ "set server b1/a addr 127.0.0.2 port +1",
		    "no need to change the addr, can't change <port> to port map because it is "
		    "incompatible with current health check port configuration (use 'port' "
		    "statement "
		    "from the 'server' directive. by 'stats socket command'" },
		{ "set server b1/a addr ::1",
		    "IP changed from '127.0.0.2' to '::1' by 'stats socket command'" },
		{ "set server b1/c addr 127.0.0.1 port 21751",
		    "no need to change the addr, no need to change the port by 'stats socket "
		    "command'" },
		{ "set server b1/a check-port 21750", "" },
		{ "set server b1/a check-port foo", "provided port is not an integer" },
		{ "set server b1/a check-port 70000", "provided port is invalid" },
		{ "set server b1/a check-port", "set server <b>/<s> check-port requires a port." },
		{ "set server b1/c check-port 3", "health checks are not enabled on this server" },
		{ "set server b1/a check-addr 127.0.0.1 port 21750", "" },
		{ "set server b1/a check-addr foo.bar", "invalid addr 'foo.bar'" },
		{ "set server b1/a agent up", "agent checks are not enabled on this server." },
		{ "set server b1/a health foo",
		    "'set server <srv> health' expects 'up', 'stopping', or 'down'." },
		{ "disable server b1/zz", "No such server." },
		{ "disable server", "Require 'backend/server'." },
		{ "disable health b1/c", "" },
		{ "enable health b1/c",
		    "Health check was not configured on this server, cannot enable." },
		{ "enable health b1/a", "" },
		{ "set maxconn server b1/a 10", "" },
		{ "set maxconn server b1/a abc", "maxconn string empty or preceded by garbage" },
		{ "set maxconn server b1/a", "Require <maxconn>." },
		{ "shutdown sessions server b1", "Require 'backend/server'." },
		{ "set server b1/#2 weight 2", "" },
		{ "get weight b1/c", "2 (initial 20)" },
		{ "show servers state zz", "Can't find backend." },
		{ "show servers conn zz", "Can't find backend." },
	};
	struct session s;
	(void)state;
	session_start(&s);
	for (size_t i = 0; i < ARRAY_SIZE(dialogue); i++)
		assert_string_equal(ask(&s, dialogue[i].line), dialogue[i].answer);
	assert_int_equal(server_limit(srv_of(&s.f, "b1", "a")), 10);
	session_end(&s);
}

static void states_change_by_command(void **state)
{
	struct session s;
	(void)state;
	session_start(&s);
	struct server *a = srv_of(&s.f, "b1", "a");
	ask(&s, "set server b1/a state drain");
	assert_true(server_is_draining(a));
	ask(&s, "set server b1/a state maint");
	assert_false(server_is_usable(a));
	ask(&s, "set server b1/a state ready");
	assert_true(server_is_usable(a) && !server_is_draining(a));
	ask(&s, "disable server b1/a");
	assert_false(server_is_usable(a));
	assert_false(server_is_usable(srv_of(&s.f, "b2", "t")));
	ask(&s, "enable server b1/a");
	assert_true(server_is_usable(a));
	ask(&s, "set server b1/a health down");
	assert_false(server_is_usable(a));
	ask(&s, "set server b1/a health up");
	assert_true(server_is_usable(a));
	ask(&s, "set server b1/a health stopping");
	assert_true(server_is_usable(a) && server_is_draining(a));
	session_end(&s);
}

static void servers_state_has_the_columns_of_state_files(void **state)
{
	struct session s;
	(void)state;
	session_start(&s);
	int64_t now = clock_wall_s(&s.f.w->clock);
	for (unsigned i = 0; i < s.f.n; i++)
		for (unsigned j = 0; j < s.f.sections[i].be.servers_n; j++)
			s.f.sections[i].be.servers[j]->rt->changed_wall_s = now - 2;
	static const char head[] =
	    "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight "
	    "srv_iweight srv_time_since_last_change srv_check_status srv_check_result "
	    "srv_check_health srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id "
	    "srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr srv_agent_addr "
	    "srv_agent_port\n";
	char expected[2048];
	snprintf(expected, sizeof(expected), "%s%s", head,
	    "2 b1 1 a 127.0.0.1 2 0 10 10 2 1 0 2 6 0 0 0 - 21750 - 0 0 - - 0\n"
	    "2 b1 2 c 127.0.0.1 2 0 20 20 2 1 0 2 0 0 0 0 - 21751 - 0 0 - - 0\n"
	    "2 b1 3 d 127.0.0.1 0 5 1 1 2 1 0 0 8 0 0 0 - 21752 - 0 0 - - 0");
	assert_string_equal(ask(&s, "show servers state b1"), expected);
	assert_contains(ask(&s, "show servers state"),
	    "\n3 b2 77 e 127.0.0.1 2 0 1 1 2 1 0 2 0 0 0 1 localhost 21752 - 0 0 - - 0");
	assert_contains(ask(&s, "show servers conn b3"),
	    "\nb3/a 4/1 127.0.0.1 21750 - 5000 0 0 0 0 0 0 0 -1 0 0");
	session_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_worded_as_scripts_expect),
		cmocka_unit_test(states_change_by_command),
		cmocka_unit_test(servers_state_has_the_columns_of_state_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
