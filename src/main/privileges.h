/* SPDX-License-Identifier: MIT */
/*
 * Giving up rights: chroot, user and group, capabilities that stay.
 */
#ifndef WEIR_SRC_MAIN_PRIVILEGES_H
#define WEIR_SRC_MAIN_PRIVILEGES_H

#include "weir/proxy/config.h"

/* The names that "setcap" takes, for messages. */
extern const char capabilities_names[];
/* "cap_net_raw,cap_net_admin" as a mask of bits. 0, or -EINVAL with the unknown word in *ret_unknown. */
int capabilities_parse(const char *text, uint64_t *ret_mask, const char **ret_unknown);

/* "chroot": changes root and directory. 0 or -1, told to diag. */
int privileges_jail(const struct global_conf *g, struct diag *diag);
/*
 * Supplementary groups, gid, uid, capabilities, core files, setuid programs. Single-threaded: before the workers
 * start. 0 or -1, told to diag.
 */
int privileges_drop(const struct global_conf *g, struct diag *diag);

#endif
