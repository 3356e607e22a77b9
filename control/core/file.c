/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/core/file.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *
file_read(int fd, size_t max, size_t *len)
{
	struct stat st;
	size_t n = 0;
	ssize_t got = 0;
	if (fstat(fd, &st) != 0)
		return NULL;
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > max) {
		errno = S_ISDIR(st.st_mode) ? EISDIR : EFBIG;
		return NULL;
	}
	char *text = malloc((size_t)st.st_size + 1);
	while (text && n < (size_t)st.st_size &&
		(got = read(fd, text + n, (size_t)st.st_size - n)) > 0)
		n += (size_t)got;
	if (text && got < 0) {
		int why = errno;
		explicit_bzero(text, n);
		free(text);
		errno = why;
		return NULL;
	}
	if (text)
		text[n] = '\0';
	*len = n;
	return text;
}
