/* SPDX-License-Identifier: MIT */
/*
 * Giving up rights, in an order in which each step still may: jail, groups, gid, uid, then what is left is
 * trimmed. Whatever fails is an error: a process that keeps rights it was told to give up must not start.
 */
#include "privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct conf_pos nowhere;

#define NAMES(X)                                                                                   \
	X("cap_net_admin", CAP_NET_ADMIN)                                                          \
	X("cap_net_bind_service", CAP_NET_BIND_SERVICE)                                            \
	X("cap_net_raw", CAP_NET_RAW)                                                              \
	X("cap_sys_admin", CAP_SYS_ADMIN)                                                          \
	X("cap_sys_nice", CAP_SYS_NICE)                                                            \
	X("cap_sys_resource", CAP_SYS_RESOURCE)                                                    \
	X("cap_bpf", CAP_BPF)

static const struct {
	const char *name;
	int bit;
} capabilities[] = {
#define X(name, bit) { name, bit },
	NAMES(X)
#undef X
};

const char capabilities_names[] =
#define X(name, bit) name " "
    NAMES(X)
#undef X
    ;

int capabilities_parse(const char *text, uint64_t *ret_mask, const char **ret_unknown)
{
	struct slice rest = slice_str(text);
	uint64_t mask = 0;
	do {
		struct slice word = slice_cut(&rest, ',');
		size_t i = 0;
		while (i < ARRAY_SIZE(capabilities) &&
		       !slice_eq(word, slice_str(capabilities[i].name)))
			i++;
		if (i == ARRAY_SIZE(capabilities)) {
			*ret_unknown = word.ptr;
			return -EINVAL;
		}
		mask |= 1ull << capabilities[i].bit;
	} while (rest.ptr);
	*ret_mask = mask;
	return 0;
}

/* ---- the jail ---- */

/* A directory that has no name any more, empty and closed to writing. */
static int anonymous_jail(void)
{
	char path[] = "/tmp/weir-XXXXXX";
	if (!mkdtemp(path))
		return -1;
	int r = chdir(path);
	if (r == 0)
		r = chmod(".", 0555);
	int error = errno;
	rmdir(path);
	errno = error;
	return r;
}

static int change_root(const char *dir)
{
	bool anonymous = strcmp(dir, "auto") == 0;
	if (anonymous ? anonymous_jail() < 0 : chdir(dir) < 0)
		return -1;
	if (chroot(".") == 0)
		return chdir(anonymous ? "." : "/");
	if (errno != EPERM || geteuid() == 0)
		return -1;
	/* without rights: in a user namespace of our own */
	if (unshare(CLONE_NEWUSER) < 0 || chroot(".") < 0) {
		errno = EPERM;
		return -1;
	}
	return chdir(anonymous ? "." : "/");
}

int privileges_jail(const struct global_conf *g, struct diag *diag)
{
	if (!g->chroot || strcmp(g->chroot, "/") == 0)
		return 0;
	if (change_root(g->chroot) == 0)
		return 0;
	diag_add(
	    diag, DIAG_ERROR, nowhere, "cannot chroot to '%s': %s", g->chroot, strerror(errno));
	return -1;
}

/* ---- who we are ---- */

static int set_groups(const struct global_conf *g, struct diag *diag)
{
	if (geteuid() == 0 && (g->gid >= 0 || g->uid >= 0)) {
		/* those of the named user, else none at all */
		int r = g->user_name
			    ? initgroups(g->user_name, g->gid >= 0 ? (gid_t)g->gid : getgid())
			    : setgroups(0, NULL);
		if (r < 0) {
			diag_add(diag, DIAG_ERROR, nowhere, "cannot drop supplementary groups: %s",
			    strerror(errno));
			return -1;
		}
	} else if (g->gid >= 0 && getgroups(0, NULL) > 0 && (gid_t)g->gid != getgid()) {
		diag_add(diag, DIAG_WARNING, nowhere,
		    "supplementary groups cannot be dropped without superuser rights");
	}
	if (g->gid < 0 || setgid((gid_t)g->gid) == 0)
		return 0;
	diag_add(diag, DIAG_ERROR, nowhere, "cannot set gid %d: %s", g->gid, strerror(errno));
	return -1;
}

static int keep_capabilities(uint64_t mask, struct diag *diag)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };
	for (int i = 0; i < 2; i++) {
		data[i].effective = (uint32_t)(mask >> (32 * i));
		data[i].permitted = data[i].effective;
	}
	if (syscall(SYS_capset, &header, data) == 0)
		return 0;
	diag_add(diag, DIAG_ERROR, nowhere, "cannot keep the capabilities of 'setcap': %s",
	    strerror(errno));
	return -1;
}

static int set_user(const struct global_conf *g, struct diag *diag)
{
	const char *unknown;
	uint64_t mask = 0;
	bool was_root = geteuid() == 0;
	if (g->setcap && capabilities_parse(g->setcap, &mask, &unknown) < 0)
		mask = 0;
	if (mask && was_root && g->uid > 0)
		prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
	if (g->uid >= 0 && setuid((uid_t)g->uid) < 0) {
		diag_add(
		    diag, DIAG_ERROR, nowhere, "cannot set uid %d: %s", g->uid, strerror(errno));
		return -1;
	}
	if (mask && geteuid() != 0)
		return keep_capabilities(mask, diag);
	return 0;
}

static void allow_core_files(void)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	struct rlimit core;
	if (setrlimit(RLIMIT_CORE, &unlimited) < 0 && getrlimit(RLIMIT_CORE, &core) == 0) {
		core.rlim_cur = core.rlim_max;
		setrlimit(RLIMIT_CORE, &core);
	}
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

int privileges_drop(const struct global_conf *g, struct diag *diag)
{
	if (set_groups(g, diag) < 0 || set_user(g, diag) < 0)
		return -1;
	/* a program that is started later must not get rights back by its file's setuid bit */
	if (!g->insecure_setuid)
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (g->dumpable)
		allow_core_files();
	return 0;
}
