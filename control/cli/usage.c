/* SPDX-License-Identifier: BSD-3-Clause */
/* Wrong usage: the message. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "control/cli/commands.h"
#include "control/cli/table.h"

enum exit_code
usage_error(const char *format, ...)
{
	va_list ap;

	char message[512];

	va_start(ap, format);
	vsnprintf(message, sizeof(message), format, ap);
	va_end(ap);
	char *clean = clean_text(message);
	fprintf(stderr, "aditctl: %s\n", clean);
	free(clean);
	return EXIT_USAGE;
}
