/* SPDX-License-Identifier: BSD-3-Clause */
/* R17: a client is refused for a cause, the remedy is followed to the letter, and the client gets
 * in. */
#ifndef ADIT_TESTS_CONTROL_REMEDY_H
#define ADIT_TESTS_CONTROL_REMEDY_H

#include "control/core/refusal.h"

/* How each code's remedy is walked: here, or in another test, or why nobody can. */
struct walk {
	enum refusal_code code;
	void (*here)(void);
	const char *elsewhere; /* a file in tests/, which has "walked CODE" in it */
	const char *never;
};
/* Each ends with neither of the three. */
extern const struct walk walks_limits[], walks_users[], walks_paths[], walks_gateway[],
	walks_l2tp[];

/* Room in the data plane of the next stage; 0: as much as is usual. */
extern unsigned int walk_room;

/* A gateway and its data plane, for PPTP on the loopback, and for L2TP; with these lines besides,
 * "section.setting = value" each: the words that remedies use. */
void walk_dial(const char *settings);
void walk_dial_over(void);
void walk_call(const char *settings);
void walk_call_over(void);
/* adit-control is started again with these settings; or begins, when it has ended. */
void walk_dial_again(const char *settings);
void walk_call_again(const char *settings);
void walk_begin(const char *settings); /* for PPTP */

/* What the operator reads about it: the code, this text in its line, and this in the remedy. */
void walk_refused(enum refusal_code code, const char *text, const char *remedy);
unsigned int walk_count(enum refusal_code code);

#endif
