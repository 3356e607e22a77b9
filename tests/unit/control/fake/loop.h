/* SPDX-License-Identifier: BSD-3-Clause */
/* Running a loop until something has happened, and what such tests ask again and again. */
#ifndef ADIT_TESTS_CONTROL_FAKE_LOOP_H
#define ADIT_TESTS_CONTROL_FAKE_LOOP_H

#include <stdbool.h>
#include <uv.h>

/* Run the loop until done(user), at most so long.  True when done. */
bool loop_until(uv_loop_t *loop, bool (*done)(void *user), void *user, unsigned int ms);
void loop_for(uv_loop_t *loop, unsigned int ms);

/* A callback that says that something is over, and the question: user is a bool. */
void set_true(void *user);
bool is_true(void *user);

/* Abort, with errno's text, unless good: for what a test can't go on without. */
void must(bool good, const char *what);

#endif
