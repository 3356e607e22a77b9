/* SPDX-License-Identifier: BSD-3-Clause */
/* strongSwan's proposals, made from the suite table (D12). */
#ifndef ADIT_CONTROL_IKE_PROPOSAL_H
#define ADIT_CONTROL_IKE_PROPOSAL_H

#include <stdbool.h>
#include <stddef.h>

#include "crypto/suite.h"

#define PROPOSAL_MAX 160 /* with the NUL */

/*
 * IKEv1 proposals hold one algorithm of each kind, so there is one proposal for each combination.
 * Rows below `least` are left out; weak ones are in when allow_weak, whatever `least` says.  Calls
 * each() with the strongest first.  For ESP each combination is there twice: without a group, and
 * with every group that may be used (PFS).
 */
void proposals_ike(enum suite_class least, bool allow_weak,
	void (*each)(void *arg, const char *proposal), void *arg);
void proposals_esp(enum suite_class least, bool allow_weak,
	void (*each)(void *arg, const char *proposal), void *arg);

#endif
