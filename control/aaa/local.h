/* SPDX-License-Identifier: BSD-3-Clause */
/* The users of the configuration as who decides: at once, before the question returns. */
#ifndef ADIT_CONTROL_AAA_LOCAL_H
#define ADIT_CONTROL_AAA_LOCAL_H

#include "control/aaa/decide.h"

/* All borrowed; the provider's self. */
struct local {
	struct users *users;
	struct guard *guard;
	const struct aaa_settings *settings;
	struct aaa *aaa; /* who is told */
};

/*
 * Order of checks: lock-out, known user, password, dial-in permission, method.  A refusal before
 * the password is verified takes the same time and looks the same (to the client) whatever its
 * cause is: same work, same outcome, same delay (T1).
 */
extern const struct aaa_provider local_provider;

#endif
