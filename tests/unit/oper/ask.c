/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/oper/ask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/oper/fake_gateway.h"

static const struct oper_counters no_counters;

struct rpc_context
ask_context(unsigned int sessions)
{
	return (struct rpc_context){.gateway = fake_gateway_new(sessions),
		.counters = &no_counters,
		.role = OPER_ADMIN,
		.pid = 77};
}

json_t *
ask(struct rpc_context *ctx, const char *line, size_t n, bool *bad)
{
	json_error_t why;
	size_t len = 0;
	char *answer = rpc_handle(ctx, line, n, &len, bad);

	if (answer == NULL)
		return NULL;
	json_t *response = json_loadb(answer, len, JSON_REJECT_DUPLICATES, &why);
	if (!response)
		fail_msg("%s: %.*s", why.text, (int)len, answer);
	assert_ptr_equal(memchr(answer, '\n', len), answer + len - 1);
	free(answer);
	return response;
}
