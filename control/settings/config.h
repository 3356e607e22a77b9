/* SPDX-License-Identifier: BSD-3-Clause */
/* adit-control's configuration file (libconfig).  table.h has every setting, and what is made of it
 * here. */
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
#include "control/settings/table.h"

#define CONFIG_MAX_LISTEN 8

/* A user who has max_per_user sessions comes again.  Also, his static address is in use: allow and
 * replace end the session that has it, refuse does not. */
enum same_user { SAME_USER_ALLOW, SAME_USER_REPLACE, SAME_USER_REFUSE };

/* Where a setting's value comes from. */
enum config_from { FROM_DEFAULT, FROM_FILE, FROM_OPERATOR };
struct config_origin {
	uint8_t from; /* enum config_from */
	uint32_t line;
	char file[108]; /* FROM_FILE */
};

/* One of the list users, as it is read. */
struct user_entry {
	char name[64], password[257];
	uint8_t dial_in; /* enum dialin */
	uint32_t static_ip;
	/* -1: as for everybody */
	int auth, mppe_policy, mppe_mode, mppe_strengths;
};

struct config {
	/* control: */
	char socket_path[108];    /* operators' JSON-RPC socket */
	char dataplane_path[108]; /* the data plane's unix socket */
	char overlay_path[108];   /* what operators set live, "" = is not kept */
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
	uint16_t l2tp_mru;
	struct l2tp_config l2tp;
	struct ppp_config l2tp_ppp; /* ppp, with l2tp_mru */
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
	struct config_origin origin[SETTINGS_MAX]; /* by setting_number() */
};

/* As when no file says anything; NULL: no memory. */
struct config *config_defaults(void);
/* What can be read of it, with "" in err or every fault in it, "file:line: reason" each; NULL when
 * nothing can: with faults only good for config_check(). */
struct config *config_load_all(const char *path, char *err, size_t errlen);
/* NULL and the faults in err. */
struct config *config_load(const char *path, char *err, size_t errlen);
/* The same of a file that has been read already. */
struct config *config_load_text(const char *path, const char *text, char *err, size_t errlen);
void config_free(struct config *c);

/* The parts of it. */
void config_set_origin(
	struct config *c, const struct setting *row, const char *file, unsigned int line);
/* What follows from other settings, after one has changed: defaults that depend on them, and what
 * is the same in several structs. */
void config_complete(struct config *c);
/* What settings must fulfil together, and which row it is about; NULL: all is well. */
const struct setting *config_conflict(const struct config *c, const char **why);

#endif
