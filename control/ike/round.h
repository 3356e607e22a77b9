/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One round of what control has to say to charon, request after request: what is configured is
 * loaded, then what charon has besides is unloaded (a changed credential has another name, so there
 * is no moment without one), and IKE SAs end that were authenticated by what is gone (T26).  No
 * socket inside.
 */
#ifndef ADIT_CONTROL_IKE_ROUND_H
#define ADIT_CONTROL_IKE_ROUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/ike/config.h"
#include "control/ike/credential.h"
#include "control/ike/vici.h"

#define ROUND_NAME_MAX 64
#define ROUND_NAMES    256

enum round_kind {
	ROUND_ALL, /* charon has come, perhaps back, perhaps with an earlier configuration */
	ROUND_CONNECTIONS, /* weak algorithms were switched: proposals only */
	ROUND_END,         /* every IKE SA ends, and its peer is told */
};

struct round_names {
	char at[ROUND_NAMES][ROUND_NAME_MAX];
	unsigned int n;
};

struct round {
	const struct ike_config *cfg;
	const struct credential *cred;
	bool allow_weak;
	bool look; /* at each IKE SA, whether its key is gone */
	enum round_kind kind;
	uint8_t step;
	unsigned int next; /* within the step */
	unsigned int failures;
	char what[64];             /* that the last request was for */
	char key_id[48];           /* charon's name of our private key */
	struct round_names found;  /* what charon has and nobody wants, of one sort */
	struct round_names ending; /* connections whose IKE SAs are to end */
	/* Pre-shared keys: whose charon had of its own, and whose are gone; 0 is everybody's. */
	uint32_t had_psk[ROUND_NAMES], gone_psk[ROUND_NAMES];
	unsigned int n_had, n_gone;
	uint32_t *sas; /* charon's numbers of IKE SAs to end */
	unsigned int n_sas, sas_size;
};

/* r is zeroed, or has been through round_end(). */
void round_begin(struct round *r, enum round_kind kind, const struct ike_config *cfg,
	const struct credential *cred, bool allow_weak);
/* The next request, which the caller frees; false: there are no more. */
bool round_next(struct round *r, struct vici *v);
/* What came in answer, or as an event before it.  round_answer(): NULL, or why charon refused (in
 * a). */
const char *round_answer(
	struct round *r, const uint8_t *bytes, size_t len, const struct vici_answer *a);
void round_event(struct round *r, const uint8_t *bytes, size_t len);
void round_end(struct round *r);

#endif
