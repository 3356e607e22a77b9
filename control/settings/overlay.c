/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/settings/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/core/file.h"
#include "control/core/fnv.h"
#include "control/settings/config.h"
#include "control/settings/field.h"

#define HEAD       "adit-overlay 1 "
#define TAIL       "end "
#define OPEN_TRIES 8

bool
overlay_put(struct overlay *o, const struct setting *row, const char *value, const char *who,
	int64_t when, bool kept)
{
	struct overlay_entry *e = &o->entries[setting_number(row)];
	if (strlen(value) >= sizeof(e->value))
		return false;
	e->set = true;
	e->kept = kept;
	e->when = when;
	snprintf(e->who, sizeof(e->who), "%s", who);
	strcpy(e->value, value);
	for (char *c = e->who; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	return true;
}

void
overlay_drop(struct overlay *o, const struct setting *row)
{
	memset(&o->entries[setting_number(row)], 0, sizeof(o->entries[0]));
}

/* ------------------------------------------------------------------ reading */

struct lines {
	const char *text, *end;
	unsigned int line; /* that was read last */
};

/* The next line without its newline; NULL: none, or it has no end. */
static const char *
next_line(struct lines *l, char *buf, size_t size)
{
	const char *newline = memchr(l->text, '\n', (size_t)(l->end - l->text));
	size_t n = newline ? (size_t)(newline - l->text) : 0;
	l->line++;
	if (!newline || n >= size || memchr(l->text, '\0', n))
		return NULL;
	memcpy(buf, l->text, n);
	buf[n] = '\0';
	l->text = newline + 1;
	return buf;
}

static bool
parse_u64(const char *s, int base, uint64_t *out)
{
	char *end;
	size_t digits = strspn(s, base == 16 ? "0123456789abcdef" : "0123456789");
	errno = 0;
	*out = strtoull(s, &end, base);
	return digits > 0 && s[digits] == '\0' && errno == 0;
}

/* Why not, or NULL. */
static const char *
parse_entry(struct overlay *o, char *line)
{
	char *name = strsep(&line, "\t"), *when = line ? strsep(&line, "\t") : NULL;
	char *who = line ? strsep(&line, "\t") : NULL;
	uint64_t seconds;
	if (!line || !parse_u64(when, 10, &seconds) || seconds > INT64_MAX)
		return "name, time, who and value expected";
	const struct setting *row = setting_find(name);
	if (!row || !setting_settable(row))
		return row ? "that stands in the configuration file only" : "no such setting";
	if (o->entries[setting_number(row)].set)
		return "stands here twice";
	for (const char *c = line; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return "holds control characters";
	return overlay_put(o, row, line, who, (int64_t)seconds, true) ? NULL : "is too long";
}

bool
overlay_parse(struct overlay *o, const char *text, size_t len, char *err, size_t errlen)
{
	struct lines l = {.text = text, .end = text + len};
	char buf[OVERLAY_VALUE_MAX + 256];
	const char *line, *why = NULL, *begin;
	uint64_t sum;
	memset(o, 0, sizeof(*o));
	line = next_line(&l, buf, sizeof(buf));
	if (!line || strncmp(line, HEAD, strlen(HEAD)) != 0 ||
		!parse_u64(line + strlen(HEAD), 10, &o->revision)) {
		snprintf(err, errlen, "1: not what adit-control wrote");
		return false;
	}
	for (begin = l.text; !why && (line = next_line(&l, buf, sizeof(buf))); begin = l.text) {
		if (strncmp(line, TAIL, strlen(TAIL)) != 0) {
			why = parse_entry(o, buf);
			continue;
		}
		if (!parse_u64(line + strlen(TAIL), 16, &sum) || l.text != l.end ||
			sum != fnv(FNV_BEGIN, text, (size_t)(begin - text)))
			break;
		return true;
	}
	snprintf(err, errlen, "%u: %s", l.line, why ? why : "damaged: not what adit-control wrote");
	return false;
}

bool
overlay_load(struct overlay *o, const char *path, char *err, size_t errlen)
{
	char why[200];
	size_t len;
	memset(o, 0, sizeof(*o));
	/* Nobody else's: what root opens may have been put there by another. */
	int fd = *path ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -1;
	if (fd < 0 && (!*path || errno == ENOENT))
		return true;
	char *text = fd >= 0 ? file_read(fd, OVERLAY_FILE_MAX, &len) : NULL;
	bool ok = text != NULL;
	if (!ok)
		snprintf(err, errlen, "%s:0: can't read: %s", path, strerror(errno));
	else if (!(ok = overlay_parse(o, text, len, why, sizeof(why))))
		snprintf(err, errlen, "%s:%s; mend or remove it", path, why);
	free(text);
	if (fd >= 0)
		close(fd);
	return ok;
}

/* ------------------------------------------------------------------ writing */

char *
overlay_print(const struct overlay *o, size_t *len)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, len);
	if (!f)
		return NULL;
	fprintf(f, HEAD "%" PRIu64 "\n", o->revision);
	for (const struct setting *row = settings_table; row->name; row++) {
		const struct overlay_entry *e = &o->entries[setting_number(row)];
		if (e->set && e->kept)
			fprintf(f, "%s\t%" PRId64 "\t%s\t%s\n", row->name, e->when, e->who,
				e->value);
	}
	if (fflush(f) == 0)
		fprintf(f, TAIL "%016" PRIx64 "\n", fnv(FNV_BEGIN, text, *len));
	if (fclose(f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static bool
write_all(int fd, const char *text, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = write(fd, text + done, len - done);
		if (n < 0)
			return false;
		done += (size_t)n;
	}
	return fsync(fd) == 0;
}

/* The name is only there for good when its directory is. */
static bool
sync_directory(const char *path)
{
	char copy[256];
	snprintf(copy, sizeof(copy), "%s", path);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

/* 0: it is there; -1: errno says why not. */
static int
take_lock(int fd)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	errno = EBUSY;
	return -1;
}

/* The new file beside, for us alone: what another one writes just now, a rename may not put into
 * place half-written.  Nobody else can open it, and so lock it.  A descriptor, or -1. */
static int
open_beside(const char *path)
{
	struct stat st, there;
	for (unsigned int i = 0; i < OPEN_TRIES; i++) {
		int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
		if (fd < 0 && (errno == ENOENT || unlink(path) != 0))
			return -1;
		if (fd < 0)
			continue;
		if (take_lock(fd) != 0) {
			close(fd);
			return -1;
		}
		/* Whoever had it before may have renamed it meanwhile. */
		bool same = fstat(fd, &st) == 0 && lstat(path, &there) == 0 &&
			    st.st_ino == there.st_ino && st.st_dev == there.st_dev;
		bool ours = S_ISREG(st.st_mode) && st.st_nlink == 1 && st.st_uid == geteuid();
		if (same && ours && ftruncate(fd, 0) == 0)
			return fd;
		if (same)
			unlink(path);
		close(fd);
	}
	errno = EBUSY;
	return -1;
}

bool
overlay_save(const struct overlay *o, const char *path, char *err, size_t errlen)
{
	char beside[256];
	size_t len;
	char *text = overlay_print(o, &len);
	snprintf(beside, sizeof(beside), "%s.new", path);
	int fd = open_beside(beside);
	/* Readable for root without the right to read everything: it holds no secret. */
	bool ok = text && fd >= 0 && write_all(fd, text, len) && fchmod(fd, 0644) == 0 &&
		  rename(beside, path) == 0;
	if (!ok) {
		snprintf(err, errlen, "can't be kept in %s: %s: %s", path, strerror(errno),
			errno == EBUSY ? "another adit-control writes it"
				       : "control.user must be able to write in its directory");
		if (fd >= 0)
			unlink(beside);
	}
	/* It is in place: a power cut may still bring the old one back, whole. */
	if (ok)
		sync_directory(path);
	if (fd >= 0)
		close(fd);
	free(text);
	return ok;
}

/* ------------------------------------------------------------------ over the file's */

bool
overlay_apply(const struct overlay *o, struct config *c, char *err, size_t errlen)
{
	char why[FIELD_WHY_MAX];
	bool any = false;
	for (const struct setting *row = settings_table; row->name; row++) {
		const struct overlay_entry *e = &o->entries[setting_number(row)];
		if (!e->set)
			continue;
		if (!field_parse(row, c, e->value, why)) {
			snprintf(err, errlen, "%s: %s", row->name, why);
			return false;
		}
		c->origin[setting_number(row)] = (struct config_origin){.from = FROM_OPERATOR};
		any = true;
	}
	if (any)
		config_complete(c);
	return true;
}
