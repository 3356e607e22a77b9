/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of users: the one way in which they are compared, wherever (T22).  ASCII letters without
 * case, as RRAS does; a leading "DOMAIN\" does not count. */
#ifndef ADIT_CONTROL_AAA_NAME_H
#define ADIT_CONTROL_AAA_NAME_H

#include <stdbool.h>
#include <stdint.h>

/* The part of a name behind a leading "DOMAIN\"; points into name. */
const char *user_name_without_domain(const char *name);
/* Do they name one user? */
bool user_name_same(const char *a, const char *b);
/* Equal for names that are the same. */
uint64_t user_name_hash(const char *name);

#endif
