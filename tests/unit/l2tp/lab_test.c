/* SPDX-License-Identifier: BSD-3-Clause */
#include "lab_test.h"

struct lab lab;

int
lab_setup(void **state)
{
	(void)state;
	lab_init(&lab);
	return 0;
}

int
lab_teardown(void **state)
{
	(void)state;
	lab_end(&lab);
	return 0;
}
