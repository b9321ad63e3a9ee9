/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of the admin socket: commands through cli_run(), and real connections to a worker that runs in a
 * thread of its own.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "weir/admin/cli.h"

#define BIG_SIZE (8 << 20)

static struct worker_group *group;
static struct cli *cli;
static struct strbuf out;

static void run_show_payload(struct cli_call *call)
{
	if (!call->payload.ptr) {
		cli_err(call, "no payload\n");
		return;
	}
	strbuf_addf(call->out, "%d %s[%.*s]", call->argc, call->argv[2], SLICE_ARG(call->payload));
}

static void run_show(struct cli_call *call)
{
	strbuf_adds(call->out, "short row\n");
}

static void run_show_big(struct cli_call *call)
{
	for (size_t i = 0; i < BIG_SIZE / 16; i++)
		strbuf_adds(call->out, "0123456789abcde\n");
}

static void run_set_secret(struct cli_call *call)
{
	assert_string_equal(call->argv[call->argc], "");
	assert_string_equal(call->argv[call->argc + 3], "");
	assert_string_equal(call->user, "the process");
	cli_ok(call, "set");
}

static const struct cli_command rows[] = {
	{ "show payload", CLI_USER, run_show_payload, "<word> <payload>", "repeat" },
	{ "show", CLI_USER, run_show, NULL, "short" },
	{ "show big", CLI_USER, run_show_big, NULL, "many bytes" },
	{ "set secret", CLI_ADMIN, run_set_secret, "<word>", "for admins" },
	{ .name = NULL },
};

static const struct cli_command *const tables[] = { rows, NULL };

static void set_up_with(struct cli_setup setup)
{
	group = worker_group_new(1, 32);
	assert_non_null(group);
	setup.tables = tables;
	setup.user = (void *)"the process";
	setup.worker = worker_get(group, 0);
	cli = cli_new(&setup);
	assert_non_null(cli);
}

static int set_up(void **state)
{
	(void)state;
	set_up_with((struct cli_setup){ .timeout_ms = 10000 });
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	cli_free(cli);
	worker_group_free(group);
	strbuf_done(&out);
	return 0;
}

static void expect(enum cli_level level, const char *line, const char *answer)
{
	strbuf_clear(&out);
	cli_run(cli, level, line, &out);
	assert_string_equal(strbuf_str(&out), answer);
}

static bool answers_with(const char *line, const char *part)
{
	strbuf_clear(&out);
	cli_run(cli, CLI_ADMIN, line, &out);
	return strstr(strbuf_str(&out), part) != NULL;
}

/* ---- commands ---- */

static void each_answer_ends_with_an_empty_line(void **state)
{
	(void)state;
	expect(CLI_ADMIN, "show version", WEIR_VERSION "\n\n");
	expect(CLI_ADMIN, "show version;echo a  b\\;;user", WEIR_VERSION "\n\na b;\n\n\n");
}

static void row_with_most_words_wins(void **state)
{
	(void)state;
	expect(CLI_USER, "show", "short row\n\n");
	expect(CLI_USER, "show other words", "short row\n\n");
	expect(CLI_USER, "show cli level", "user\n\n");
}

static void level_decides_who_may(void **state)
{
	(void)state;
	expect(CLI_ADMIN, "set secret x", "set\n\n");
	expect(CLI_OPERATOR, "set secret x", "Permission denied\n\n");
	expect(CLI_USER, "operator", "Permission denied\n\n");
	expect(CLI_USER, "show env PATH", "Permission denied\n\n");
	expect(CLI_ADMIN, "operator;show cli level;user;show cli level;operator;show env HOME",
	    "\noperator\n\n\nuser\n\nPermission denied\n\nPermission denied\n\n");
}

static void payload_goes_to_the_last_command_of_its_line(void **state)
{
	(void)state;
	expect(CLI_USER, "show payload x", "no payload\n\n");
	expect(CLI_USER, "show payload x;show payload y <<\na\nb\n\n",
	    "no payload\n\n3 y[a\nb\n]\n\n");
	expect(CLI_USER, "show payload z <<END\na\n\nEND\n", "3 z[a\n\n]\n\n");
	expect(CLI_USER, "show payload x <<\nnever ended\n", "");
}

static void severity_is_shown_as_asked_for(void **state)
{
	(void)state;
	expect(CLI_ADMIN, "set severity-output number;show env NONE_SUCH;show version;echo data",
	    "\n[3]: Variable not found\n\n[6]: " WEIR_VERSION "\n\ndata\n\n");
	expect(CLI_ADMIN, "set severity-output string;operator;set secret x",
	    "\n\n[err]: Permission denied\n\n");
	expect(CLI_ADMIN, "set severity-output loud",
	    "one of 'none', 'number', 'string' is a required argument\n\n");
}

static void unknown_command_gets_near_ones_or_all(void **state)
{
	(void)state;
	assert_true(answers_with("show versionx", "short row"));
	assert_true(answers_with("sho version", "maybe one of the following ones"));
	assert_true(answers_with("sho version", "\n  show version "));
	assert_false(answers_with("sho version", "\n  show env"));
	assert_true(answers_with("zzzz", "Please enter one of the following commands only:\n"));
	assert_true(answers_with("zzzz", "\n  show env "));
	assert_true(answers_with("", "Please enter one of"));
	assert_true(answers_with("\\show\\ version", "maybe one of"));
}

static void help_lists_what_matches_and_what_the_level_allows(void **state)
{
	(void)state;
	expect(CLI_USER, "help show cli",
	    "The following commands are valid at this level:\n"
	    "  show cli level                          : show this connection's level\n"
	    "  show cli sockets                        : list the admin sockets\n"
	    "  help [<command>]                        : list all commands, or those that match\n"
	    "  prompt [help|n|i|p|timed]*              : change the mode or show a prompt\n"
	    "  quit                                    : close the connection\n\n");
	assert_true(answers_with("help", "\n  set secret <word>  "));
	strbuf_clear(&out);
	cli_run(cli, CLI_USER, "help", &out);
	assert_null(strstr(out.ptr, "set secret"));
}

static void quit_stops_the_line_without_a_word(void **state)
{
	(void)state;
	expect(CLI_USER, "echo a;quit;echo b", "a\n\n");
}

static void env_shows_one_or_all(void **state)
{
	(void)state;
	setenv("WEIR_TEST_ENV", "a=b", 1);
	expect(CLI_OPERATOR, "show env WEIR_TEST_ENV", "WEIR_TEST_ENV=a=b\n\n");
	expect(CLI_OPERATOR, "show env WEIR_TEST_EN", "Variable not found\n\n");
	assert_true(answers_with("show env", "\nWEIR_TEST_ENV=a=b\n"));
}

static void timeout_takes_a_delay_and_nothing_else(void **state)
{
	(void)state;
	expect(CLI_USER, "set timeout cli 5;set timeout cli 2m", "\n\n");
	expect(CLI_USER, "set timeout", "'set timeout' only supports 'cli'.\n\n");
	expect(CLI_USER, "set timeout cli", "Expects an integer value.\n\n");
	expect(CLI_USER, "set timeout cli 0", "Invalid timeout value.\n\n");
	expect(CLI_USER, "set timeout cli 5x", "Invalid timeout value.\n\n");
	expect(CLI_USER, "set timeout cli 99999999999999999999", "Invalid timeout value.\n\n");
	expect(CLI_USER, "set timeout cli 999999999d", "Invalid timeout value.\n\n");
}

/* ---- connections ---- */

static struct sockaddr_un address;
static socklen_t address_len;
static pthread_t thread;

static void *serve(void *arg)
{
	(void)arg;
	worker_group_run(group, NULL);
	return NULL;
}

/* Listens at an abstract address of the kernel's choice and runs the worker. */
static void start_serving(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(sa_family_t)), 0);
	address_len = sizeof(address);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &address_len), 0);
	assert_int_equal(listen(fd, 64), 0);
	assert_int_equal(cli_listen(cli, fd, &(struct cli_listen_opts){ .level = CLI_ADMIN }), 0);
	assert_int_equal(pthread_create(&thread, NULL, serve, NULL), 0);
}

static int tear_down_serving(void **state)
{
	worker_group_stop(group);
	pthread_join(thread, NULL);
	return tear_down(state);
}

static int set_up_serving(void **state)
{
	set_up(state);
	start_serving();
	return 0;
}

static int dial(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, address_len), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	size_t len = strlen(text);
	assert_int_equal(send(fd, text, len, MSG_NOSIGNAL), len);
}

/* Reads exactly the text. */
static void hear(int fd, const char *text)
{
	char got[4096] = "";
	size_t len = strlen(text), n = 0;
	while (n < len) {
		ssize_t r = recv(fd, got + n, len - n, 0);
		assert_true(r > 0);
		n += (size_t)r;
	}
	assert_string_equal(got, text);
}

static void hear_end(int fd)
{
	char c;
	assert_int_equal(recv(fd, &c, 1, 0), 0);
	close(fd);
}

static void non_interactive_connection_closes_after_its_line(void **state)
{
	(void)state;
	int fd = dial();
	say(fd, "echo a;echo b\n");
	hear(fd, "a\n\nb\n\n");
	hear_end(fd);
}

static void answer_is_whole_though_more_input_was_sent(void **state)
{
	(void)state;
	int fd = dial();
	say(fd, "echo a\necho ignored\n");
	hear(fd, "a\n\n");
	hear_end(fd);
}

static void last_line_may_lack_its_newline(void **state)
{
	(void)state;
	int fd = dial();
	say(fd, "echo a");
	shutdown(fd, SHUT_WR);
	hear(fd, "a\n\n");
	hear_end(fd);
}

static void prompt_cycles_and_interactive_mode_stays(void **state)
{
	(void)state;
	int fd = dial();
	say(fd, "prompt\n");
	hear(fd, "\n> ");
	say(fd, "echo a;echo b\n");
	hear(fd, "a\n\n> b\n\n> ");
	say(fd, "prompt i\n");
	hear(fd, "\n");
	say(fd, "echo a\n");
	hear(fd, "a\n\n");
	say(fd, "prompt p;prompt timed\n");
	hear(fd, "\n> \n[0:00:00:0");
	char rest[4];
	assert_int_equal(recv(fd, rest, 4, MSG_WAITALL), 4);
	assert_memory_equal(rest + 1, "]> ", 3);
	say(fd, "prompt;echo last\n");
	hear(fd, "\nlast\n\n");
	hear_end(fd);
}

static void payload_lines_are_prompted_for(void **state)
{
	(void)state;
	int fd = dial();
	say(fd, "prompt\n");
	hear(fd, "\n> ");
	say(fd, "show payload x <<\n");
	hear(fd, "+ ");
	say(fd, "one\n");
	hear(fd, "+ ");
	say(fd, "\n");
	hear(fd, "3 x[one\n]\n\n> ");
	say(fd, "quit\n");
	hear_end(fd);
}

static void input_may_come_byte_by_byte(void **state)
{
	static const char input[] = "prompt i;echo a\nshow payload x <<E\nl\nE\necho b\nquit\n";
	(void)state;
	int fd = dial();
	for (const char *p = input; *p; p++)
		assert_int_equal(send(fd, p, 1, MSG_NOSIGNAL), 1);
	hear(fd, "\na\n\n3 x[l\n]\n\nb\n\n");
	hear_end(fd);
}

static void pipelined_lines_all_run_in_order(void **state)
{
	struct strbuf in = STRBUF_INIT, want = STRBUF_INIT;
	(void)state;
	strbuf_adds(&in, "prompt i\n");
	strbuf_adds(&want, "\n");
	for (unsigned i = 0; i < 100; i++) {
		strbuf_addf(&in, "echo %u;echo x\n", i);
		strbuf_addf(&want, "%u\n\nx\n\n", i);
	}
	strbuf_adds(&in, "quit\n");
	int fd = dial();
	say(fd, in.ptr);
	hear(fd, want.ptr);
	hear_end(fd);
	strbuf_done(&in);
	strbuf_done(&want);
}

static void slow_reader_gets_all_megabytes(void **state)
{
	char buf[100000];
	size_t total = 0;
	(void)state;
	int fd = dial();
	say(fd, "show big;echo end\n");
	for (;;) {
		ssize_t n = recv(fd, buf, sizeof(buf), 0);
		assert_true(n >= 0);
		if (n == 0)
			break;
		for (ssize_t i = 0; i < n && total + (size_t)i < BIG_SIZE; i += 1000) {
			char want = "0123456789abcde\n"[(total + (size_t)i) % 16];
			assert_int_equal(buf[i], want);
		}
		total += (size_t)n;
	}
	assert_int_equal(total, BIG_SIZE + strlen("\nend\n\n"));
	close(fd);
}

static void client_that_vanishes_harms_nobody(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		int fd = dial();
		say(fd, "show big;show big\n");
		char c;
		assert_int_equal(recv(fd, &c, 1, 0), 1);
		close(fd);
		close(dial());
	}
	int fd = dial();
	say(fd, "echo alive\n");
	hear(fd, "alive\n\n");
	hear_end(fd);
}

static void overlong_line_is_refused(void **state)
{
	char line[20000];
	(void)state;
	memset(line, 'a', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	int fd = dial();
	say(fd, line);
	hear(fd, "The command line is too long.\n\n");
	hear_end(fd);
}

static void overlong_payload_is_refused(void **state)
{
	char line[1000];
	(void)state;
	int fd = dial();
	say(fd, "show payload x <<\n");
	memset(line, 'a', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	for (unsigned i = 0; i < 140; i++)
		send(fd, line, sizeof(line) - 1, MSG_NOSIGNAL);
	hear(fd, "The payload is too large, see tune.cli.max-payload-size.\n\n");
	hear_end(fd);
}

static void sockets_are_listed(void **state)
{
	(void)state;
	int fd = dial();
	char want[200];
	say(fd, "show cli sockets\n");
	snprintf(want, sizeof(want), "# socket lvl processes\nabns@%.*s admin all\n\n",
	    (int)(address_len - offsetof(struct sockaddr_un, sun_path) - 1), address.sun_path + 1);
	hear(fd, want);
	hear_end(fd);
}

static int set_up_small(void **state)
{
	(void)state;
	set_up_with((struct cli_setup){ .timeout_ms = 500, .maxconn = 2 });
	start_serving();
	return 0;
}

static void clients_beyond_maxconn_wait_for_a_place(void **state)
{
	struct pollfd p;
	(void)state;
	int a = dial(), b = dial(), c = dial();
	say(a, "prompt i;set timeout cli 20\n");
	hear(a, "\n\n");
	say(b, "prompt i;set timeout cli 20\n");
	hear(b, "\n\n");
	say(c, "echo c\n");
	p = (struct pollfd){ .fd = c, .events = POLLIN };
	assert_int_equal(poll(&p, 1, 300), 0);
	say(a, "quit\n");
	hear_end(a);
	hear(c, "c\n\n");
	hear_end(c);
	close(b);
}

static void idle_connection_is_closed_and_activity_keeps_it(void **state)
{
	(void)state;
	int fd = dial();
	say(fd, "prompt i\n");
	hear(fd, "\n");
	for (unsigned i = 0; i < 5; i++) {
		poll(NULL, 0, 150);
		say(fd, "echo a\n");
		hear(fd, "a\n\n");
	}
	hear_end(fd);
}

static void adopted_connection_has_the_level_given(void **state)
{
	int pair[2];
	(void)state;
	set_up_with((struct cli_setup){ .prompt_name = "node1", .timeout_ms = 10000 });
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(cli_adopt(cli, pair[0], CLI_OPERATOR), 0);
	assert_int_equal(pthread_create(&thread, NULL, serve, NULL), 0);
	say(pair[1], "prompt;show cli level\n");
	hear(pair[1], "\nnode1> operator\n\nnode1> ");
	close(pair[1]);
	tear_down_serving(state);
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, set_up_serving, tear_down_serving)
#define SMALL(test)  cmocka_unit_test_setup_teardown(test, set_up_small, tear_down_serving)
#define PLAIN(test)  cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAIN(each_answer_ends_with_an_empty_line),
		PLAIN(row_with_most_words_wins),
		PLAIN(level_decides_who_may),
		PLAIN(payload_goes_to_the_last_command_of_its_line),
		PLAIN(severity_is_shown_as_asked_for),
		PLAIN(unknown_command_gets_near_ones_or_all),
		PLAIN(help_lists_what_matches_and_what_the_level_allows),
		PLAIN(quit_stops_the_line_without_a_word),
		PLAIN(env_shows_one_or_all),
		PLAIN(timeout_takes_a_delay_and_nothing_else),
		SERVED(non_interactive_connection_closes_after_its_line),
		SERVED(answer_is_whole_though_more_input_was_sent),
		SERVED(last_line_may_lack_its_newline),
		SERVED(prompt_cycles_and_interactive_mode_stays),
		SERVED(payload_lines_are_prompted_for),
		SERVED(input_may_come_byte_by_byte),
		SERVED(pipelined_lines_all_run_in_order),
		SERVED(slow_reader_gets_all_megabytes),
		SERVED(client_that_vanishes_harms_nobody),
		SERVED(overlong_line_is_refused),
		SERVED(overlong_payload_is_refused),
		SERVED(sockets_are_listed),
		SMALL(clients_beyond_maxconn_wait_for_a_place),
		SMALL(idle_connection_is_closed_and_activity_keeps_it),
		cmocka_unit_test(adopted_connection_has_the_level_given),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
