/* SPDX-License-Identifier: BSD-3-Clause */
/* Secrets that everybody can guess, or that cannot be used. */
#ifndef ADIT_CONTROL_SETTINGS_SECRET_H
#define ADIT_CONTROL_SETTINGS_SECRET_H

#include <stdbool.h>

/* It stands in our documents or examples, or in those of others for L2TP and PPTP. */
bool secret_is_published(const char *secret);
/* Of a user: on every guesser's list, or the name, or the name with little besides. */
bool secret_is_guessable(const char *secret, const char *name);
/* NULL, or why no client can send it: RFC 2759 wants at most 256 UTF-16 units. */
const char *secret_fault(const char *secret);
/* Bits that a guesser has to try who knows words: a run of letters that can be spoken counts as
 * words, not as letters. */
unsigned int secret_bits(const char *secret);

#endif
