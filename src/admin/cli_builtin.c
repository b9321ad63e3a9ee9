/* SPDX-License-Identifier: MIT */
/*
 * Commands that concern the admin connection itself, and the few about the process that need no other module.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli_impl.h"

#define TIMEOUT_MAX_MS (24ULL * 86400 * 1000)

static const char *const level_names[] = {
	[CLI_USER] = "user",
	[CLI_OPERATOR] = "operator",
	[CLI_ADMIN] = "admin",
};

/* All words from the first one on, with a space between. */
static void join_words(struct strbuf *out, char **words)
{
	for (char **w = words; **w; w++)
		strbuf_addf(out, "%s%s", w == words ? "" : " ", *w);
}

static void run_help(struct cli_call *call)
{
	struct strbuf filter = STRBUF_INIT;
	join_words(&filter, call->argv + 1);
	cli_help(call, strbuf_str(&filter));
	strbuf_done(&filter);
}

static void show_prompt_usage(struct cli_call *call)
{
	cli_ok(call,
	    "Usage: prompt [help | n | i | p | timed]*\n"
	    "  help   this text\n"
	    "  n      non-interactive: close after the commands of this line\n"
	    "  i      interactive: stay, no prompt\n"
	    "  p      interactive with a prompt\n"
	    "  timed  show the uptime in the prompt, or stop showing it\n"
	    "  Without an argument: to prompt mode, and from there to non-interactive mode.\n");
}

static bool set_prompt(struct cli_conn *c, const char *word)
{
	if (strcmp(word, "n") == 0)
		c->mode = CLI_MODE_ONCE;
	else if (strcmp(word, "i") == 0)
		c->mode = CLI_MODE_INTERACTIVE;
	else if (strcmp(word, "p") == 0)
		c->mode = CLI_MODE_PROMPT;
	else if (strcmp(word, "timed") == 0) {
		c->mode = CLI_MODE_PROMPT;
		c->timed = !c->timed;
	} else
		return false;
	return true;
}

static void run_prompt(struct cli_call *call)
{
	struct cli_conn *c = call->conn;
	if (call->argc == 1)
		c->mode = c->mode == CLI_MODE_PROMPT ? CLI_MODE_ONCE : CLI_MODE_PROMPT;
	for (int i = 1; i < call->argc; i++) {
		if (!set_prompt(c, call->argv[i])) {
			show_prompt_usage(call);
			return;
		}
	}
}

static void run_quit(struct cli_call *call)
{
	call->conn->quit = true;
}

static void run_operator(struct cli_call *call)
{
	call->conn->level = CLI_OPERATOR;
	call->conn->experimental = false;
}

static void run_user(struct cli_call *call)
{
	call->conn->level = CLI_USER;
	call->conn->experimental = false;
}

bool cli_need_experimental(struct cli_call *call)
{
	if (call->conn->experimental)
		return true;
	cli_err(call, "This command is restricted to experimental mode only.\n");
	return false;
}

static void run_experimental(struct cli_call *call)
{
	struct cli_conn *c = call->conn;
	if (strcmp(call->argv[1], "on") == 0)
		c->experimental = true;
	else if (strcmp(call->argv[1], "off") == 0)
		c->experimental = false;
	else
		cli_ok(call, "experimental-mode is %s\n", c->experimental ? "ON" : "OFF");
}

static void run_echo(struct cli_call *call)
{
	join_words(call->out, call->argv + 1);
	strbuf_addc(call->out, '\n');
}

static void run_show_version(struct cli_call *call)
{
	cli_ok(call, "%s\n", WEIR_VERSION);
}

static void run_show_cli_level(struct cli_call *call)
{
	cli_ok(call, "%s\n", level_names[call->level]);
}

static void add_unix_address(struct strbuf *out, const struct sockaddr_un *un, socklen_t len)
{
	size_t path_len = len - offsetof(struct sockaddr_un, sun_path);
	if (path_len && un->sun_path[0] == '\0')
		strbuf_addf(out, "abns@%.*s", (int)path_len - 1, un->sun_path + 1);
	else
		strbuf_addf(out, "unix@%.*s", (int)path_len, un->sun_path);
}

/* False for a family that is not shown. */
static bool add_address(struct strbuf *out, int fd)
{
	union {
		struct sockaddr_storage storage;
		struct sockaddr sa;
		struct sockaddr_un un;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} a;
	socklen_t len = sizeof(a);
	char text[INET6_ADDRSTRLEN];
	if (getsockname(fd, &a.sa, &len) < 0)
		return false;
	switch (a.sa.sa_family) {
	case AF_UNIX:
		add_unix_address(out, &a.un, len);
		return true;
	case AF_INET:
		inet_ntop(AF_INET, &a.in.sin_addr, text, sizeof(text));
		strbuf_addf(out, "ipv4@%s:%u", text, ntohs(a.in.sin_port));
		return true;
	case AF_INET6:
		inet_ntop(AF_INET6, &a.in6.sin6_addr, text, sizeof(text));
		strbuf_addf(out, "ipv6@[%s]:%u", text, ntohs(a.in6.sin6_port));
		return true;
	default:
		return false;
	}
}

static void run_show_cli_sockets(struct cli_call *call)
{
	strbuf_adds(call->out, "# socket lvl processes\n");
	list_for_each_entry (l, &call->cli->listeners, struct cli_listener, link) {
		if (add_address(call->out, l->fd))
			strbuf_addf(call->out, " %s all\n", level_names[l->opts.level]);
	}
}

static void run_show_env(struct cli_call *call)
{
	size_t name_len = strlen(call->argv[2]);
	for (char **e = environ; name_len == 0 && e && *e; e++)
		strbuf_addf(call->out, "%s\n", *e);
	if (name_len == 0)
		return;
	for (char **e = environ; e && *e; e++) {
		if (strncmp(*e, call->argv[2], name_len) == 0 && (*e)[name_len] == '=') {
			strbuf_addf(call->out, "%s\n", *e);
			return;
		}
	}
	cli_err(call, "Variable not found\n");
}

static void run_set_severity(struct cli_call *call)
{
	static const char *const names[] = {
		[CLI_SEVERITY_NONE] = "none",
		[CLI_SEVERITY_NUMBER] = "number",
		[CLI_SEVERITY_STRING] = "string",
	};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(call->argv[2], names[i]) == 0) {
			call->conn->severity = (uint8_t)i;
			return;
		}
	}
	cli_err(call, "one of 'none', 'number', 'string' is a required argument\n");
}

/* Seconds, or a number with one of the usual units; 0 when it is not one or out of range. */
static uint64_t parse_delay_ms(const char *word)
{
	static const struct {
		const char *unit;
		uint64_t ms;
	} units[] = {
		{ "", 1000 },
		{ "ms", 1 },
		{ "s", 1000 },
		{ "m", 60000 },
		{ "h", 3600000 },
		{ "d", 86400000 },
	};
	size_t digits = strspn(word, "0123456789");
	uint64_t value;
	if (slice_to_u64(slice_make(word, digits), TIMEOUT_MAX_MS, &value) < 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(word + digits, units[i].unit) == 0)
			return value * units[i].ms <= TIMEOUT_MAX_MS ? value * units[i].ms : 0;
	}
	return 0;
}

static void run_set_timeout(struct cli_call *call)
{
	struct cli_conn *c = call->conn;
	uint64_t ms;
	if (strcmp(call->argv[2], "cli") != 0) {
		cli_err(call, "'set timeout' only supports 'cli'.\n");
		return;
	}
	if (call->argc < 4) {
		cli_err(call, "Expects an integer value.\n");
		return;
	}
	ms = parse_delay_ms(call->argv[3]);
	if (ms == 0) {
		cli_err(call, "Invalid timeout value.\n");
		return;
	}
	c->timeout_ms = (uint32_t)ms;
	c->deadline_ms = worker_now_ms(call->worker) + ms;
	if (conn_is_open(&c->conn)) /* the timer may stand far out, at the old timeout */
		timer_arm_sooner(&call->worker->wheel, &c->timer, c->deadline_ms);
}

const struct cli_command cli_builtin_rows[] = {
	{ "echo", CLI_USER, run_echo, "<text>", "write the text into the output" },
	{ "experimental-mode", CLI_ADMIN, run_experimental, "[on|off]",
	    "allow commands that may change, on this connection" },
	{ "operator", CLI_OPERATOR, run_operator, NULL,
	    "lower this connection's level to operator" },
	{ "set severity-output", CLI_USER, run_set_severity, "[none|number|string]",
	    "choose how messages show their severity" },
	{ "set timeout", CLI_USER, run_set_timeout, "cli <delay>",
	    "change this connection's idle timeout (seconds)" },
	{ "show cli level", CLI_USER, run_show_cli_level, NULL, "show this connection's level" },
	{ "show cli sockets", CLI_USER, run_show_cli_sockets, NULL, "list the admin sockets" },
	{ "show env", CLI_OPERATOR, run_show_env, "[<name>]",
	    "show the process's environment variables, or one of them" },
	{ "show version", CLI_USER, run_show_version, NULL, "show the version of this process" },
	{ "user", CLI_USER, run_user, NULL, "lower this connection's level to user" },
	{ .name = NULL },
};

const struct cli_command cli_last_rows[] = {
	{ "help", CLI_USER, run_help, "[<command>]", "list all commands, or those that match" },
	{ "prompt", CLI_USER, run_prompt, "[help|n|i|p|timed]*",
	    "change the mode or show a prompt" },
	{ "quit", CLI_USER, run_quit, NULL, "close the connection" },
	{ .name = NULL },
};
