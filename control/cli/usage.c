/* SPDX-License-Identifier: BSD-3-Clause */
/* Wrong usage: the message. */
#include <stdarg.h>
#include <stdio.h>

#include "control/cli/commands.h"

enum exit_code
usage_error(const char *format, ...)
{
	va_list ap;

	fputs("aditctl: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	return EXIT_USAGE;
}
