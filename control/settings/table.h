/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * adit-control's settings, one row each: from it come the checks of the file, the defaults, what
 * operators see and set live (R27), completion, and docs/settings.md, which a test holds against
 * it.  What belongs to several rows at once is checked in config.c.
 */
#ifndef ADIT_CONTROL_SETTINGS_TABLE_H
#define ADIT_CONTROL_SETTINGS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config;

enum setting_type {
	SETTING_BOOL,
	SETTING_NUMBER, /* times scale in its field */
	SETTING_STRING,
	SETTING_SECRET, /* a string that nobody is shown, and that stands in the file only */
	SETTING_WORD,   /* one of words */
	SETTING_WORDS,  /* a list of words, or of numbers that stand there as words: a mask */
	SETTING_IP,
	SETTING_IPS,  /* a list; how many in the field at count */
	SETTING_LIST, /* of groups: their settings are rows of their own, "users[].name" */
};

/* What a change does to who is connected. */
enum setting_effect {
	SETTING_NOW,    /* it holds at once, for everybody whom it concerns */
	SETTING_NEW,    /* who comes from now on; the others go on as they began */
	SETTING_DECIDE, /* at the next login, also of who is connected */
	SETTING_PART,   /* a part begins anew with it; sessions go on */
	SETTING_START,  /* adit-control's next start */
};

/* Who is told of a change, besides that the field is new: change.h. */
enum setting_part {
	PART_NONE,
	PART_LOG,
	PART_PPTP,
	PART_L2TP,
	PART_DATAPLANE,
	PART_AAA,
	PART_MPPE_WEAK,
	PART_IPSEC,
	PART_IPSEC_WEAK,
	PART_USERS,
	PART_COUNT,
};

/* Ends with a NULL name. */
struct word {
	const char *name;
	int value;
};

struct setting {
	const char *name; /* "ppp.mru" */
	const char *text; /* what it means, for operators */
	const char *unit; /* NULL: none */
	/* The default as field_parse() reads it; NULL: all zero, or as derive makes it. */
	const char *fallback;
	const char *fallback_text; /* what the page says of it instead; NULL: the same */
	/* The default that depends on others, when all others are known. */
	void (*derive)(struct config *c);
	const struct word *words;
	size_t offset, count; /* of the field, and of the number of its elements (0: none) */
	uint32_t size;        /* octets of the field, 0: its group's own code reads it */
	uint32_t min, max;    /* of numbers, of lists' elements; min of a string's characters */
	uint32_t scale;       /* 0: 1 */
	uint8_t type, effect, part;
	bool file_only;   /* can't be set live: what root does with it, or a secret */
	bool grants_role; /* whoever changes it may lock operators out */
};

/* In the order of the page; ends with a NULL name. */
extern const struct setting settings_table[];
#define SETTINGS_MAX 160

/* Groups of the file, and what stands beside them; ends with NULL. */
extern const char *const settings_groups[];

/* NULL: there is none. */
const struct setting *setting_find(const char *name);
unsigned int setting_number(const struct setting *row);
/* Behind the last point of its name. */
const char *setting_short(const struct setting *row);
/* It is one of the group, "" for what stands beside the groups. */
bool setting_in(const struct setting *row, const char *group);
/* One of a list's entries, "users[].name". */
bool setting_nested(const struct setting *row);
/* May be set while adit-control runs. */
bool setting_settable(const struct setting *row);
const char *setting_effect_name(const struct setting *row); /* "new-sessions", ... */
const char *setting_type_name(const struct setting *row);   /* "number", ... */

#endif
