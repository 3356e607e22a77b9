/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/oper/page.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX     500

bool
page_begin(struct page *page, const json_t *params, struct rpc_error *error)
{
	json_int_t offset = 0, limit = LIMIT_DEFAULT;

	if (!rpc_bounded(params, "offset", 0, INT32_MAX, &offset, error) ||
		!rpc_bounded(params, "limit", 1, LIMIT_MAX, &limit, error))
		return false;
	*page = (struct page){
		.offset = (uint64_t)offset, .limit = (uint64_t)limit, .list = json_array()};
	return true;
}

bool
page_takes(struct page *page)
{
	return page->total++ >= page->offset && json_array_size(page->list) < page->limit;
}

json_t *
page_answer(struct page *page, const char *name)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "total", rpc_u64(page->total), "offset",
		rpc_u64(page->offset), "limit", rpc_u64(page->limit), name, page->list);
}
