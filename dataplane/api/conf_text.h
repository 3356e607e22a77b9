/* SPDX-License-Identifier: BSD-3-Clause */
/* What both programs look for in the text of their configuration files, beyond what libconfig says.
 * Calling context: at start. */
#ifndef ADIT_DATAPLANE_API_CONF_TEXT_H
#define ADIT_DATAPLANE_API_CONF_TEXT_H

/* The word of words (ends with NULL) that was probably meant by `word`, or NULL: few letters apart,
 * or begun with it. */
const char *conf_nearest(const char *word, const char *const *words);

/*
 * Whole numbers without the suffix L that don't fit 32 bits: libconfig 1.5 cuts them silently, so
 * 4294967301 would be read as 5.  Calls each(user, file, line, number) for every one, also of
 * files that are included; file and number are valid during the call.  A file that can't be read
 * has none: libconfig has said so before.
 */
void conf_cut_numbers(const char *file,
	void (*each)(void *user, const char *file, unsigned int line, const char *number),
	void *user);
/* The same of the text of such a file. */
void conf_cut_numbers_in(const char *text, const char *file,
	void (*each)(void *user, const char *file, unsigned int line, const char *number),
	void *user);

#endif
