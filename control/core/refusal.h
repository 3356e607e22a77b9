/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every reason for which Adit refuses or ends a connection (R17): one stable code, one sentence,
 * one remedy. The codes appear in the log, the control socket and metrics: never rename or reuse
 * one.
 */
#ifndef ADIT_CONTROL_CORE_REFUSAL_H
#define ADIT_CONTROL_CORE_REFUSAL_H

/* X(enumerator, "stable-code", "what happened", "what to do about it") */
#define REFUSAL_TABLE(X)                                                                           \
	X(NONE, "none", "orderly end", "nothing to do")                                            \
	X(PROTOCOL_DISABLED, "protocol-disabled",                                                  \
		"the client came through IPsec, but L2TP is turned off; PPTP that is turned off "  \
		"gives no answer at all",                                                          \
		"set l2tp.enabled = true and l2tp.max_sessions above 0; for PPTP pptp.enabled "    \
		"and pptp.max_sessions")                                                           \
	X(PORTS_FULL, "ports-full", "all ports of the protocol are in use",                        \
		"raise pptp.max_sessions or l2tp.max_sessions, whichever text= in the log names, " \
		"or disconnect idle sessions")                                                     \
	X(CONNECTIONS_FULL, "connections-full",                                                    \
		"there are as many PPTP connections, or L2TP tunnels, as there may be",            \
		"raise pptp.max_connections, l2tp.max_tunnels or l2tp.max_half_open, whichever "   \
		"text= in the log names")                                                          \
	X(CALL_LIMIT, "call-limit",                                                                \
		"the client's connection or tunnel has as many calls as it may have",              \
		"raise pptp.max_calls_per_connection or l2tp.max_sessions_per_tunnel, whichever "  \
		"text= in the log names")                                                          \
	X(DATAPLANE_FULL, "dataplane-full", "the data plane has no room for another session",      \
		"raise sessions.max in adit-dataplane.conf to pptp.max_sessions and "              \
		"l2tp.max_sessions together, and restart adit-dataplane")                          \
	X(ADDRESS_LIMIT, "address-limit",                                                          \
		"too many PPTP connections, or L2TP tunnels, from one address or IPsec client",    \
		"if many clients share it raise pptp.max_connections_per_address, "                \
		"l2tp.max_tunnels_per_peer or l2tp.max_half_open_per_peer, whichever text= in "    \
		"the log names")                                                                   \
	X(STRANGERS, "unauthenticated-limit",                                                      \
		"it had not authenticated, and made room for others; or its IPsec client has too " \
		"many such sessions",                                                              \
		"let the client dial again; if it goes on raise pptp.max_sessions or "             \
		"l2tp.max_sessions, and ppp.max_unauthenticated_per_peer for a LAC")               \
	X(DATAPLANE_DOWN, "dataplane-down", "the data plane is not connected",                     \
		"start adit-dataplane and look at its log; control.user and the socket "           \
		"must be the same in both files: adit-control -t -d FILE")                         \
	X(NO_COMMON_AUTH, "no-common-auth",                                                        \
		"client and server have no authentication method in common",                       \
		"name a method that the client can do in ppp.authentication, or in "               \
		"users[].authentication where the user has his own; all but mschapv2 also want "   \
		"mppe.policy = \"allow\" (not inside IPsec), and mschapv1 mppe.allow_weak_crypto") \
	X(UNKNOWN_USER, "unknown-user", "no such user", "create the user, or correct the name")    \
	X(WRONG_PASSWORD, "wrong-password", "the password is wrong", "correct it at the client")   \
	X(DIALIN_DENIED, "dialin-denied", "the user's dial-in permission is not allow",            \
		"set dial_in = \"allow\" for the user")                                            \
	X(LOCKED_OUT, "locked-out", "too many failed attempts",                                    \
		"aditctl unlock USER, or wait for ppp.lockout_time; and find out who guesses")     \
	X(DECISION_TIMEOUT, "decision-timeout",                                                    \
		"who decides about the user did not answer in time",                               \
		"find out why it is slow or out of reach; if it needs longer raise "               \
		"ppp.auth_timeout, of which it has a half")                                        \
	X(GRANT_UNSUPPORTED, "grant-unsupported",                                                  \
		"who decides about the user limits him in a way that is not enforced here",        \
		"take from the user's profile what text= in the log names")                        \
	X(POOL_EMPTY, "pool-empty", "no free address is left in the pool", "enlarge the pool")     \
	X(ADDRESS_IN_USE, "address-in-use", "the user's static address is in use",                 \
		"disconnect the other session, or set sessions.same_user to \"allow\"")            \
	X(REPLACED, "replaced", "the same user, or the owner of the address, connected again",     \
		"let two devices have two users; see sessions.same_user")                          \
	X(USER_LIMIT, "user-limit", "the user has as many sessions as he may have",                \
		"disconnect one of them, or raise sessions.max_per_user")                          \
	X(NO_COMMON_ENCRYPTION, "no-common-encryption",                                            \
		"policy requires encryption and the client agreed to none that is allowed",        \
		"enable MPPE-128 at the client, or allow less in policy: mppe.policy = \"allow\"") \
	X(WEAK_CRYPTO_OFF, "weak-crypto-off",                                                      \
		"the client offers only 40- or 56-bit MPPE, which is off",                         \
		"enable MPPE-128 at the client; as a last resort both: 40 and 56 in "              \
		"mppe.strengths, and mppe.allow_weak_crypto (or aditctl weak-crypto pptp on)")     \
	X(ENCRYPTION_NEEDS_MSCHAP, "encryption-needs-mschap",                                      \
		"MPPE is required, but the authentication method yields no keys",                  \
		"let the client use MS-CHAPv2 (MS-CHAPv1 yields none), or do not "                 \
		"require MPPE: mppe.policy = \"allow\"")                                           \
	X(NO_IP, "no-ip", "the client refused the address it was given (IPCP failed)",             \
		"let the client obtain its address automatically")                                 \
	X(LCP_FAILED, "lcp-failed", "LCP did not converge", "look at the client's LCP options")    \
	X(SETUP_TIMEOUT, "setup-timeout", "the client did not finish the set-up in time",          \
		"let firewalls and NATs pass the tunnel in both directions: GRE (IP protocol 47) " \
		"for PPTP, UDP 1701 for L2TP without IPsec; on slow paths raise "                  \
		"ppp.setup_timeout")                                                               \
	X(PEER_DEAD, "peer-dead", "the client stopped answering", "check the client's network")    \
	X(PEER_CLOSED, "peer-closed", "the client ended the connection", "nothing to do")          \
	X(SETUP_ABORTED, "setup-aborted", "the client hung up before it was connected",            \
		"dial again; if it comes back, read what the client itself reports: it does not "  \
		"like what was under way then (text= in the log), or its user gave up")            \
	X(LINK_RESTARTED, "link-restarted",                                                        \
		"the client negotiated LCP anew in an open session, which was ended for that",     \
		"let the client dial again; if it does so often, update it")                       \
	X(CONTROL_LOST, "control-lost", "the PPTP control connection was lost",                    \
		"let the client dial again; check its network")                                    \
	X(PROTOCOL_ERROR, "protocol-error", "the client broke the protocol",                       \
		"update the client; a scanner or an attack also looks like this")                  \
	X(ADMIN_DISCONNECT, "admin-disconnect", "an operator ended the session", "nothing to do")  \
	X(SERVER_STOPPING, "server-stopping", "the gateway is being stopped",                      \
		"connect again later")                                                             \
	X(NO_RESOURCES, "no-resources", "out of memory or identifiers",                            \
		"let the client dial again; if it comes back, text= in the log says what there "   \
		"is too little of")                                                                \
	X(AUTH_TIMEOUT, "auth-timeout", "the client did not authenticate in time",                 \
		"look whether a dialog waits for its user there; on slow paths raise "             \
		"ppp.auth_timeout")                                                                \
	X(CALL_REFUSED, "call-refused", "the call request cannot be served",                       \
		"clients call out; incoming and dial-out calls are not served")                    \
	X(IKE_NO_PROPOSAL, "ike-no-common-proposal",                                               \
		"IKE: the client offers no cipher, hash and group that are allowed",               \
		"see ipsec.proposals; as a last resort: aditctl weak-crypto l2tp on")              \
	X(ESP_NO_PROPOSAL, "esp-no-common-proposal",                                               \
		"IKE: the client offers no ESP encryption and integrity (and, with PFS, group) "   \
		"that are allowed",                                                                \
		"at the client choose AES with SHA-1 or SHA-2, and for PFS a group of 1,024 bits " \
		"or more (2,048 with ipsec.proposals = \"strong\"), or no PFS; as a last resort: " \
		"aditctl weak-crypto l2tp on")                                                     \
	X(IKE_PSK_MISMATCH, "ike-psk-mismatch",                                                    \
		"IKE: the client's first encrypted message can't be read: another pre-shared "     \
		"key, or none",                                                                    \
		"enter the same pre-shared key at the client and in ipsec.psk")                    \
	X(IKE_AUTH_FAILED, "ike-auth-failed",                                                      \
		"IKE: the client's certificate or identity is not accepted",                       \
		"check its machine certificate, its dates, and the CAs of ipsec.ca")               \
	X(IKE_AGGRESSIVE, "ike-aggressive-mode",                                                   \
		"IKE: the client uses aggressive mode, which gives a pre-shared key away to a "    \
		"dictionary",                                                                      \
		"set the client to IKEv1 main mode, without a group name or other local ID")       \
	X(IKE_NO_CERTIFICATE, "ike-no-certificate",                                                \
		"IKE: the client wants certificates, and none is configured here",                 \
		"set the client to the pre-shared key, or configure ipsec.certificate and "        \
		"ipsec.ca")                                                                        \
	X(IKE_REVOKED, "ike-certificate-revoked",                                                  \
		"IKE: the client's certificate is revoked (ipsec.crl)",                            \
		"give the client another certificate, if it may come back")                        \
	X(IKE_MALFORMED, "ike-malformed", "IKE: a message can't be parsed",                        \
		"update the client; a scanner or an attack also looks like this")                  \
	X(IKE_HALF_OPEN, "ike-half-open",                                                          \
		"IKE: the client began and did not go on (Windows shows error 809)",               \
		"let UDP 500 and 4500 pass in both directions; behind a NAT on the server's side " \
		"Windows needs AssumeUDPEncapsulationContextOnSendRule = 2")                       \
	X(IKE_PEER_DEAD, "ike-peer-dead", "IKE: the client does not answer any more",              \
		"check the client's network")                                                      \
	X(IPSEC_SELECTORS, "ipsec-selectors",                                                      \
		"IKE: the client wants to protect something else than L2TP",                       \
		"set the client to L2TP/IPsec, transport mode, UDP port 1701")                     \
	X(IPSEC_NO_ESP, "ipsec-no-esp",                                                            \
		"IKE succeeded, but not one ESP packet of the client came",                        \
		"let ESP (IP protocol 50) or UDP 4500 pass; turn on NAT traversal at the client")  \
	X(ESP_AUTH_FAILED, "esp-auth-failed",                                                      \
		"IKE succeeded, but the client's ESP packets fail their integrity check",          \
		"with HMAC-SHA2-256 (old Android, macOS and iOS) name the client in "              \
		"ipsec.sha256_96_peers, or set ipsec.sha256_96; else something on the way "        \
		"changes packets")                                                                 \
	X(IPSEC_WEAK_CRYPTO_OFF, "ipsec-weak-crypto-off",                                          \
		"the SA would use DES or MD5, which is off",                                       \
		"allow better ones at the client; as a last resort: aditctl weak-crypto l2tp on")  \
	X(IPSEC_ADDRESS_LIMIT, "ipsec-address-limit",                                              \
		"too many IPsec clients, or exchanges at once, from one address",                  \
		"raise ipsec.max_peers_per_address or max_half_open_per_address if a NAT is "      \
		"there")                                                                           \
	X(IPSEC_SHARE, "ipsec-share",                                                              \
		"an address, or a client, has its share of the SAs: clients without a user who "   \
		"has logged in get an eighth of what is free",                                     \
		"raise ipsec.max_sas of the data plane if many clients log in at once")            \
	X(IPSEC_FULL, "ipsec-full", "the data plane has no room for another SA",                   \
		"raise ipsec.max_sas of the data plane")                                           \
	X(IPSEC_INSTALL, "ipsec-install", "IKE: the SA could not be installed",                    \
		"look at the log of adit-control just before")                                     \
	X(TUNNEL_AUTH_FAILED, "tunnel-auth-failed", "the L2TP tunnel secrets differ",              \
		"set the client's tunnel secret to l2tp.tunnel_secret, or both to none")           \
	X(IPSEC_REQUIRED, "ipsec-required", "L2TP came in clear, and IPsec is required",           \
		"let the client use IPsec; in a trusted network: l2tp.require_ipsec = false")      \
	X(SA_GONE, "sa-gone", "the client's IPsec security association ended",                     \
		"look at charon's log: an IKE delete, a dead peer, or a rekeying that failed")

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
