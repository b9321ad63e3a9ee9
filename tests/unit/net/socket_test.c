/* SPDX-License-Identifier: MIT */
/* Unit tests of listeners and connections, over loopback, unix paths, abstract names and a namespace. */
#include <setjmp.h>
#include <stdarg.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "weir/net/socket.h"

static const struct net_listen_opts plain_listen = { .uid = -1, .gid = -1 };
static const struct net_connect_opts plain_connect = { .tos = -1 };

static char dir[] = "/tmp/weir-net-XXXXXX"; /* for unix sockets; made by the group's setup */
static char err[256];

static struct net_addr address(const char *text)
{
	struct net_spec spec;
	if (net_spec_parse(slice_str(text), NET_ALLOW_UNIX, &spec, err, sizeof(err)) < 0)
		fail_msg("%s", err);
	return spec.addr;
}

static struct net_addr in_dir(const char *name)
{
	char path[100];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return address(path);
}

/* The address a listener on port 0 got. */
static struct net_addr bound_to(int fd)
{
	struct net_peer p;
	struct net_addr a;
	assert_int_equal(net_local_peer(fd, &p), 0);
	net_addr_from_peer(&a, &p);
	return a;
}

static int must_listen(const struct net_addr *addr, const struct net_listen_opts *opts)
{
	int fd = net_listen(addr, opts, err, sizeof(err));
	if (fd < 0)
		fail_msg("%s", err);
	return fd;
}

static int must_connect(const struct net_addr *to, const struct net_connect_opts *opts)
{
	int fd = -1;
	int r = net_connect(to, opts, &fd);
	if (r < 0)
		fail_msg("connect: %s", strerror(-r));
	if (r == 1) {
		struct pollfd pfd = { .fd = fd, .events = POLLOUT };
		assert_int_equal(poll(&pfd, 1, 5000), 1);
	}
	assert_int_equal(net_socket_error(fd), 0);
	return fd;
}

static int must_accept(int listener, struct net_peer *ret_peer)
{
	struct pollfd pfd = { .fd = listener, .events = POLLIN };
	assert_int_equal(poll(&pfd, 1, 5000), 1);
	int fd = net_accept(listener, ret_peer);
	if (fd < 0)
		fail_msg("accept: %s", strerror(-fd));
	return fd;
}

static int int_option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);
	assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
	return value;
}

static void assert_ready_for_workers(int fd)
{
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

static void assert_talk(int a, int b)
{
	char got[4] = "";
	struct pollfd pfd = { .fd = b, .events = POLLIN };
	assert_int_equal(send(a, "ping", 4, MSG_NOSIGNAL), 4);
	assert_int_equal(poll(&pfd, 1, 5000), 1);
	assert_int_equal(recv(b, got, 4, 0), 4);
	assert_memory_equal(got, "ping", 4);
}

static void assert_connection_works(const struct net_addr *addr, const struct net_listen_opts *o)
{
	struct net_peer peer, local;
	int listener = must_listen(addr, o);
	struct net_addr to = addr->sa.sa_family == AF_UNIX ? *addr : bound_to(listener);
	int client = must_connect(&to, &plain_connect);
	int server = must_accept(listener, &peer);
	assert_ready_for_workers(listener);
	assert_ready_for_workers(client);
	assert_ready_for_workers(server);
	assert_int_equal(peer.sa.sa_family, addr->sa.sa_family);
	assert_int_equal(net_local_peer(client, &local), 0);
	assert_int_equal(net_peer_port(&peer), net_peer_port(&local));
	assert_talk(client, server);
	assert_talk(server, client);
	assert_int_equal(net_accept(listener, &peer), -EAGAIN);
	close(client);
	close(server);
	close(listener);
}

static void every_family_listens_and_connects(void **state)
{
	static const char *const texts[] = { "127.0.0.1", "[::1]", "abns@weir-net-test",
		"abnsz@weir-net-test" };
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct net_addr a = address(texts[i]);
		assert_connection_works(&a, &plain_listen);
	}
	struct net_addr path = in_dir("plain");
	assert_connection_works(&path, &plain_listen);
}

static void a_taken_port_is_named_in_the_error(void **state)
{
	struct net_addr any = address("127.0.0.1");
	int first = must_listen(&any, &plain_listen);
	struct net_addr taken = bound_to(first);
	char want[256], text[NET_ADDR_TEXT];
	snprintf(want, sizeof(want), "cannot bind to %s: Address already in use",
	    net_addr_text_port(&taken, text));
	assert_int_equal(net_listen(&taken, &plain_listen, err, sizeof(err)), -EADDRINUSE);
	assert_string_equal(err, want);
	close(first);
}

static void reuseport_lets_every_worker_have_a_socket(void **state)
{
	struct net_listen_opts o = plain_listen;
	o.reuseport = true;
	struct net_addr any = address("127.0.0.1");
	int first = must_listen(&any, &o);
	struct net_addr same = bound_to(first);
	int second = must_listen(&same, &o);
	close(first);
	close(second);
}

static void accepted_sockets_inherit_the_options(void **state)
{
	struct net_listen_opts o = plain_listen;
	struct net_peer peer;
	o.keepalive = true;
	o.ka_idle_s = 11;
	o.ka_intvl_s = 12;
	o.ka_count = 3;
	o.tcp_ut_ms = 7000;
	o.mss = 1000;
	o.nolinger = true;
	o.tfo = true;
	struct net_addr any = address("127.0.0.1");
	int listener = must_listen(&any, &o);
	struct net_addr to = bound_to(listener);
	int client = must_connect(&to, &plain_connect);
	int server = must_accept(listener, &peer);
	struct linger linger;
	socklen_t len = sizeof(linger);
	assert_int_equal(int_option(server, SOL_SOCKET, SO_KEEPALIVE), 1);
	assert_int_equal(int_option(server, IPPROTO_TCP, TCP_KEEPIDLE), 11);
	assert_int_equal(int_option(server, IPPROTO_TCP, TCP_KEEPINTVL), 12);
	assert_int_equal(int_option(server, IPPROTO_TCP, TCP_KEEPCNT), 3);
	assert_int_equal(int_option(server, IPPROTO_TCP, TCP_USER_TIMEOUT), 7000);
	assert_int_equal(int_option(server, IPPROTO_TCP, TCP_NODELAY), 1);
	assert_in_range(int_option(client, IPPROTO_TCP, TCP_MAXSEG), 900, 1000);
	assert_int_equal(getsockopt(server, SOL_SOCKET, SO_LINGER, &linger, &len), 0);
	assert_int_equal(linger.l_onoff, 1);
	assert_int_equal(linger.l_linger, 0);
	close(client);
	close(server);
	close(listener);
}

static void deferred_accept_waits_for_data(void **state)
{
	struct net_listen_opts o = plain_listen;
	struct net_peer peer;
	o.defer_accept = true;
	struct net_addr any = address("127.0.0.1");
	int listener = must_listen(&any, &o);
	struct net_addr to = bound_to(listener);
	int client = must_connect(&to, &plain_connect);
	assert_int_equal(net_accept(listener, &peer), -EAGAIN);
	assert_int_equal(send(client, "x", 1, 0), 1);
	int server = must_accept(listener, &peer);
	close(client);
	close(server);
	close(listener);
}

static void v4v6_takes_both_families_and_v6only_wins_over_it(void **state)
{
	struct net_listen_opts o = plain_listen;
	struct net_peer peer;
	char text[NET_ADDR_TEXT];
	int fd = -1;
	o.v4v6 = true;
	struct net_addr any = address("[::]");
	int both = must_listen(&any, &o);
	struct net_addr to = address("127.0.0.1");
	struct net_addr bound = bound_to(both);
	net_addr_set_port(&to, net_addr_port(&bound));
	int client = must_connect(&to, &plain_connect);
	int server = must_accept(both, &peer);
	assert_string_equal(net_peer_text(&peer, text), "::ffff:127.0.0.1");
	close(client);
	close(server);
	close(both);
	o.v6only = true;
	int only6 = must_listen(&any, &o);
	bound = bound_to(only6);
	net_addr_set_port(&to, net_addr_port(&bound));
	int r = net_connect(&to, &plain_connect, &fd);
	if (r == 1) {
		struct pollfd pfd = { .fd = fd, .events = POLLOUT };
		assert_int_equal(poll(&pfd, 1, 5000), 1);
		r = -net_socket_error(fd);
		close(fd);
	}
	assert_int_equal(r, -ECONNREFUSED);
	close(only6);
}

static void a_foreign_address_needs_transparent_mode(void **state)
{
	struct net_listen_opts o = plain_listen;
	struct net_addr foreign = address("192.0.2.77");
	assert_int_equal(net_listen(&foreign, &o, err, sizeof(err)), -EADDRNOTAVAIL);
	assert_string_equal(err, "cannot bind to 192.0.2.77:0: Cannot assign requested address");
	o.transparent = true;
	close(must_listen(&foreign, &o));
}

static void a_missing_interface_is_an_error(void **state)
{
	struct net_listen_opts o = plain_listen;
	struct net_connect_opts c = plain_connect;
	struct net_addr any = address("127.0.0.1");
	int fd = -1;
	o.interface = c.interface = "nosuchif0";
	int r = net_listen(&any, &o, err, sizeof(err));
	if (r == -EPERM)
		skip();
	assert_int_equal(r, -ENODEV);
	assert_string_equal(err, "cannot set the interface of 127.0.0.1:0: No such device");
	assert_int_equal(net_connect(&any, &c, &fd), -ENODEV);
	o.interface = "lo";
	close(must_listen(&any, &o));
}

static void a_unix_socket_replaces_the_old_one_without_a_gap(void **state)
{
	struct net_addr path = in_dir("replaced");
	struct net_peer peer;
	struct net_listen_opts o = plain_listen;
	struct stat st;
	o.mode = 0600;
	o.uid = (int)getuid();
	o.gid = (int)getgid();
	int old = must_listen(&path, &o);
	int early = must_connect(&path, &plain_connect);
	int new = must_listen(&path, &o);
	int late = must_connect(&path, &plain_connect);
	int on_old = must_accept(old, &peer), on_new = must_accept(new, &peer);
	assert_talk(early, on_old);
	assert_talk(late, on_new);
	assert_int_equal(stat(path.un.sun_path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	const int fds[] = { old, new, early, late, on_old, on_new };
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
}

static void a_file_that_is_no_socket_is_kept(void **state)
{
	struct net_addr path = in_dir("precious");
	int file = open(path.un.sun_path, O_CREAT | O_WRONLY, 0600);
	assert_true(file >= 0);
	close(file);
	assert_int_equal(net_listen(&path, &plain_listen, err, sizeof(err)), -EEXIST);
	assert_non_null(strstr(err, "precious"));
	assert_int_equal(access(path.un.sun_path, F_OK), 0);
}

static void failed_unix_listeners_leave_nothing_behind(void **state)
{
	struct net_addr path = in_dir("missing/socket");
	assert_int_equal(net_listen(&path, &plain_listen, err, sizeof(err)), -ENOENT);
	assert_non_null(strstr(err, "cannot bind to"));
	if (getuid() == 0)
		return; /* root may give a socket to anybody */
	struct net_listen_opts o = plain_listen;
	o.uid = 0;
	path = in_dir("not-mine");
	assert_int_equal(net_listen(&path, &o, err, sizeof(err)), -EPERM);
}

static void inherited_descriptors_are_taken_over(void **state)
{
	struct net_addr any = address("127.0.0.1");
	struct net_peer peer;
	int raw = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(raw, &any.sa, any.len), 0);
	assert_int_equal(net_listen_fd(raw, &plain_listen, err, sizeof(err)), raw);
	assert_ready_for_workers(raw);
	/* again, now that it listens */
	assert_int_equal(net_listen_fd(raw, &plain_listen, err, sizeof(err)), raw);
	struct net_addr to = bound_to(raw);
	int client = must_connect(&to, &plain_connect);
	close(must_accept(raw, &peer));
	close(client);
	close(raw);
	assert_int_equal(net_listen_fd(raw, &plain_listen, err, sizeof(err)), -EBADF);
	int udp = socket(AF_INET, SOCK_DGRAM, 0);
	char want[64];
	snprintf(want, sizeof(want),
	    "cannot listen on file descriptor %d: Socket type not supported", udp);
	assert_int_equal(net_listen_fd(udp, &plain_listen, err, sizeof(err)), -ESOCKTNOSUPPORT);
	assert_string_equal(err, want);
	close(udp);
}

static void a_connection_comes_from_the_source_given(void **state)
{
	struct net_addr any = address("127.0.0.1"), source = address("127.0.0.9");
	struct net_connect_opts c = plain_connect;
	struct net_peer peer;
	char text[NET_ADDR_TEXT];
	int listener = must_listen(&any, &plain_listen);
	struct net_addr to = bound_to(listener);
	c.source = &source;
	int client = must_connect(&to, &c);
	int server = must_accept(listener, &peer);
	assert_string_equal(net_peer_text(&peer, text), "127.0.0.9");
	assert_true(net_peer_port(&peer) > 0);
	close(client);
	close(server);
	struct net_addr foreign = address("192.0.2.77");
	c.source = &foreign;
	assert_int_equal(net_connect(&to, &c, &client), -EADDRNOTAVAIL);
	close(listener);
}

static void a_source_port_range_is_used_up_and_then_refused(void **state)
{
	enum { LOW = 21100, PORTS = 4 };
	struct net_addr any = address("127.0.0.1"), source = address("127.0.0.8");
	struct net_connect_opts c = plain_connect;
	struct net_peer peer;
	int clients[PORTS], servers[PORTS], extra = -1;
	unsigned seen = 0;
	struct net_listen_opts o = plain_listen;
	o.nolinger = true; /* no TIME_WAIT stays behind for the next run */
	int listener = must_listen(&any, &o);
	struct net_addr to = bound_to(listener);
	c.source = &source;
	c.source_port_low = LOW;
	c.source_port_high = LOW + PORTS - 1;
	c.nolinger = true;
	for (int i = 0; i < PORTS; i++) {
		clients[i] = must_connect(&to, &c);
		servers[i] = must_accept(listener, &peer);
		assert_in_range(net_peer_port(&peer), LOW, LOW + PORTS - 1);
		seen |= 1u << (net_peer_port(&peer) - LOW);
	}
	assert_int_equal(seen, (1u << PORTS) - 1);
	assert_int_equal(net_connect(&to, &c, &extra), -EADDRNOTAVAIL);
	close(clients[1]);
	close(servers[1]);
	close(must_connect(&to, &c));
	for (int i = 0; i < PORTS; i++) {
		if (i == 1)
			continue;
		close(clients[i]);
		close(servers[i]);
	}
	close(listener);
}

static void outgoing_options_reach_the_socket(void **state)
{
	struct net_addr any = address("127.0.0.1");
	struct net_connect_opts c = plain_connect;
	int listener = must_listen(&any, &plain_listen);
	struct net_addr to = bound_to(listener);
	c.keepalive = true;
	c.ka_idle_s = 21;
	c.tcp_ut_ms = 3000;
	c.tos = 0x20;
	c.smart_connect = true;
	int client = must_connect(&to, &c);
	assert_int_equal(int_option(client, SOL_SOCKET, SO_KEEPALIVE), 1);
	assert_int_equal(int_option(client, IPPROTO_TCP, TCP_KEEPIDLE), 21);
	assert_int_equal(int_option(client, IPPROTO_TCP, TCP_USER_TIMEOUT), 3000);
	assert_int_equal(int_option(client, IPPROTO_IP, IP_TOS), 0x20);
	assert_int_equal(int_option(client, IPPROTO_TCP, TCP_NODELAY), 1);
	net_set_tos(client, AF_INET, 0x10);
	assert_int_equal(int_option(client, IPPROTO_IP, IP_TOS), 0x10);
	net_set_nodelay(client, false);
	assert_int_equal(int_option(client, IPPROTO_TCP, TCP_NODELAY), 0);
	net_set_cork(client, true);
	assert_int_equal(int_option(client, IPPROTO_TCP, TCP_CORK), 1);
	close(client);
	close(listener);
}

static void refused_connections_report_it(void **state)
{
	struct net_addr any = address("127.0.0.1"), path = in_dir("nobody");
	int fd = -1;
	int listener = must_listen(&any, &plain_listen);
	struct net_addr to = bound_to(listener);
	close(listener);
	int r = net_connect(&to, &plain_connect, &fd);
	if (r == 1) {
		struct pollfd pfd = { .fd = fd, .events = POLLOUT };
		assert_int_equal(poll(&pfd, 1, 5000), 1);
		r = -net_socket_error(fd);
		close(fd);
	}
	assert_int_equal(r, -ECONNREFUSED);
	assert_int_equal(net_connect(&path, &plain_connect, &fd), -ENOENT);
}

static void nolinger_resets_the_other_end(void **state)
{
	struct net_addr any = address("127.0.0.1");
	struct net_peer peer;
	char byte;
	int listener = must_listen(&any, &plain_listen);
	struct net_addr to = bound_to(listener);
	int client = must_connect(&to, &plain_connect);
	int server = must_accept(listener, &peer);
	net_set_nolinger(server);
	close(server);
	struct pollfd pfd = { .fd = client, .events = POLLIN };
	assert_int_equal(poll(&pfd, 1, 5000), 1);
	assert_int_equal(recv(client, &byte, 1, 0), -1);
	assert_int_equal(errno, ECONNRESET);
	close(client);
	close(listener);
}

static void running_out_of_descriptors_is_reported(void **state)
{
	struct net_addr any = address("127.0.0.1");
	struct net_peer peer;
	int listener = must_listen(&any, &plain_listen);
	struct net_addr to = bound_to(listener);
	int client = must_connect(&to, &plain_connect);
	int fds[1024], n = 0;
	struct rlimit old, low;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	low = old;
	low.rlim_cur = 64;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	while (n < 1024 && (fds[n] = dup(client)) >= 0)
		n++;
	int r = net_accept(listener, &peer);
	int c = net_connect(&to, &plain_connect, &(int){ -1 });
	while (n)
		close(fds[--n]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(r, -EMFILE);
	assert_int_equal(c, -EMFILE);
	close(must_accept(listener, &peer));
	close(client);
	close(listener);
}

static void original_destination_needs_a_redirect(void **state)
{
	struct net_addr path = in_dir("redirect");
	struct net_peer dst;
	int listener = must_listen(&path, &plain_listen);
	assert_int_equal(net_original_dst(listener, &dst), -EAFNOSUPPORT);
	assert_true(net_original_dst(-1, &dst) < 0);
	close(listener);
}

static void socks4_speaks_as_its_memo_says(void **state)
{
	struct net_addr to = address("10.1.2.3"), v6 = address("[::1]");
	static const char granted[8] = { 0, 90 }, refused[8] = { 0, 91 };
	char out[64];
	net_addr_set_port(&to, 8080);
	assert_int_equal(net_socks4_write(&to, out), 13);
	assert_memory_equal(out, "\x04\x01\x1f\x90\x0a\x01\x02\x03weir", 13);
	assert_int_equal(net_socks4_write(&v6, out), 0);
	for (size_t split = 0; split < 8; split++)
		assert_int_equal(net_socks4_answer(granted, split), 0);
	assert_int_equal(net_socks4_answer(granted, 8), 1);
	assert_int_equal(net_socks4_answer(refused, 1), 0);
	assert_int_equal(net_socks4_answer(refused, 2), -ECONNREFUSED);
	assert_int_equal(net_socks4_answer("HTTP", 4), -ECONNREFUSED);
}

static void namespaces_are_named_safely(void **state)
{
	assert_int_equal(net_netns_open("no-such-namespace"), -ENOENT);
	assert_int_equal(net_netns_open("../../etc/passwd"), -EINVAL);
	assert_int_equal(net_netns_open(""), -EINVAL);
}

/* In a child with a mount namespace of its own, so that nothing of it remains: 0 when all is well. */
static int try_namespace(void)
{
	struct net_listen_opts o = plain_listen;
	struct net_addr foreign = address("127.0.0.1");
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", "/run", "tmpfs", 0, NULL) < 0 || mkdir("/run/netns", 0755) < 0)
		return 77;
	int home = open("/proc/self/ns/net", O_RDONLY);
	close(open("/run/netns/blue", O_CREAT | O_RDONLY, 0600));
	if (home < 0 || unshare(CLONE_NEWNET) < 0 ||
	    mount("/proc/self/ns/net", "/run/netns/blue", NULL, MS_BIND, NULL) < 0 ||
	    setns(home, CLONE_NEWNET) < 0)
		return 77;
	o.netns = "blue";
	if (net_netns_open("blue") < 0 || umount2("/run/netns/blue", MNT_DETACH) < 0)
		return 1;
	int here = net_listen(&foreign, &plain_listen, err, sizeof(err));
	struct net_addr taken = bound_to(here);
	/* the same port is free over there, and its name is not needed any more */
	int there = net_listen(&taken, &o, err, sizeof(err));
	if (here < 0 || there < 0)
		return 2;
	struct net_connect_opts c = plain_connect;
	int fd = -1;
	c.netns = "blue";
	/* its loopback is down: another network than ours */
	if (net_connect(&taken, &c, &fd) >= 0)
		return 3;
	if (net_connect(&taken, &plain_connect, &fd) < 0)
		return 4;
	return 0;
}

static void sockets_are_made_in_the_namespace_named(void **state)
{
	int status;
	if (getuid() != 0)
		skip();
	pid_t pid = fork();
	if (pid == 0)
		_exit(try_namespace());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int make_dir(void **state)
{
	return mkdtemp(dir) ? 0 : -1;
}

/* Also the proof that no listener left its temporary name behind. */
static int remove_dir(void **state)
{
	static const char *const names[] = { "plain", "replaced", "precious", "redirect" };
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct net_addr path = in_dir(names[i]);
		unlink(path.un.sun_path);
	}
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_family_listens_and_connects),
		cmocka_unit_test(a_taken_port_is_named_in_the_error),
		cmocka_unit_test(reuseport_lets_every_worker_have_a_socket),
		cmocka_unit_test(accepted_sockets_inherit_the_options),
		cmocka_unit_test(deferred_accept_waits_for_data),
		cmocka_unit_test(v4v6_takes_both_families_and_v6only_wins_over_it),
		cmocka_unit_test(a_foreign_address_needs_transparent_mode),
		cmocka_unit_test(a_missing_interface_is_an_error),
		cmocka_unit_test(a_unix_socket_replaces_the_old_one_without_a_gap),
		cmocka_unit_test(a_file_that_is_no_socket_is_kept),
		cmocka_unit_test(failed_unix_listeners_leave_nothing_behind),
		cmocka_unit_test(inherited_descriptors_are_taken_over),
		cmocka_unit_test(a_connection_comes_from_the_source_given),
		cmocka_unit_test(a_source_port_range_is_used_up_and_then_refused),
		cmocka_unit_test(outgoing_options_reach_the_socket),
		cmocka_unit_test(refused_connections_report_it),
		cmocka_unit_test(nolinger_resets_the_other_end),
		cmocka_unit_test(running_out_of_descriptors_is_reported),
		cmocka_unit_test(original_destination_needs_a_redirect),
		cmocka_unit_test(socks4_speaks_as_its_memo_says),
		cmocka_unit_test(namespaces_are_named_safely),
		cmocka_unit_test(sockets_are_made_in_the_namespace_named),
	};
	return cmocka_run_group_tests_name("net/socket", tests, make_dir, remove_dir);
}
