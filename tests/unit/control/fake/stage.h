/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What every test of control with a loop stands on: one loop, one fake data plane, a directory for
 * sockets and files, and the log, of which a test program has one each.
 */
#ifndef ADIT_TESTS_CONTROL_FAKE_STAGE_H
#define ADIT_TESTS_CONTROL_FAKE_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "dataplane.h"
#include "loop.h"

extern uv_loop_t loop;
extern struct fake fake;
extern char stage_directory[64];

/* A new loop, a fake data plane that doesn't listen yet, an empty log. */
void stage_open(void);
/* Everything of the test's own has been closed: nothing is left in the loop. */
void stage_close(void);
/* A file in the directory: valid until the next call. */
const char *stage_path(const char *name);
/* What was logged since stage_open() holds this text. */
bool logged(const char *text);
const char *stage_log(void);
/* Lines are kept here again after log_redirect(). */
void stage_log_again(void);

/* main() of a test program: in a directory, and as root a network, of its own. */
int stage_run(const struct CMUnitTest *tests, size_t n);
#define STAGE_RUN(tests) stage_run(tests, sizeof(tests) / sizeof((tests)[0]))

#endif
