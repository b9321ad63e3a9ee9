/* SPDX-License-Identifier: MIT */
/*
 * Listening sockets. Options that accepted sockets inherit are set here once, so that accepting costs one
 * system call. Runs while a configuration is loaded; the caller owns the descriptor returned.
 */
#include "sockopt.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir/net/socket.h"

/* Seconds the kernel waits for the first data of a connection before it shows it without ("defer-accept"). */
#define DEFER_ACCEPT_S 60

struct errbuf {
	char *text;
	size_t size;
	const char *where; /* the address */
};

/* "cannot <what> <address>: <reason>"; returns r. */
static int fail(struct errbuf *e, int r, const char *what)
{
	snprintf(e->text, e->size, "cannot %s %s: %s", what, e->where, strerror(-r));
	return r;
}

static int fail_option(struct errbuf *e, int r, const char *option)
{
	snprintf(e->text, e->size, "cannot set the %s of %s: %s", option, e->where, strerror(-r));
	return r;
}

static int backlog_of(const struct net_listen_opts *o)
{
	return o->backlog > 0 ? o->backlog : SOMAXCONN;
}

/* What an accepted socket inherits, and what only the listener has. */
static int set_inherited(int fd, int family, const struct net_listen_opts *o, struct errbuf *e)
{
	struct net_tcp_opts tcp = {
		.mss = o->mss,
		.save_syn = o->save_syn,
		.tcp_ut_ms = o->tcp_ut_ms,
		.cc = o->cc,
		.rcvbuf = o->rcvbuf,
		.sndbuf = o->sndbuf,
		.keepalive = o->keepalive,
		.ka_idle_s = o->ka_idle_s,
		.ka_intvl_s = o->ka_intvl_s,
		.ka_count = o->ka_count,
		.nolinger = o->nolinger,
	};
	const char *what;
	int r = net_set_tcp_opts(fd, family, &tcp, &what);
	if (r < 0)
		return fail_option(e, r, what);
	if (!net_is_ip(family))
		return 0;
	if (o->defer_accept &&
	    (r = net_set_int(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, DEFER_ACCEPT_S)) < 0)
		return fail_option(e, r, "deferred accept");
	if (o->tfo && (r = net_set_int(fd, IPPROTO_TCP, TCP_FASTOPEN, backlog_of(o))) < 0)
		return fail_option(e, r, "fast open");
	return 0;
}

/* What must be set before bind(). */
static int set_bind_opts(int fd, int family, const struct net_listen_opts *o, struct errbuf *e)
{
	int r;
	if ((r = net_set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1)) < 0)
		return fail_option(e, r, "address reuse");
	if (o->reuseport && (r = net_set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1)) < 0)
		return fail_option(e, r, "port reuse");
	if (o->interface && (r = net_bind_device(fd, o->interface)) < 0)
		return fail_option(e, r, "interface");
	if (o->transparent && (r = net_set_transparent(fd, family)) < 0)
		return fail_option(e, r, "transparent mode");
	/* v6only wins over v4v6; without either the system's setting holds */
	if (family == AF_INET6 && (o->v6only || o->v4v6) &&
	    (r = net_set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, o->v6only)) < 0)
		return fail_option(e, r, "IPv6-only mode");
	return 0;
}

static int listen_ip(
    int fd, const struct net_addr *addr, const struct net_listen_opts *o, struct errbuf *e)
{
	int r = set_bind_opts(fd, addr->sa.sa_family, o, e);
	if (r == 0)
		r = set_inherited(fd, addr->sa.sa_family, o, e);
	if (r < 0)
		return r;
	if (bind(fd, &addr->sa, addr->len) < 0)
		return fail(e, -errno, "bind to");
	if (listen(fd, backlog_of(o)) < 0)
		return fail(e, -errno, "listen on");
	return 0;
}

static int set_owner(const char *path, const struct net_listen_opts *o)
{
	if ((o->uid != -1 || o->gid != -1) && chown(path, (uid_t)o->uid, (gid_t)o->gid) < 0)
		return -errno;
	if (o->mode && chmod(path, o->mode) < 0)
		return -errno;
	return 0;
}

/* A name beside path for the time until the rename; fails when the directory leaves no room for one. */
static int sibling_name(const char *path, struct sockaddr_un *ret)
{
	static atomic_uint sequence; /* tells apart the sockets of one process */
	const char *slash = strrchr(path, '/');
	int dir_len = slash ? (int)(slash - path) + 1 : 0;
	ret->sun_family = AF_UNIX;
	int len = snprintf(ret->sun_path, sizeof(ret->sun_path), "%.*s.%x-%x", dir_len, path,
	    (unsigned)getpid(), atomic_fetch_add(&sequence, 1));
	return len < (int)sizeof(ret->sun_path) ? 0 : -ENAMETOOLONG;
}

/*
 * Binds under another name, gives it owner and mode, listens, and renames it over path: at no moment is the
 * path without a socket, or with one that has the wrong rights.
 */
static int listen_path(
    int fd, const struct net_addr *addr, const struct net_listen_opts *o, struct errbuf *e)
{
	const char *path = addr->un.sun_path;
	struct sockaddr_un tmp;
	struct stat st;
	int r;
	if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
		return fail(e, -EEXIST, "replace by a socket what is not one:");
	if ((r = sibling_name(path, &tmp)) < 0)
		return fail(e, r, "bind to");
	(void)unlink(tmp.sun_path);
	if (bind(fd, (const struct sockaddr *)&tmp, sizeof(tmp)) < 0)
		return fail(e, -errno, "bind to");
	if ((r = set_owner(tmp.sun_path, o)) < 0) {
		fail(e, r, "set owner and mode of");
		goto fail_unlink;
	}
	if (listen(fd, backlog_of(o)) < 0) {
		r = fail(e, -errno, "listen on");
		goto fail_unlink;
	}
	if (rename(tmp.sun_path, path) < 0) {
		r = fail(e, -errno, "bind to");
		goto fail_unlink;
	}
	return 0;

fail_unlink:
	(void)unlink(tmp.sun_path);
	return r;
}

static int listen_unix(
    int fd, const struct net_addr *addr, const struct net_listen_opts *o, struct errbuf *e)
{
	int r = set_inherited(fd, AF_UNIX, o, e);
	if (r < 0)
		return r;
	if (addr->un.sun_path[0])
		return listen_path(fd, addr, o, e);
	if (bind(fd, &addr->sa, addr->len) < 0)
		return fail(e, -errno, "bind to");
	if (listen(fd, backlog_of(o)) < 0)
		return fail(e, -errno, "listen on");
	return 0;
}

int net_listen(
    const struct net_addr *addr, const struct net_listen_opts *opts, char *err, size_t err_size)
{
	char where[NET_ADDR_TEXT];
	struct errbuf e = { err, err_size, net_addr_text_port(addr, where) };
	int fd = net_stream_socket(addr->sa.sa_family, opts->mptcp, opts->netns);
	if (fd < 0)
		return fail(&e, fd, "create a socket for");
	int r = addr->sa.sa_family == AF_UNIX ? listen_unix(fd, addr, opts, &e)
					      : listen_ip(fd, addr, opts, &e);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

static int int_option(int fd, int name, int *ret_value)
{
	socklen_t len = sizeof(*ret_value);
	return getsockopt(fd, SOL_SOCKET, name, ret_value, &len) < 0 ? -errno : 0;
}

int net_listen_fd(int fd, const struct net_listen_opts *opts, char *err, size_t err_size)
{
	char where[32];
	struct errbuf e = { err, err_size, where };
	int type, listening, family, r;
	snprintf(where, sizeof(where), "file descriptor %d", fd);
	if ((r = int_option(fd, SO_TYPE, &type)) < 0 ||
	    (r = int_option(fd, SO_ACCEPTCONN, &listening)) < 0 ||
	    (r = int_option(fd, SO_DOMAIN, &family)) < 0)
		return fail(&e, r, "use");
	if (type != SOCK_STREAM)
		return fail(&e, -ESOCKTNOSUPPORT, "listen on");
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return fail(&e, -errno, "use");
	if ((r = set_inherited(fd, family, opts, &e)) < 0)
		return r;
	/* also when it listens already: that sets the backlog and changes nothing else */
	if (listen(fd, backlog_of(opts)) < 0)
		return fail(&e, -errno, "listen on");
	return fd;
}

int net_listen_datagram(
    const struct net_addr *addr, const struct net_listen_opts *opts, char *err, size_t err_size)
{
	char where[NET_ADDR_TEXT];
	struct errbuf e = { .text = err, .size = err_size, .where = where };
	int family = addr->sa.sa_family, cookie = -1, r = 0;
	net_addr_text_port(addr, where);
	if (opts->netns && (cookie = net_netns_enter(opts->netns)) < 0)
		return fail(&e, cookie, "enter the namespace of");
	int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		r = fail(&e, -errno, "make a socket for");
	if (opts->netns)
		net_netns_leave(cookie);
	if (fd < 0)
		return r;
	r = set_bind_opts(fd, family, opts, &e);
	if (r == 0 && opts->rcvbuf &&
	    (r = net_set_int(fd, SOL_SOCKET, SO_RCVBUF, (int)opts->rcvbuf)) < 0)
		(void)fail_option(&e, r, "receive buffer");
	if (r == 0 && bind(fd, &addr->sa, addr->len) < 0)
		r = fail(&e, -errno, "bind to");
	if (r == 0)
		return fd;
	close(fd);
	return r;
}
