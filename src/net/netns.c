/* SPDX-License-Identifier: MIT */
/*
 * Network namespaces by name, as ip-netns(8) keeps them in /run/netns. Their descriptors are opened once and
 * kept for the life of the process: /run/netns cannot be reached after chroot(), and a connection that needs
 * a namespace should cost two system calls and not six.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "weir/base/list.h"
#include "weir/net/socket.h"

#define NETNS_DIR "/run/netns/"

struct netns {
	struct list link;
	int fd;
	char name[]; /* empty: the one the process started in */
};

/* All opened so far; entries are never removed. Under netns_lock. */
static struct list netns_all = { .next = &netns_all, .prev = &netns_all };
static pthread_mutex_t netns_lock = PTHREAD_MUTEX_INITIALIZER;

/* Its descriptor or -errno. Under netns_lock. */
static int open_locked(const char *name, const char *path)
{
	list_for_each_entry (known, &netns_all, struct netns, link) {
		if (strcmp(known->name, name) == 0)
			return known->fd;
	}
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	size_t size = strlen(name) + 1;
	struct netns *ns = malloc(sizeof(*ns) + size);
	if (!ns) {
		close(fd);
		return -ENOMEM;
	}
	ns->fd = fd;
	memcpy(ns->name, name, size);
	list_add_tail(&netns_all, &ns->link);
	return fd;
}

static int find(const char *name, int *ret_home, int *ret_fd)
{
	char path[256];
	int len = snprintf(path, sizeof(path), NETNS_DIR "%s", name);
	if (!*name || strchr(name, '/') || len >= (int)sizeof(path))
		return -EINVAL;
	pthread_mutex_lock(&netns_lock);
	int home = open_locked("", "/proc/self/ns/net");
	int fd = open_locked(name, path);
	pthread_mutex_unlock(&netns_lock);
	if (home < 0 || fd < 0)
		return home < 0 ? home : fd;
	*ret_home = home;
	*ret_fd = fd;
	return 0;
}

int net_netns_open(const char *name)
{
	int home, fd;
	return find(name, &home, &fd);
}

int net_netns_enter(const char *name)
{
	int home, fd;
	int r = find(name, &home, &fd);
	if (r < 0)
		return r;
	return setns(fd, CLONE_NEWNET) < 0 ? -errno : home;
}

void net_netns_leave(int cookie)
{
	/* a worker left in a foreign namespace would send everybody's traffic there */
	if (setns(cookie, CLONE_NEWNET) < 0)
		abort();
}
