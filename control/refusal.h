/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every reason for which Adit refuses or ends a connection (R17): one stable code, one sentence,
 * one remedy. The codes appear in the log, the control socket and metrics: never rename or reuse
 * one.
 */
#ifndef ADIT_CONTROL_REFUSAL_H
#define ADIT_CONTROL_REFUSAL_H

/* X(enumerator, "stable-code", "what happened", "what to do about it") */
#define REFUSAL_TABLE(X)                                                                          \
	X(NONE, "none", "orderly end", "nothing to do")                                           \
	X(PROTOCOL_DISABLED, "protocol-disabled",                                                 \
		"the tunnel protocol is turned off (max_sessions = 0)",                           \
		"set pptp.max_sessions above 0")                                                  \
	X(PORTS_FULL, "ports-full", "all ports of the protocol are in use",                       \
		"raise max_sessions, or disconnect idle sessions")                                \
	X(ADDRESS_LIMIT, "address-limit", "too many control connections from one address",        \
		"raise pptp.max_connections_per_address if many clients share that address")      \
	X(DATAPLANE_DOWN, "dataplane-down", "the data plane is not connected",                    \
		"start adit-dataplane and look at its log")                                       \
	X(NO_COMMON_AUTH, "no-common-auth",                                                       \
		"client and server have no authentication method in common",                      \
		"enable a method of ppp.authentication that the client offers")                   \
	X(UNKNOWN_USER, "unknown-user", "no such user", "create the user, or correct the name")   \
	X(WRONG_PASSWORD, "wrong-password", "the password is wrong", "correct it at the client")  \
	X(DIALIN_DENIED, "dialin-denied", "the user's dial-in permission is not allow",           \
		"set dial_in = \"allow\" for the user")                                           \
	X(LOCKED_OUT, "locked-out", "too many failed attempts", "wait, or raise ppp.lockout")     \
	X(POOL_EMPTY, "pool-empty", "no free address is left in the pool", "enlarge the pool")    \
	X(ADDRESS_IN_USE, "address-in-use", "the user's static address is in use",                \
		"disconnect the other session")                                                   \
	X(NO_COMMON_ENCRYPTION, "no-common-encryption",                                           \
		"policy requires encryption and the client agreed to none that is allowed",       \
		"enable MPPE-128 at the client, or allow less in policy")                         \
	X(WEAK_CRYPTO_OFF, "weak-crypto-off",                                                     \
		"the client offers only 40- or 56-bit MPPE, which is off",                        \
		"enable MPPE-128 at the client; as a last resort: aditctl weak-crypto pptp on")   \
	X(ENCRYPTION_NEEDS_MSCHAP, "encryption-needs-mschap",                                     \
		"MPPE is required, but the authentication method yields no keys",                 \
		"use MS-CHAPv2, or do not require MPPE")                                          \
	X(NO_IP, "no-ip", "the client refused the address it was given (IPCP failed)",            \
		"let the client obtain its address automatically")                                \
	X(LCP_FAILED, "lcp-failed", "LCP did not converge", "look at the client's LCP options")   \
	X(SETUP_TIMEOUT, "setup-timeout", "the client did not finish the set-up in time",         \
		"check that GRE (IP protocol 47) passes firewalls and NATs in both directions")   \
	X(PEER_DEAD, "peer-dead", "the client stopped answering", "check the client's network")   \
	X(PEER_CLOSED, "peer-closed", "the client ended the connection", "nothing to do")         \
	X(CONTROL_LOST, "control-lost", "the PPTP control connection was lost",                   \
		"check the client's network")                                                     \
	X(PROTOCOL_ERROR, "protocol-error", "the client broke the protocol",                      \
		"update the client; a scanner or an attack also looks like this")                 \
	X(ADMIN_DISCONNECT, "admin-disconnect", "an operator ended the session", "nothing to do") \
	X(SERVER_STOPPING, "server-stopping", "the gateway is being stopped",                     \
		"connect again later")                                                            \
	X(NO_RESOURCES, "no-resources", "out of memory or identifiers", "look at aditctl status") \
	X(AUTH_TIMEOUT, "auth-timeout", "the client did not authenticate in time",                \
		"check the client")                                                               \
	X(CALL_REFUSED, "call-refused", "the call request cannot be served",                      \
		"clients call out; incoming and dial-out calls are not served")

enum refusal_code {
#define X(e, code, what, remedy) REFUSAL_##e,
	REFUSAL_TABLE(X)
#undef X
		REFUSAL_COUNT
};

/* Never NULL; an unknown value gives "unknown". */
const char *refusal_name(enum refusal_code code);
const char *refusal_text(enum refusal_code code);
const char *refusal_remedy(enum refusal_code code);

#endif
