/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/pptp/result.h"

#include "control/pptp/message.h"

struct pptp_result
pptp_ocrp_result(enum refusal_code code)
{
	switch (code) {
	case REFUSAL_NONE:
		return (struct pptp_result){PPTP_RESULT_OK, PPTP_ERROR_NONE};
	case REFUSAL_PORTS_FULL:
	case REFUSAL_CONNECTIONS_FULL:
	case REFUSAL_CALL_LIMIT:
	case REFUSAL_DATAPLANE_FULL:
	case REFUSAL_ADDRESS_LIMIT:
	case REFUSAL_STRANGERS:
		return (struct pptp_result){PPTP_OCRP_BUSY, PPTP_ERROR_NONE};
	case REFUSAL_PROTOCOL_DISABLED:
	case REFUSAL_LOCKED_OUT:
	case REFUSAL_ADMIN_DISCONNECT:
	case REFUSAL_SERVER_STOPPING:
	case REFUSAL_CALL_REFUSED:
		return (struct pptp_result){PPTP_OCRP_DO_NOT_ACCEPT, PPTP_ERROR_NONE};
	case REFUSAL_PROTOCOL_ERROR:
		return (struct pptp_result){PPTP_RESULT_GENERAL_ERROR, PPTP_ERROR_BAD_VALUE};
	default:
		return (struct pptp_result){PPTP_RESULT_GENERAL_ERROR, PPTP_ERROR_NO_RESOURCE};
	}
}

struct pptp_result
pptp_cdn_result(enum refusal_code code)
{
	switch (code) {
	case REFUSAL_NONE:
	case REFUSAL_PEER_CLOSED:
		return (struct pptp_result){PPTP_CDN_REQUEST, PPTP_ERROR_NONE};
	case REFUSAL_PEER_DEAD:
	case REFUSAL_CONTROL_LOST:
	case REFUSAL_SETUP_TIMEOUT:
		return (struct pptp_result){PPTP_CDN_LOST_CARRIER, PPTP_ERROR_NONE};
	case REFUSAL_NO_RESOURCES:
	case REFUSAL_DATAPLANE_DOWN:
		return (struct pptp_result){PPTP_CDN_GENERAL_ERROR, PPTP_ERROR_NO_RESOURCE};
	case REFUSAL_PROTOCOL_ERROR:
		return (struct pptp_result){PPTP_CDN_GENERAL_ERROR, PPTP_ERROR_BAD_VALUE};
	default:
		return (struct pptp_result){PPTP_CDN_ADMIN, PPTP_ERROR_NONE};
	}
}

uint8_t
pptp_stop_reason(enum refusal_code code)
{
	switch (code) {
	case REFUSAL_SERVER_STOPPING:
	case REFUSAL_PROTOCOL_DISABLED:
		return PPTP_STOP_LOCAL_SHUTDOWN;
	case REFUSAL_PROTOCOL_ERROR:
		return PPTP_STOP_PROTOCOL;
	default:
		return PPTP_STOP_NONE;
	}
}
