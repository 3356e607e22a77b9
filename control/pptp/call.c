/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/pptp/call.h"

#include <stdlib.h>

struct pptp_call *
pptp_call_by_our_id(const struct pptp_calls *calls, uint16_t our_id)
{
	struct pptp_call *call = calls->first;

	while (call && call->our_id != our_id)
		call = call->next;
	return call;
}

struct pptp_call *
pptp_call_by_peer_id(const struct pptp_calls *calls, uint16_t peer_id)
{
	struct pptp_call *call = calls->first;

	while (call && call->peer_id != peer_id)
		call = call->next;
	return call;
}

struct pptp_call *
pptp_call_by_user(const struct pptp_calls *calls, const void *user)
{
	struct pptp_call *call = calls->first;

	while (call && call->user != user)
		call = call->next;
	return call;
}

void
pptp_call_add(struct pptp_calls *calls, struct pptp_call *call)
{
	call->next = calls->first;
	calls->first = call;
	calls->count++;
}

void
pptp_call_remove(struct pptp_calls *calls, struct pptp_call *call)
{
	struct pptp_call **p = &calls->first;

	while (*p && *p != call)
		p = &(*p)->next;
	if (!*p)
		return;
	*p = call->next;
	call->next = NULL;
	calls->count--;
}

void
pptp_calls_free(struct pptp_calls *calls)
{
	struct pptp_call *call;

	while ((call = calls->first)) {
		calls->first = call->next;
		free(call);
	}
	calls->count = 0;
}
