/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/l2tp/result.h"

#include "control/l2tp/message.h"

struct l2tp_result
l2tp_stop_result(enum refusal_code code)
{
	switch (code) {
	case REFUSAL_SERVER_STOPPING:
	case REFUSAL_PROTOCOL_DISABLED:
		return (struct l2tp_result){L2TP_STOP_SHUTDOWN, L2TP_ERROR_NONE};
	case REFUSAL_TUNNEL_AUTH_FAILED:
		return (struct l2tp_result){L2TP_STOP_NOT_AUTHORIZED, L2TP_ERROR_NONE};
	case REFUSAL_ADDRESS_LIMIT:
	case REFUSAL_PORTS_FULL:
	case REFUSAL_CONNECTIONS_FULL:
	case REFUSAL_NO_RESOURCES:
	case REFUSAL_DATAPLANE_DOWN:
		return (struct l2tp_result){L2TP_STOP_ERROR, L2TP_ERROR_RESOURCES};
	case REFUSAL_PROTOCOL_ERROR:
		return (struct l2tp_result){L2TP_STOP_FSM, L2TP_ERROR_NONE};
	default:
		return (struct l2tp_result){L2TP_STOP_CLEAR, L2TP_ERROR_NONE};
	}
}

struct l2tp_result
l2tp_cdn_result(enum refusal_code code)
{
	switch (code) {
	case REFUSAL_PEER_DEAD:
	case REFUSAL_CONTROL_LOST:
		return (struct l2tp_result){L2TP_CDN_CARRIER_LOST, L2TP_ERROR_NONE};
	case REFUSAL_SETUP_TIMEOUT:
		return (struct l2tp_result){L2TP_CDN_TIMEOUT, L2TP_ERROR_NONE};
	case REFUSAL_PORTS_FULL:
	case REFUSAL_CALL_LIMIT:
	case REFUSAL_DATAPLANE_FULL:
	case REFUSAL_ADDRESS_LIMIT:
	case REFUSAL_STRANGERS:
		return (struct l2tp_result){L2TP_CDN_NO_FACILITIES_NOW, L2TP_ERROR_NONE};
	case REFUSAL_CALL_REFUSED:
		return (struct l2tp_result){L2TP_CDN_NO_FACILITIES, L2TP_ERROR_NONE};
	case REFUSAL_NO_RESOURCES:
	case REFUSAL_DATAPLANE_DOWN:
		return (struct l2tp_result){L2TP_CDN_ERROR, L2TP_ERROR_RESOURCES};
	case REFUSAL_PROTOCOL_ERROR:
		return (struct l2tp_result){L2TP_CDN_ERROR, L2TP_ERROR_VALUE};
	default:
		return (struct l2tp_result){L2TP_CDN_ADMIN, L2TP_ERROR_NONE};
	}
}
