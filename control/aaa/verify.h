/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether credentials prove the knowledge of a password, for every method. */
#ifndef ADIT_CONTROL_AAA_VERIFY_H
#define ADIT_CONTROL_AAA_VERIFY_H

#include <stdbool.h>

#include "control/aaa/verdict.h"

/*
 * The work depends on the method and not on the outcome, so that times do not tell an unknown user
 * from a wrong password.  On true, what the method yields (authenticator response, and MPPE's keys
 * if they are wanted) is set in verdict; on false, verdict is untouched.  Nothing derived from the
 * password but that leaves.  mschap_init() must have succeeded.
 */
bool aaa_verify(const struct ppp_credentials *cred, const char *password, bool keys,
	struct aaa_verdict *verdict);

#endif
