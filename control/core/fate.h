/* SPDX-License-Identifier: BSD-3-Clause */
/* What becomes of those who run on what is no longer allowed (R2, T16). */
#ifndef ADIT_CONTROL_CORE_FATE_H
#define ADIT_CONTROL_CORE_FATE_H

#include <stdbool.h>

enum fate {
	FATE_KEEP,  /* they go on until they end */
	FATE_REKEY, /* they get other keys, and end where that fails; where there is no such way, as
		       FATE_KEEP */
	FATE_DROP,  /* they end */
};

const char *fate_name(enum fate fate);
/* False: no such word. */
bool fate_parse(const char *word, enum fate *out);

#endif
