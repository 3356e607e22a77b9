/* SPDX-License-Identifier: BSD-3-Clause */
/* The pages of what lists show: "offset" and "limit" of the request, "total" and the page in the
 * answer (docs/rpc.md).  Calling context: adit-control's loop. */
#ifndef ADIT_CONTROL_OPER_PAGE_H
#define ADIT_CONTROL_OPER_PAGE_H

#include "control/oper/rpc.h"

struct page {
	uint64_t offset, limit; /* items left out before the page, and at most on it */
	uint64_t total;         /* items that there are */
	json_t *list;           /* owned until page_answer() */
};

/* False, with *error filled and nothing to free, when the request's bounds are not good. */
bool page_begin(struct page *page, const json_t *params, struct rpc_error *error);
/* Counts one item.  True: it is on the page, so add it to the list. */
bool page_takes(struct page *page);
/* The answer, with the list by this name. */
json_t *page_answer(struct page *page, const char *name);

#endif
