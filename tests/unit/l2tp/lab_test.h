/* SPDX-License-Identifier: BSD-3-Clause */
/* The laboratory of a test program: made before each test, ended after it. */
#ifndef ADIT_TESTS_L2TP_LAB_TEST_H
#define ADIT_TESTS_L2TP_LAB_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "lab.h"

extern struct lab lab;
int lab_setup(void **state);
int lab_teardown(void **state);

#endif
