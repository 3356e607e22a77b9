/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Decisions that are asked for and not made yet (docs/adr/0013).  Each is an entry with a
 * generation, so that an answer to one that is over, whoever gives it, meets nobody.  No clock: the
 * time is handed in, monotonic milliseconds.  Calling context: adit-control's loop.
 *
 * The rule: told() may be called before requests_ask() returns, and its last call ends the request:
 * *id is 0 when it comes.  Askers must be ready for both.
 */
#ifndef ADIT_CONTROL_AAA_REQUEST_H
#define ADIT_CONTROL_AAA_REQUEST_H

#include "control/aaa/verdict.h"

/* Who decides.  Both calls may call back into the table. */
struct aaa_provider {
	/* Answers this id once, now or later; after AAA_CONTINUE it is asked again under the
	 * same. */
	void (*ask)(void *self, uint64_t id, const struct aaa_question *q, uint64_t now_ms);
	/* Nobody wants the answer: what is kept for the id goes.  Also between two rounds. */
	void (*cancel)(void *self, uint64_t id);
};

/* Once a round.  AAA_CONTINUE: requests_ask() again with the same id, or requests_cancel(). */
typedef void (*aaa_told)(void *user, const struct aaa_verdict *v);

struct aaa_counts {
	uint32_t open; /* now, those between two rounds too */
	uint32_t most; /* at once, since start */
	uint64_t asked, accepted, refused, continued, cancelled, expired;
	uint64_t stale; /* answers to what is over, or was answered already: ignored */
};

struct requests;

struct requests *requests_new(void); /* NULL: out of memory */
/* Cancels what is open; nobody is told. */
void requests_free(struct requests *r);
void requests_counts(const struct requests *r, struct aaa_counts *out);

/* Who wants to be told, from when on nobody waits any more, and where his id is kept: that lives
 * until the request ends. */
struct aaa_asker {
	aaa_told told;
	void *user;
	uint64_t *id;
	uint64_t due;
};

/* *asker->id 0: a new request; else its next round.  False, and *id 0: out of memory, or that id
 * does not await a round. */
bool requests_ask(struct requests *r, const struct aaa_provider *p, void *self,
	const struct aaa_asker *asker, struct aaa_question *q, uint64_t now_ms);

/* What was asked about a request that waits for its answer. */
struct aaa_asked {
	enum ppp_auth method;
	bool encrypted;
};
/* False, and counted: no answer is awaited under this id. */
bool requests_awaits(struct requests *r, uint64_t id, struct aaa_asked *out);
/* The answer; call requests_awaits() before. */
void requests_answer(struct requests *r, uint64_t id, const struct aaa_verdict *v);

/* *id becomes 0; it may be so before. */
void requests_cancel(struct requests *r, uint64_t *id);
/* When requests_timer() is due; UINT64_MAX: never. */
uint64_t requests_due(const struct requests *r, uint64_t id);
/* Nobody has answered in time: the asker is told REFUSAL_DECISION_TIMEOUT. */
void requests_timer(struct requests *r, uint64_t id, uint64_t now_ms);

#endif
