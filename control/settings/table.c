/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows of data: a row is read as one, so lines are longer here than elsewhere. */
#include "control/settings/table.h"

#include <string.h>
#include <syslog.h>

#include "control/settings/config.h"
#include "dataplane/api/sa.h"

#define FIELD(f) .offset = offsetof(struct config, f), .size = sizeof(((struct config *)0)->f)
#define OF_USER(f) \
	.offset = offsetof(struct user_entry, f), .size = sizeof(((struct user_entry *)0)->f)
#define COUNT(f)  .count = offsetof(struct config, f)
#define MS        .unit = "s", .scale = 1000
#define SECONDS   .unit = "s"
#define TELL(p)   .part = PART_##p
#define FILE_ONLY .file_only = true

static const struct word log_levels[] = {{"error", LOG_ERR}, {"warning", LOG_WARNING},
	{"notice", LOG_NOTICE}, {"info", LOG_INFO}, {"debug", LOG_DEBUG}, {NULL, 0}};
static const struct word auth_methods[] = {{"mschapv2", PPP_AUTH_MSCHAPV2},
	{"chap-md5", PPP_AUTH_CHAP_MD5}, {"mschapv1", PPP_AUTH_MSCHAPV1}, {"pap", PPP_AUTH_PAP},
	{NULL, 0}};
static const struct word policies[] = {{"forbid", PPP_MPPE_FORBID}, {"allow", PPP_MPPE_ALLOW},
	{"require", PPP_MPPE_REQUIRE}, {NULL, 0}};
static const struct word modes[] = {{"stateless-only", PPP_MPPE_STATELESS_ONLY},
	{"prefer-stateless", PPP_MPPE_PREFER_STATELESS},
	{"prefer-stateful", PPP_MPPE_PREFER_STATEFUL}, {NULL, 0}};
static const struct word key_bits[] = {
	{"40", PPP_MPPE_40}, {"56", PPP_MPPE_56}, {"128", PPP_MPPE_128}, {NULL, 0}};
static const struct word same_users[] = {{"allow", SAME_USER_ALLOW}, {"replace", SAME_USER_REPLACE},
	{"refuse", SAME_USER_REFUSE}, {NULL, 0}};
static const struct word dialins[] = {{"allow", DIALIN_ALLOW}, {"deny", DIALIN_DENY}, {NULL, 0}};
static const struct word classes[] = {
	{"strong", SUITE_STRONG}, {"legacy", SUITE_LEGACY}, {NULL, 0}};
static const struct word revocations[] = {{"relaxed", IKE_REVOCATION_RELAXED},
	{"ifuri", IKE_REVOCATION_IFURI}, {"strict", IKE_REVOCATION_STRICT}, {NULL, 0}};
static const struct word revoked[] = {{"end", 0}, {"keep", 1}, {NULL, 0}};

static void
pptp_connections(struct config *c)
{
	c->pptp_max_connections = 2 * c->pptp_max_sessions + 16;
}

static void
l2tp_tunnels(struct config *c)
{
	c->l2tp.max_tunnels = 2 * c->l2tp_max_sessions + 16;
}

static void
user_sessions(struct config *c)
{
	c->max_per_user = c->same_user == SAME_USER_ALLOW ? 0 : 1;
}

const char *const settings_groups[] = {"control", "pptp", "l2tp", "ipsec", "ppp", "mppe",
	"sessions", "pool", "dns", "wins", "users", NULL};

/* clang-format off */
const struct setting settings_table[] = {
	{"control.socket", "aditctl's socket, see [rpc.md](rpc.md)",
		FIELD(socket_path), .type = SETTING_STRING, .min = 1, .fallback = "/run/adit/control.sock", .effect = SETTING_START, FILE_ONLY},
	{"control.socket_group", "group whose members may look and, by the socket file's mode, connect; \"\": `operate_group` takes its place",
		FIELD(socket_group), .type = SETTING_STRING, .effect = SETTING_START, .grants_role = true},
	{"control.operate_group", "group whose members may end sessions, too; where `socket_group` is set, they have to be in both",
		FIELD(operate_group), .type = SETTING_STRING, .effect = SETTING_START, .grants_role = true},
	{"control.dataplane", "the data plane's `control.socket`",
		FIELD(dataplane_path), .type = SETTING_STRING, .min = 1, .fallback = "/run/adit/dataplane.sock", .effect = SETTING_START, FILE_ONLY},
	{"control.user", "user to become after the start, the same as in adit-dataplane.conf; \"\": stay",
		FIELD(user), .type = SETTING_STRING, .fallback = "adit", .effect = SETTING_START, FILE_ONLY},
	{"control.overlay", "where is kept what operators set live; `control.user` must be able to write in its directory; \"\": nothing is kept",
		FIELD(overlay_path), .type = SETTING_STRING, .fallback = "/var/lib/adit/control.overlay", .effect = SETTING_START, FILE_ONLY},
	{"control.log_level", "how much is logged",
		FIELD(log_level), .type = SETTING_WORD, .words = log_levels, .fallback = "info", .effect = SETTING_NOW, TELL(LOG)},

	{"pptp.enabled", "false: nothing listens",
		FIELD(pptp_enabled), .type = SETTING_BOOL, .fallback = "false", .effect = SETTING_PART, TELL(PPTP)},
	{"pptp.listen", "addresses for TCP connections",
		FIELD(pptp_listen), COUNT(n_pptp_listen), .type = SETTING_IPS, .min = 1, .max = CONFIG_MAX_LISTEN, .fallback = "0.0.0.0", .effect = SETTING_PART, TELL(PPTP)},
	{"pptp.port", "TCP port",
		FIELD(pptp_port), .type = SETTING_NUMBER, .min = 1, .max = 65535, .fallback = "1723", .effect = SETTING_START},
	{"pptp.max_sessions", "calls at a time; 0 turns PPTP off; a call beyond it is refused as `ports-full`",
		FIELD(pptp_max_sessions), .type = SETTING_NUMBER, .max = 1u << 20, .fallback = "128", .effect = SETTING_NOW, TELL(PPTP)},
	{"pptp.max_connections", "TCP connections at a time",
		FIELD(pptp_max_connections), .type = SETTING_NUMBER, .min = 1, .max = 1u << 21, .derive = pptp_connections, .fallback_text = "2 max_sessions + 16", .effect = SETTING_NOW},
	{"pptp.max_connections_per_address", "of them from one address; raise it when many clients share a NAT",
		FIELD(pptp_max_connections_per_address), .type = SETTING_NUMBER, .min = 1, .max = 1u << 20, .fallback = "8", .effect = SETTING_NOW},
	{"pptp.max_calls_per_connection", "Windows and Linux clients make one",
		FIELD(pptp.max_calls), .type = SETTING_NUMBER, .min = 1, .max = 1024, .fallback = "1", .effect = SETTING_NEW},
	{"pptp.start_timeout", "from the TCP connection to the first message, and from that to the first call",
		FIELD(pptp.start_timeout_ms), .type = SETTING_NUMBER, MS, .min = 1, .max = 600, .fallback = "30", .effect = SETTING_NEW},
	{"pptp.echo_interval", "Echo-Request on a silent control connection",
		FIELD(pptp.echo_interval_ms), .type = SETTING_NUMBER, MS, .min = 1, .max = 3600, .fallback = "60", .effect = SETTING_NEW},
	{"pptp.echo_timeout", "no answer by then: the connection is lost",
		FIELD(pptp.echo_timeout_ms), .type = SETTING_NUMBER, MS, .min = 1, .max = 3600, .fallback = "60", .effect = SETTING_NEW},
	{"pptp.host_name", "the name that everybody is told who connects to TCP port 1723; \"\": none. Clients need none",
		FIELD(pptp.host_name), .type = SETTING_STRING, .effect = SETTING_NEW},
	{"pptp.vendor", "the product that they are told; \"\": none",
		FIELD(pptp.vendor), .type = SETTING_STRING, .effect = SETTING_NEW},

	{"l2tp.enabled", "false: no L2TP; true: also set `ipsec.enabled`, unless `require_ipsec` is off",
		FIELD(l2tp_enabled), .type = SETTING_BOOL, .fallback = "false", .effect = SETTING_START},
	{"l2tp.max_sessions", "sessions at a time; 0 turns L2TP off; one beyond it is refused as `ports-full`",
		FIELD(l2tp_max_sessions), .type = SETTING_NUMBER, .max = 1u << 20, .fallback = "128", .effect = SETTING_NOW, TELL(L2TP)},
	{"l2tp.require_ipsec", "false: L2TP is also served in clear, for trusted networks; true: clear L2TP is dropped at the WAN ports",
		FIELD(l2tp_require_ipsec), .type = SETTING_BOOL, .fallback = "true", .effect = SETTING_NOW, TELL(DATAPLANE)},
	{"l2tp.tunnel_secret", "tunnels are authenticated with it in both directions (RFC 2661); \"\": they are not. Windows and phones have none",
		FIELD(l2tp.secret), .type = SETTING_SECRET, .fallback_text = "\"\"", .effect = SETTING_NEW, TELL(L2TP), FILE_ONLY},
	{"l2tp.mru", "as `ppp.mru`, and also the largest packet to a client: 1398 fits UDP-encapsulated AES-CBC with a 128-bit ICV over 1,500 octets",
		FIELD(l2tp_mru), .type = SETTING_NUMBER, .unit = "octets", .min = 576, .max = 1500, .fallback = "1398", .effect = SETTING_NEW},
	{"l2tp.sequencing", "number data packets also when a client does not ask for it",
		FIELD(l2tp_sequencing), .type = SETTING_BOOL, .fallback = "false", .effect = SETTING_NEW},
	{"l2tp.hello_interval", "HELLO on a silent tunnel; 0: never",
		FIELD(l2tp.hello_interval_ms), .type = SETTING_NUMBER, MS, .max = 3600, .fallback = "60", .effect = SETTING_NOW, TELL(L2TP)},
	{"l2tp.start_timeout", "from a tunnel's or session's request to the message that completes it",
		FIELD(l2tp.half_open_ms), .type = SETTING_NUMBER, MS, .min = 1, .max = 600, .fallback = "15", .effect = SETTING_NEW, TELL(L2TP)},
	{"l2tp.idle_timeout", "a tunnel without sessions ends after that; 0: never",
		FIELD(l2tp.idle_ms), .type = SETTING_NUMBER, MS, .max = 86400, .fallback = "30", .effect = SETTING_NOW, TELL(L2TP)},
	{"l2tp.max_tunnels", "tunnels at a time",
		FIELD(l2tp.max_tunnels), .type = SETTING_NUMBER, .min = 1, .max = 1u << 21, .derive = l2tp_tunnels, .fallback_text = "2 max_sessions + 16", .effect = SETTING_NOW, TELL(L2TP)},
	{"l2tp.max_tunnels_per_peer", "of them of one client behind IPsec, or of one address in clear",
		FIELD(l2tp.max_tunnels_per_peer), .type = SETTING_NUMBER, .min = 1, .max = 65535, .fallback = "8", .effect = SETTING_NOW, TELL(L2TP)},
	{"l2tp.max_half_open", "tunnels whose client has not answered yet; those in clear and those behind IPsec are counted apart",
		FIELD(l2tp.max_half_open), .type = SETTING_NUMBER, .min = 1, .max = 65535, .fallback = "256", .effect = SETTING_NOW, TELL(L2TP)},
	{"l2tp.max_half_open_per_peer", "of them of one client, or of one address in clear",
		FIELD(l2tp.max_half_open_per_peer), .type = SETTING_NUMBER, .min = 1, .max = 65535, .fallback = "4", .effect = SETTING_NOW, TELL(L2TP)},
	{"l2tp.max_sessions_per_tunnel", "raise it for access concentrators; clients make one",
		FIELD(l2tp.max_sessions_per_tunnel), .type = SETTING_NUMBER, .min = 1, .max = 4096, .fallback = "16", .effect = SETTING_NOW, TELL(L2TP)},
	{"l2tp.receive_window", "control messages that a client may send unacknowledged",
		FIELD(l2tp.delivery.receive_window), .type = SETTING_NUMBER, .min = 1, .max = L2TP_WINDOW_MAX, .fallback = "8", .effect = SETTING_NEW, TELL(L2TP)},
	{"l2tp.max_retransmissions", "repetitions of a control message, after 1, 2, 4 ... seconds, until the client counts as dead",
		FIELD(l2tp.delivery.max_tries), .type = SETTING_NUMBER, .min = 1, .max = 20, .fallback = "5", .effect = SETTING_NEW, TELL(L2TP)},
	{"l2tp.max_retransmit_interval", "longest pause between them",
		FIELD(l2tp.delivery.retransmit_max_ms), .type = SETTING_NUMBER, MS, .min = 1, .max = 60, .fallback = "8", .effect = SETTING_NEW, TELL(L2TP)},
	{"l2tp.host_name", "the name that clients are told before they log in; \"\": \"lns\", since L2TP wants one",
		FIELD(l2tp.host_name), .type = SETTING_STRING, .effect = SETTING_NEW, TELL(L2TP)},
	{"l2tp.vendor", "the product that they are told; \"\": none",
		FIELD(l2tp.vendor), .type = SETTING_STRING, .effect = SETTING_NEW, TELL(L2TP)},

	{"ipsec.enabled", "L2TP/IPsec: IKE by strongSwan's charon, see [IPsec](operators.md#ipsec)",
		FIELD(ike.enabled), .type = SETTING_BOOL, .fallback = "false", .effect = SETTING_START, FILE_ONLY},
	{"ipsec.directory", "charon's configuration and the sockets between it and adit-control",
		FIELD(ike.directory), .type = SETTING_STRING, .min = 1, .fallback = "/run/adit/charon", .effect = SETTING_START, FILE_ONLY},
	{"ipsec.charon_user", "who runs charon, when it is not root: `ipsec.directory` becomes his. In a drop-in of adit-charon.service `User=` names him and `Group=` the group of `control.user`, with `AmbientCapabilities=CAP_NET_ADMIN CAP_NET_BIND_SERVICE CAP_NET_RAW`",
		FIELD(ike.charon_user), .type = SETTING_STRING, .effect = SETTING_START, FILE_ONLY},
	{"ipsec.listen", "local addresses of IKE",
		FIELD(ike.listen), COUNT(ike.n_listen), .type = SETTING_IPS, .max = IKE_MAX_LISTEN, .fallback_text = "all", .effect = SETTING_PART, TELL(IPSEC)},
	{"ipsec.psk", "pre-shared key of every client without its own; one that is easy to guess is refused",
		.type = SETTING_SECRET, .fallback_text = "none", .effect = SETTING_START, FILE_ONLY},
	{"ipsec.peers", "clients with pre-shared keys of their own",
		.type = SETTING_LIST, .max = IKE_MAX_PEERS, .fallback_text = "none", .effect = SETTING_START, FILE_ONLY},
	{"ipsec.peers[].address", "the client at this address ...", .type = SETTING_IP, .fallback_text = "", .effect = SETTING_START, FILE_ONLY},
	{"ipsec.peers[].psk", "... has this pre-shared key", .type = SETTING_SECRET, .fallback_text = "", .effect = SETTING_START, FILE_ONLY},
	{"ipsec.certificate", "the gateway's certificate, a PEM file",
		FIELD(ike.certificate), .type = SETTING_STRING, .min = 1, .fallback_text = "none", .effect = SETTING_START, FILE_ONLY},
	{"ipsec.key", "its private key, a PEM file without password",
		FIELD(ike.key), .type = SETTING_STRING, .min = 1, .fallback_text = "none", .effect = SETTING_START, FILE_ONLY},
	{"ipsec.ca", "the CAs that clients' certificates must come from, a PEM file",
		FIELD(ike.ca), .type = SETTING_STRING, .min = 1, .fallback_text = "none", .effect = SETTING_START, FILE_ONLY},
	{"ipsec.pkcs12", "instead of the three: a PKCS#12 (PFX) file",
		FIELD(ike.pkcs12), .type = SETTING_STRING, .min = 1, .fallback_text = "none", .effect = SETTING_START, FILE_ONLY},
	{"ipsec.pkcs12_password", "its password",
		FIELD(ike.pkcs12_password), .type = SETTING_SECRET, .fallback_text = "\"\"", .effect = SETTING_START, FILE_ONLY},
	{"ipsec.crl", "what the CAs have revoked (CRLs), a PEM file; see [Taking away what lets in](operators.md#taking-away-what-lets-in)",
		FIELD(ike.crl), .type = SETTING_STRING, .min = 1, .fallback_text = "none", .effect = SETTING_START, FILE_ONLY},
	{"ipsec.revocation", "\"relaxed\": a client is refused when its certificate is known to be revoked; \"ifuri\": also when nothing can be had from the place that it names; \"strict\": also when nothing is known, or the CRL has expired",
		FIELD(ike.revocation), .type = SETTING_WORD, .words = revocations, .fallback = "relaxed", .effect = SETTING_PART, TELL(IPSEC)},
	{"ipsec.ocsp", "ask the OCSP server that a certificate names, and fetch CRLs from where it says; needs the package libstrongswan-extra-plugins, and a way from the gateway to there",
		FIELD(ike.ocsp), .type = SETTING_BOOL, .fallback = "false", .effect = SETTING_START},
	{"ipsec.revoked", "what becomes of IKE SAs whose pre-shared key, CA or connection is no longer configured: \"end\": they end, \"keep\": they go on until they end by themselves",
		FIELD(ike.revoked_keep), .type = SETTING_WORD, .words = revoked, .fallback = "end", .effect = SETTING_PART, TELL(IPSEC)},
	{"ipsec.identity", "the gateway's identity with certificates: a name or address that the certificate holds",
		FIELD(ike.identity), .type = SETTING_STRING, .min = 1, .fallback_text = "the certificate's subject", .effect = SETTING_START, FILE_ONLY},
	{"ipsec.proposals", "weakest class of algorithms that is offered: \"strong\" (AES with SHA-2, groups of 2,048 bits and more), \"legacy\" (also SHA-1, 3DES, 1,024 bits)",
		FIELD(ike.min_strength), .type = SETTING_WORD, .words = classes, .fallback = "legacy", .effect = SETTING_PART, TELL(IPSEC)},
	{"ipsec.allow_weak_crypto", "DES, MD5 and 768-bit groups, see [Weak cryptography](operators.md#weak-cryptography)",
		FIELD(ike.allow_weak_crypto), .type = SETTING_BOOL, .fallback = "false", .effect = SETTING_PART, TELL(IPSEC_WEAK)},
	{"ipsec.sha256_96", "HMAC-SHA2-256 is cut to 96 bits, as old Android and macOS do, instead of 128",
		FIELD(ike.sha256_96_all), .type = SETTING_BOOL, .fallback = "false", .effect = SETTING_PART, TELL(IPSEC)},
	{"ipsec.sha256_96_peers", "the same for these addresses only",
		FIELD(ike.sha256_96), COUNT(ike.n_sha256_96), .type = SETTING_IPS, .max = IKE_MAX_PEERS, .fallback_text = "none", .effect = SETTING_PART, TELL(IPSEC)},
	{"ipsec.ike_lifetime", "of an IKE SA",
		FIELD(ike.ike_lifetime_s), .type = SETTING_NUMBER, SECONDS, .min = 600, .max = 604800, .fallback = "86400", .effect = SETTING_PART, TELL(IPSEC)},
	{"ipsec.sa_lifetime", "of an ESP SA; a successor is made before, and both work for a while",
		FIELD(ike.sa_lifetime_s), .type = SETTING_NUMBER, SECONDS, .min = 60, .max = 86400, .fallback = "3600", .effect = SETTING_PART, TELL(IPSEC)},
	{"ipsec.sa_lifetime_mb", "the same in MiB; 0: no limit but the cipher's own (256 MiB with DES and 3DES)",
		FIELD(ike.sa_lifetime_bytes), .type = SETTING_NUMBER, .unit = "MiB", .scale = 1u << 20, .max = 1u << 30, .fallback = "0", .effect = SETTING_PART, TELL(IPSEC)},
	{"ipsec.dpd", "a client silent for so long is asked whether it lives; after five times as long it is given up",
		FIELD(ike.dpd_s), .type = SETTING_NUMBER, SECONDS, .min = 5, .max = 3600, .fallback = "30", .effect = SETTING_PART, TELL(IPSEC)},
	{"ipsec.replay_window", "how far a packet may come late",
		FIELD(ike.replay_window), .type = SETTING_NUMBER, .unit = "packets", .min = 64, .max = 4096, .fallback = "1024", .effect = SETTING_PART, TELL(IPSEC)},
	{"ipsec.max_peers_per_address", "IPsec clients behind one address",
		FIELD(ike.max_peers_per_address), .type = SETTING_NUMBER, .min = 1, .max = SEGMENT_MAX_SAS, .fallback = "256", .effect = SETTING_NOW},
	{"ipsec.max_half_open_per_address", "exchanges that have begun and not ended, of one address; they end by themselves after 15 s",
		FIELD(ike.max_half_open_per_address), .type = SETTING_NUMBER, .min = 1, .max = 100000, .fallback = "64", .effect = SETTING_START},
	{"ipsec.max_half_open", "... of all",
		FIELD(ike.max_half_open), .type = SETTING_NUMBER, .min = 16, .max = 1000000, .fallback = "4000", .effect = SETTING_START},

	{"ppp.mru", "largest packet a PPTP client may send us; 1400 leaves room for the tunnel's headers",
		FIELD(ppp.mru), .type = SETTING_NUMBER, .unit = "octets", .min = 576, .max = 1500, .fallback = "1400", .effect = SETTING_NEW},
	{"ppp.min_peer_mru", "a client that offers less is asked for this",
		FIELD(ppp.min_peer_mru), .type = SETTING_NUMBER, .unit = "octets", .min = 128, .max = 1400, .fallback = "576", .effect = SETTING_NEW},
	{"ppp.server_name", "our name in CHAP",
		FIELD(ppp.server_name), .type = SETTING_STRING, .min = 1, .fallback = "adit", .effect = SETTING_NEW},
	{"ppp.authentication", "methods; \"mschapv1\" and \"pap\" are weak; only \"mschapv2\" yields MPPE keys; \"mschapv1\" is offered and taken only while mppe.allow_weak_crypto is on",
		FIELD(ppp.auth), .type = SETTING_WORDS, .words = auth_methods, .min = 1, .max = 4, .fallback = "mschapv2", .effect = SETTING_NEW, TELL(AAA)},
	{"ppp.echo_interval", "LCP echo on a silent link; 0: never",
		FIELD(ppp.echo_interval_ms), .type = SETTING_NUMBER, MS, .max = 3600, .fallback = "30", .effect = SETTING_NEW},
	{"ppp.echo_failures", "unanswered echoes until the session ends as `peer-dead`",
		FIELD(ppp.echo_failures), .type = SETTING_NUMBER, .min = 1, .max = 100, .fallback = "4", .effect = SETTING_NEW},
	{"ppp.auth_timeout", "for authentication",
		FIELD(ppp.auth_timeout_ms), .type = SETTING_NUMBER, MS, .min = 1, .max = 600, .fallback = "30", .effect = SETTING_NEW},
	{"ppp.auth_retries", "further tries after a wrong password",
		FIELD(ppp.auth_retries), .type = SETTING_NUMBER, .max = 10, .fallback = "2", .effect = SETTING_NEW},
	{"ppp.setup_timeout", "from the first octet (PPTP: of the control connection) to a working link, whatever the client negotiates anew meanwhile",
		FIELD(ppp.setup_timeout_ms), .type = SETTING_NUMBER, MS, .min = 1, .max = 3600, .fallback = "60", .effect = SETTING_NEW},
	{"ppp.max_unauthenticated", "of the ports that authenticated clients leave; when others hold more of them, whoever has taken more than 5 s gives way to newcomers. The same of PPTP's connections",
		FIELD(strangers.all), .type = SETTING_NUMBER, .unit = "%", .min = 1, .max = 100, .fallback = "50", .effect = SETTING_NOW},
	{"ppp.max_unauthenticated_per_address", "... clients of one address",
		FIELD(strangers.address), .type = SETTING_NUMBER, .unit = "%", .min = 1, .max = 100, .fallback = "25", .effect = SETTING_NOW},
	{"ppp.max_unauthenticated_per_peer", "sessions of one IPsec client that have not authenticated",
		FIELD(strangers_per_peer), .type = SETTING_NUMBER, .min = 1, .max = 65535, .fallback = "8", .effect = SETTING_NOW},
	{"ppp.lockout_failures", "failed attempts of a user from one address until he is locked out there; 0: never",
		FIELD(aaa.lockout_failures), .type = SETTING_NUMBER, .max = 100000, .fallback = "10", .effect = SETTING_DECIDE, TELL(AAA)},
	{"ppp.lockout_user_failures", "failed attempts of a user from anywhere until he is locked out everywhere but where he connected from last; 0: never",
		FIELD(aaa.lockout_user_failures), .type = SETTING_NUMBER, .max = 100000, .fallback = "100", .effect = SETTING_DECIDE, TELL(AAA)},
	{"ppp.lockout_address_failures", "failed attempts from one address, whoever's, until answers to it are late; 0: never",
		FIELD(aaa.lockout_address_failures), .type = SETTING_NUMBER, .max = 100000, .fallback = "100", .effect = SETTING_DECIDE, TELL(AAA)},
	{"ppp.lockout_time", "how long; see [Guessing](operators.md#guessing)",
		FIELD(aaa.lockout_ms), .type = SETTING_NUMBER, MS, .min = 1, .max = 86400, .fallback = "300", .effect = SETTING_DECIDE, TELL(AAA)},
	{"ppp.clamp_mss", "lower the MSS of clients' TCP connections to what fits the link",
		FIELD(clamp_mss), .type = SETTING_BOOL, .fallback = "true", .effect = SETTING_NEW},

	{"mppe.policy", "encryption; inside IPsec MPPE is never used",
		FIELD(aaa.mppe_policy), .type = SETTING_WORD, .words = policies, .fallback = "require", .effect = SETTING_DECIDE, TELL(AAA)},
	{"mppe.mode", "stateless survives loss, stateful is cheaper",
		FIELD(aaa.mppe_mode), .type = SETTING_WORD, .words = modes, .fallback = "prefer-stateless", .effect = SETTING_DECIDE, TELL(AAA)},
	{"mppe.strengths", "key bits that may be used; 56 and 40 only count with `allow_weak_crypto`",
		FIELD(aaa.mppe_strengths), .type = SETTING_WORDS, .words = key_bits, .max = 3, .fallback = "128", .effect = SETTING_DECIDE, TELL(AAA)},
	{"mppe.allow_weak_crypto", "MPPE with 40 and 56 bits, see [Weak cryptography](operators.md#weak-cryptography)",
		FIELD(aaa.allow_weak_crypto), .type = SETTING_BOOL, .fallback = "false", .effect = SETTING_DECIDE, TELL(MPPE_WEAK)},

	{"sessions.same_user", "when a user who is connected connects again: \"allow\" both, \"replace\" the one that began first, \"refuse\" the new one; see [The same user twice](operators.md#the-same-user-twice)",
		FIELD(same_user), .type = SETTING_WORD, .words = same_users, .fallback = "allow", .effect = SETTING_DECIDE},
	{"sessions.max_per_user", "sessions that a user may have at a time before that happens; 0: as many as there are ports",
		FIELD(max_per_user), .type = SETTING_NUMBER, .max = 1u << 20, .derive = user_sessions, .fallback_text = "0; 1 with \"replace\" and \"refuse\"", .effect = SETTING_DECIDE},

	{"pool.name", "what it is called where it is shown",
		FIELD(pool_name), .type = SETTING_STRING, .min = 1, .fallback = "clients", .effect = SETTING_START, FILE_ONLY},
	{"pool.first", "first address: it is the server's own; clients get the following ones",
		FIELD(pool_first), .type = SETTING_IP, .fallback_text = "", .effect = SETTING_START, FILE_ONLY},
	{"pool.last", "last address",
		FIELD(pool_last), .type = SETTING_IP, .fallback_text = "", .effect = SETTING_START, FILE_ONLY},
	{"dns", "servers for clients",
		FIELD(aaa.dns), .type = SETTING_IPS, .max = 2, .fallback_text = "none", .effect = SETTING_DECIDE, TELL(AAA)},
	{"wins", "servers for clients",
		FIELD(aaa.wins), .type = SETTING_IPS, .max = 2, .fallback_text = "none", .effect = SETTING_DECIDE, TELL(AAA)},

	{"users", "who may dial in",
		.type = SETTING_LIST, .max = 1u << 20, .fallback_text = "none", .effect = SETTING_DECIDE, TELL(USERS), FILE_ONLY},
	{"users[].name", "compared without case; a client may put \"DOMAIN\\\\\" before it",
		OF_USER(name), .type = SETTING_STRING, .min = 1, .fallback_text = "", .effect = SETTING_DECIDE, FILE_ONLY},
	{"users[].password", "in clear: MS-CHAP needs it; UTF-8",
		OF_USER(password), .type = SETTING_SECRET, .min = 1, .fallback_text = "", .effect = SETTING_DECIDE, FILE_ONLY},
	{"users[].dial_in", "\"allow\": may connect",
		OF_USER(dial_in), .type = SETTING_WORD, .words = dialins, .fallback = "deny", .effect = SETTING_DECIDE, FILE_ONLY},
	{"users[].static_ip", "this address of the pool is this user's, and is given to nobody else",
		OF_USER(static_ip), .type = SETTING_IP, .fallback_text = "none", .effect = SETTING_DECIDE, FILE_ONLY},
	{"users[].authentication", "methods of his own",
		OF_USER(auth), .type = SETTING_WORDS, .words = auth_methods, .min = 1, .max = 4, .fallback_text = "as `ppp.authentication`", .effect = SETTING_DECIDE, FILE_ONLY},
	{"users[].mppe_policy", "his own",
		OF_USER(mppe_policy), .type = SETTING_WORD, .words = policies, .fallback_text = "as `mppe.policy`", .effect = SETTING_DECIDE, FILE_ONLY},
	{"users[].mppe_mode", "his own",
		OF_USER(mppe_mode), .type = SETTING_WORD, .words = modes, .fallback_text = "as `mppe.mode`", .effect = SETTING_DECIDE, FILE_ONLY},
	{"users[].mppe_strengths", "his own",
		OF_USER(mppe_strengths), .type = SETTING_WORDS, .words = key_bits, .max = 3, .fallback_text = "as `mppe.strengths`", .effect = SETTING_DECIDE, FILE_ONLY},
	{.name = NULL},
};
/* clang-format on */

/* l2tp.mru is what fits a path of 1,500 octets (D5).  Around AES-CBC: IPv4 20, UDP 8 (RFC 3948), ESP
 * 8, IV 16, ICV 16; in its blocks of 16 octets: UDP 8, L2TP 12 (length and sequence numbers), PPP 4,
 * ESP's trailer 2. */
_Static_assert((1500 - 20 - 8 - 8 - 16 - 16) / 16 * 16 - 8 - 12 - 4 - 2 == 1398, "l2tp.mru");
_Static_assert(sizeof(settings_table) / sizeof(settings_table[0]) <= SETTINGS_MAX + 1, "");

const struct setting *
setting_find(const char *name)
{
	for (const struct setting *row = settings_table; row->name; row++)
		if (strcmp(row->name, name) == 0)
			return row;
	return NULL;
}

unsigned int
setting_number(const struct setting *row)
{
	return (unsigned int)(row - settings_table);
}

const char *
setting_short(const struct setting *row)
{
	const char *point = strrchr(row->name, '.');
	return point ? point + 1 : row->name;
}

bool
setting_in(const struct setting *row, const char *group)
{
	size_t len = strlen(group);
	const char *rest = row->name + len + 1;
	if (len == 0)
		return !strchr(row->name, '.');
	return strncmp(row->name, group, len) == 0 && row->name[len] == '.' && !strchr(rest, '.');
}

bool
setting_nested(const struct setting *row)
{
	return strstr(row->name, "[]") != NULL;
}

bool
setting_settable(const struct setting *row)
{
	return !row->file_only;
}

const char *
setting_effect_name(const struct setting *row)
{
	static const char *const names[] = {
		"at-once", "new-sessions", "next-login", "part-anew", "after-restart"};
	return names[row->effect];
}

const char *
setting_type_name(const struct setting *row)
{
	static const char *const names[] = {"boolean", "number", "string", "secret", "word",
		"words", "address", "addresses", "list"};
	return names[row->type];
}
