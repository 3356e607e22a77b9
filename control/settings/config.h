/* SPDX-License-Identifier: BSD-3-Clause */
/* adit-control's configuration file (libconfig).  docs/operators.md describes every setting. */
#ifndef ADIT_CONTROL_SETTINGS_CONFIG_H
#define ADIT_CONTROL_SETTINGS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/aaa/decide.h"
#include "control/aaa/users.h"
#include "control/core/strangers.h"
#include "control/ike/config.h"
#include "control/l2tp/server.h"
#include "control/ppp/ppp.h"
#include "control/pptp/server.h"

#define CONFIG_MAX_LISTEN 8

/* A user who has max_per_user sessions comes again.  Also, his static address is in use: allow and
 * replace end the session that has it, refuse does not. */
enum same_user { SAME_USER_ALLOW, SAME_USER_REPLACE, SAME_USER_REFUSE };

struct config {
	/* control: */
	char socket_path[108];    /* operators' JSON-RPC socket */
	char dataplane_path[108]; /* the data plane's unix socket */
	char user[64];            /* run as, "" = stay */
	char socket_group[64];    /* group that may look by the operators' socket, "" = nobody */
	char operate_group[64];   /* group that may end sessions, too, "" = nobody */
	int log_level;            /* syslog's: 3 error .. 7 debug */
	/* pptp: */
	bool pptp_enabled;                       /* R3 */
	uint32_t pptp_listen[CONFIG_MAX_LISTEN]; /* host byte order; 0.0.0.0 allowed */
	unsigned int n_pptp_listen;
	uint16_t pptp_port;             /* 1723; another one only for tests */
	unsigned int pptp_max_sessions; /* R4: 0 turns PPTP off */
	unsigned int pptp_max_connections_per_address;
	unsigned int pptp_max_connections;
	struct pptp_config pptp;
	/* ipsec: */
	struct ike_config ike;
	/* l2tp: */
	bool l2tp_enabled;
	unsigned int l2tp_max_sessions; /* R4: 0 turns L2TP off */
	bool l2tp_require_ipsec;        /* T20 */
	bool l2tp_sequencing;           /* number data messages unasked */
	struct l2tp_config l2tp;
	struct ppp_config l2tp_ppp; /* ppp, with the MRU that fits its tunnel */
	/* sessions: */
	uint8_t same_user;         /* enum same_user */
	unsigned int max_per_user; /* sessions, 0: as many as there are ports */
	/* ppp: and mppe: */
	struct ppp_config ppp;
	struct aaa_settings aaa;
	bool clamp_mss;
	struct stranger_shares strangers; /* T24: of ports and PPTP connections */
	unsigned int strangers_per_peer;
	/* pools: (the first is the default; one until policies come) */
	char pool_name[32];
	uint32_t pool_first, pool_last;
	/* users: */
	struct users *users;
};

/* Every setting that there is, by group: "" for the file itself, "users[]" for each of the list.
 * Ends with a NULL name.  docs/operators.md describes them; a test compares the two. */
#define CONFIG_MAX_SETTINGS 32
struct config_group {
	const char *name;
	const char *settings[CONFIG_MAX_SETTINGS]; /* up to the first NULL */
};
extern const struct config_group config_groups[];

/* What can be read of it, with "" in err or every fault in it, "file:line: reason" each; NULL when
 * nothing can: with faults only good for config_check(). */
struct config *config_load_all(const char *path, char *err, size_t errlen);
/* NULL and the faults in err. */
struct config *config_load(const char *path, char *err, size_t errlen);
void config_free(struct config *c);

#endif
