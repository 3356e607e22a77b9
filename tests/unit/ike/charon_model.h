/* SPDX-License-Identifier: BSD-3-Clause */
/* What VICI changes and shows of a charon: names, and IKE SAs. */
#ifndef ADIT_TESTS_IKE_CHARON_MODEL_H
#define ADIT_TESTS_IKE_CHARON_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "control/ike/round.h"

enum model_sort { MODEL_CONNECTIONS, MODEL_AUTHORITIES, MODEL_KEYS, MODEL_PSKS, MODEL_SORTS };

#define MODEL_NAMES 32
#define MODEL_SAS   256

struct model_sa {
	char connection[64], peer[16];
	unsigned int id;
	bool ended;
};

struct model {
	char names[MODEL_SORTS][MODEL_NAMES][64];
	unsigned int n[MODEL_SORTS], least[MODEL_SORTS]; /* the fewest since it had some */
	struct model_sa sas[MODEL_SAS];
	unsigned int n_sas, requests, unloads, ends;
	bool registered;
	char key_id[48]; /* that it finds in the next private key */
};
extern struct model model;

void model_reset(void);
void model_add(enum model_sort sort, const char *name);
bool model_has(enum model_sort sort, const char *name);
void model_sa(const char *connection, unsigned int id, const char *peer);
bool model_ended(const char *connection, unsigned int id);
/* One request and its answer; false: the round has nothing more to say. */
bool model_step(struct round *r);
void model_run(struct round *r);

#endif
