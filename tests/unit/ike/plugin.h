/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * charon's plugin as a test plays it, over the real socket, and what it talks to: control's IKE
 * part, the link, the fake data plane.
 */
#ifndef ADIT_TESTS_IKE_PLUGIN_H
#define ADIT_TESTS_IKE_PLUGIN_H

#include "control/ike/ike.h"
#include "control/ike/message.h"
#include "control/link/link.h"
#include "dataplane/api/sa.h"
#include "tests/unit/control/fake/stage.h"

extern struct link *lnk;
extern struct ike *ike;
extern struct ike_config cfg;
extern int plugin;          /* its socket, -1 when there is none */
extern uint64_t started_us; /* when charon did, as the greeting says */

/* What control and the plugin heard. */
struct ike_heard {
	unsigned int currents, gone, refusals[REFUSAL_COUNT];
	uint32_t current, peer;
	struct ike_message heard[64]; /* by the plugin, unasked */
	unsigned int n_heard;
	struct ike_probed {
		uint32_t peer, sa;
		struct sa_outer to; /* 0: where sa sends to */
	} probes[64];
	unsigned int n_probes;
	bool mute; /* no client can be asked */
};
extern struct ike_heard got;
extern struct ike_message answer; /* to the plugin's last question */

int setup(void **state);
void setup_with(unsigned int max_sas); /* room in the data plane */
int teardown(void **state);
void start_control(void);
void stop_control(void); /* as if it had died: the data plane and the plugin live on */
struct ike_status status(void);
bool link_is_connected(void *user);
uint64_t now_us(void);

/* Connect, greet, list nothing. */
void start_plugin(void);
bool plugin_open(void);
void plugin_close(void);
void say(struct ike_message *m);
void hear(void); /* until nothing more comes */
/* These return the answer's error. */
int ask(struct ike_message *m);
int greet(uint64_t instance);
int list_end(void);
void list(uint32_t spi, struct ike_outer outer);

/* Hosts: two behind one NAT address, one without NAT. */
extern const struct ike_outer host_a, host_b, native;
struct alg {
	uint16_t encryption, integrity;
	uint8_t encryption_len, integrity_len;
};
extern const struct alg aes_sha1, des_md5, gcm, tdes_sha1;

/* The IKE SA that charon's thread works for; 0: each place has its own. */
extern uint32_t ike_sa;
uint32_t ike_sa_of(struct ike_outer outer);
int get_spi(struct ike_outer outer, uint32_t *spi);
struct ike_message add_message(uint16_t type, uint32_t spi, struct ike_outer outer, struct alg alg);
int add(uint16_t type, uint32_t spi, struct ike_outer outer, struct alg alg);
/* A pair as charon makes it. */
uint32_t establish(struct ike_outer outer, struct alg alg);
int of_pair(uint16_t type, uint32_t spi);

#endif
