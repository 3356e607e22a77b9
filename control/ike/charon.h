/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * charon's configuration, made from Adit's.  What charon reads when it starts (strongswan.conf, no
 * secrets in it) is a file that control writes while it may; connections, pre-shared keys,
 * certificates and keys go through charon's VICI socket each time that charon has come back, and
 * never touch a disk.
 */
#ifndef ADIT_CONTROL_IKE_CHARON_H
#define ADIT_CONTROL_IKE_CHARON_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <uv.h>

#include "control/ike/config.h"

struct charon;

/* Makes the directory and writes strongswan.conf into it; `group` may use charon's VICI socket
 * ((gid_t)-1: root only).  False and a message in err. */
bool charon_write_conf(const struct ike_config *cfg, gid_t group, char *err, size_t errlen);
/* Control has made its own socket in the directory: it becomes ipsec.charon_user's, who makes
 * VICI's. */
bool charon_give_directory(const struct ike_config *cfg);

/* Reads certificates and keys (R18) and begins to connect.  NULL and a message in err. */
struct charon *charon_new(uv_loop_t *loop, const struct ike_config *cfg, char *err, size_t errlen);
void charon_free(struct charon *c, void (*closed)(void *user), void *user);
/* Weak algorithms from now on or no more: charon gets its connections again. */
void charon_set_weak(struct charon *c, bool allow);
/* cfg has changed: the same. */
void charon_settings_changed(struct charon *c);
/* Every IKE SA ends, and its peer is told; when charon is not there, once it has come back. */
void charon_end_all(struct charon *c);
/* It has taken everything, and has nothing else. */
bool charon_configured(const struct charon *c);
/* Why not; "" when it has. */
const char *charon_problem(const struct charon *c);

#endif
