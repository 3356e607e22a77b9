# SPDX-License-Identifier: BSD-3-Clause
# What a guest can be; sourced inside it before each command of `guest` (tests/e2e/lab).  Everything here writes
# only to the guest's own overlay.
SERVER=192.0.2.10
declare -A PASSWORD=([alice]=Wonder-Land7 [bob]=Builder_8x [carol]=Choir-Boy3 [dave]=Chap_md5 [erin]=Den_ied5 [frank]=State_ful6)

# What is done again and again goes without processes: a fork costs a guest 25 ms, and the other scenarios the processor.
nap() { read -r -t "$1" <> /run/tick; } # SECONDS
holds() { # FILE PATTERN...: one of them, of bash's, is in it
	local file=$1 text='' pattern
	shift
	IFS= read -r -d '' text < "$file"
	for pattern; do
		# shellcheck disable=SC2053
		[[ $text == *$pattern* ]] && return 0
	done
	return 1
} 2> /dev/null # a file that is not there holds nothing
ppp0_is_up() {
	local flags=0
	read -r flags < /sys/class/net/ppp0/flags
	((flags & 1))
} 2> /dev/null
gone() { # SECONDS PID...: they end within this time
	local stat end=$((SECONDS + $1 + 1))
	shift
	while read -r stat < "/proc/$1/stat" && [[ $stat != *') Z '* ]]; do
		[ $SECONDS -lt $end ] || return 1
		nap 0.1
	done
	shift
	[ $# = 0 ] || gone $((end - SECONDS)) "$@"
} 2> /dev/null

# Words of an MPPE policy as pppd options: 128, 40, any, none, stateful (accept stateful when the server asks).
mppe_options() {
	local word
	for word; do
		case $word in
		128) printf 'require-mppe-128\nnomppe-40\n' ;;
		40) printf 'require-mppe-40\nnomppe-128\n' ;;
		any) echo require-mppe ;;
		none) echo nomppe ;;
		stateful) echo mppe-stateful ;;
		esac
	done
}

# The secrets and the options of pppd that every client has.  AUTH is mschap-v2, mschap, chap or pap; the others are
# refused.
ppp_secrets() { # USER PASSWORD
	mkdir -p /etc/ppp
	printf '%s * "%s" *\n' "$1" "$2" > /etc/ppp/chap-secrets
	cp /etc/ppp/chap-secrets /etc/ppp/pap-secrets
}
ppp_options() { # USER AUTH MTU
	local method
	cat <<-C
		name $1
		remotename vpn
		noauth
		nobsdcomp
		nodeflate
		noipv6
		mtu $3
		mru $3
		defaultroute
		debug
		logfile /var/log/pppd.log
	C
	for method in eap pap chap mschap mschap-v2; do
		[ "$method" = "$2" ] || echo "refuse-$method"
	done
	printf '%s\n' "${PPPD_OPTIONS:-}"
}

# pptp_connect USER PASSWORD AUTH MPPE-WORD...: an unmodified pptp-linux and pppd.  Returns when IP is up (0) or the
# connection has failed (pppd's exit status).
pptp_connect() {
	local user=$1 password=$2 auth=$3
	shift 3
	modprobe -qa ppp_generic ppp_async ppp_mppe arc4 sha1
	ppp_secrets "$user" "$password"
	{
		echo "pty \"pptp $SERVER --nolaunchpppd --nobuffer --loglevel 1\""
		echo "ipparam pptp"
		ppp_options "$user" "$auth" 1400
		mppe_options "$@"
	} > /etc/ppp/options.client
	pppd file /etc/ppp/options.client updetach
}

# The usual case: USER MPPE-WORD... with the right password and MS-CHAPv2.
pptp_client() {
	local user=$1
	shift
	pptp_connect "$user" "${PASSWORD[$user]}" mschap-v2 "$@"
}

# An orderly end: LCP Terminate-Request, then Call-Clear-Request and Stop.
pptp_down() {
	local pid
	pid=$(pidof pppd) || return 0
	# shellcheck disable=SC2046,SC2086
	set -- $pid $(pidof pptp)
	# shellcheck disable=SC2086
	kill $pid
	gone 12 "$@" && return
	echo "pppd or pptp still runs after 12 s" >&2
	return 1
}

# l2tp_connect USER PASSWORD AUTH kernel|user: an unmodified xl2tpd and pppd; who carries the data, the guest's kernel
# or xl2tpd itself.  Returns 0 when IP is up, 1 when the attempt has failed or takes longer than L2TP_AWAIT (20) s.
l2tp_connect() {
	local user=$1 password=$2 auth=$3 carrier=$4 i end
	modprobe -qa ppp_generic ppp_async
	if [ "$carrier" = kernel ]; then
		modprobe -qa l2tp_ppp
	else
		rmmod l2tp_ppp l2tp_netlink l2tp_core 2> /dev/null
	fi
	ppp_secrets "$user" "$password"
	mkdir -p /run/xl2tpd /etc/xl2tpd
	cat > /etc/xl2tpd/xl2tpd.conf <<-C
		[global]
		port = 1701
		debug tunnel = yes
		debug state = yes
		$([ "$carrier" = user ] && echo 'force userspace = yes')
		[lac vpn]
		lns = $SERVER
		name = $user
		ppp debug = yes
		pppoptfile = /etc/ppp/options.client
		length bit = yes
		require pap = no
	C
	{
		echo "ipparam l2tp"
		echo "noipdefault"
		echo "ipcp-accept-local"
		echo "ipcp-accept-remote"
		ppp_options "$user" "$auth" 1280
		[[ "${PPPD_OPTIONS:-}" == *mppe* ]] || echo noccp
	} > /etc/ppp/options.client
	: > /var/log/pppd.log
	setsid xl2tpd -D -c /etc/xl2tpd/xl2tpd.conf -p /run/xl2tpd.pid -C /run/xl2tpd/l2tp-control \
		> /var/log/xl2tpd.log 2>&1 < /dev/null &
	for ((i = 0; i < 60; i++)); do
		[ -p /run/xl2tpd/l2tp-control ] && break
		nap 0.05
	done
	xl2tpd-control -c /run/xl2tpd/l2tp-control connect-lac vpn > /dev/null
	end=$((SECONDS + ${L2TP_AWAIT:-20}))
	while [ $SECONDS -lt $end ]; do
		if holds /var/log/pppd.log 'local  IP' && ppp0_is_up; then
			# Behind a NAT the default route is another one, and pppd leaves it alone.
			ip route replace 198.51.100.0/24 dev ppp0
			ip route replace 10.99.0.0/24 dev ppp0
			return 0
		fi
		holds /var/log/pppd.log 'Connection terminated' 'authentication failed' && break
		nap 0.1
	done
	tail -n 5 /var/log/pppd.log /var/log/xl2tpd.log
	return 1
}
l2tp_client() { # USER kernel|user
	l2tp_connect "$1" "${PASSWORD[$1]}" mschap-v2 "$2"
}
# An orderly end: PPP, call and tunnel.
l2tp_down() {
	local pid
	pid=$(pidof pppd)
	xl2tpd-control -c /run/xl2tpd/l2tp-control disconnect-lac vpn > /dev/null 2>&1
	# shellcheck disable=SC2086
	[ -z "$pid" ] || gone 12 $pid
	end_daemon /run/xl2tpd.pid
	rm -f /run/xl2tpd/l2tp-control
	! pidof pppd > /dev/null || {
		echo "pppd still runs after 12 s" >&2
		return 1
	}
}
l2tp_vanish() { # xl2tpd that sees pppd die would send a CDN
	local daemon
	daemon=$(pidof xl2tpd)
	# shellcheck disable=SC2046,SC2086
	kill -STOP $daemon && kill -9 $(pidof pppd) $daemon
	rm -f /run/xl2tpd/l2tp-control /run/xl2tpd.pid
}
end_daemon() { # PIDFILE
	local pid
	pid=$(cat "$1" 2> /dev/null) || return 0
	kill "$pid" 2> /dev/null
	gone 3 "$pid"
	kill -9 "$pid" 2> /dev/null
	rm -f "$1"
}

# The client dies without a word.
pptp_vanish() {
	ip link set eth0 down
	# shellcheck disable=SC2046
	kill -9 $(pidof pppd pptp) 2> /dev/null
	:
}

# The address of ppp0, the peer's address.
ppp_addresses() { ip -4 -o addr show ppp0 | sed -n 's/.*inet \([0-9.]*\) peer \([0-9.]*\).*/\1 \2/p'; }

# What the kernel counted on ppp0, bytes and packets of IP: "rx_packets rx_bytes tx_packets tx_bytes".
# (ppp_generic counts before compression and encryption, and without the PPP protocol number.)
ppp_counters() {
	local s=/sys/class/net/ppp0/statistics
	echo "$(< $s/rx_packets) $(< $s/rx_bytes) $(< $s/tx_packets) $(< $s/tx_bytes)"
}

# All pings must come back, after a first one for which neighbours are looked up.  With a deadline ping goes on until COUNT
# answers are there: a lost one shows in the number of the last.  pings ADDRESS COUNT [SIZE]
pings() {
	local out
	ping -q -c 1 -w 5 "$1" > /dev/null
	out=$(ping -c "$2" -w $(($2 / 10 + 10)) -i 0.1 ${3:+-s "$3"} "$1")
	grep -E 'transmitted|rtt' <<< "$out"
	awk -F 'icmp_seq=' -v sent="$2" '
		/bytes from/ && !seen[$2 + 0]++ { received++; if ($2 + 0 > last) last = $2 + 0 }
		END { exit received < sent || received != last }' <<< "$out"
}

# netem on the way out, on the way in (through an ifb device), and neither:
# impair_out loss 2% delay 5ms 3ms; impair_in loss 2%; impair_none
impair_out() {
	modprobe -q sch_netem
	tc qdisc replace dev eth0 root netem "$@"
}
impair_in() {
	modprobe -qa sch_netem sch_ingress cls_matchall act_mirred
	modprobe -q ifb numifbs=1
	ip link set ifb0 up
	tc qdisc replace dev ifb0 root netem "$@"
	tc qdisc add dev eth0 clsact 2> /dev/null
	tc filter replace dev eth0 ingress prio 1 handle 1 matchall action mirred egress redirect dev ifb0
}
impair_none() {
	tc qdisc del dev eth0 root
	tc qdisc del dev eth0 clsact
	:
} 2> /dev/null

# What a bad firewall does to what goes out: block PROTOCOL [UDP-PORT], until unblock.
block() {
	modprobe -qa sch_ingress cls_u32 act_gact
	tc qdisc add dev eth0 clsact 2> /dev/null
	# shellcheck disable=SC2086
	tc filter add dev eth0 egress prio 1 protocol ip u32 match ip protocol "$1" 0xff \
		${2:+match ip dport $2 0xffff} action drop
}
unblock() { tc qdisc del dev eth0 clsact; }

# TCP to the server behind the gateway or to another client, both ways; shows what was received.
# iperf ADDRESS SIZE [OPTION...]
iperf() {
	local out way address=$1 size=$2
	shift 2
	for way in "" -R; do
		# shellcheck disable=SC2086
		out=$(iperf3 -c "$address" -n "$size" -f m $way "$@") || {
			echo "$out"
			return 1
		}
		echo "${way:-up}: $(echo "$out" | grep receiver)"
	done
}

# ---------------------------------------------------------------- IPsec: an unmodified strongSwan, IKEv1, transport mode
IKE_PROPOSALS=aes256-sha256-modp2048,aes128-sha1-modp2048,3des-sha1-modp1024
ESP_PROPOSALS=aes128-sha1

# ipsec_conf NAME=VALUE...: ike, esp (proposals), psk, encap (yes: UDP whatever the path), auth (psk or pubkey: the
# certificate, key and CA are in /lab/x509), id
ipsec_conf() {
	local ike=$IKE_PROPOSALS esp=$ESP_PROPOSALS psk=lab-Secret-psk-01 encap=no auth=psk id='' word
	for word; do local "${word%%=*}"="${word#*=}"; done
	cat > /etc/strongswan.conf <<-C
		charon {
		  # a short list: the full one costs a second in a guest
		  load = random nonce openssl hmac kdf pubkey pem x509 kernel-netlink socket-default vici
		  install_routes = no
		  retransmit_tries = 3
		  retransmit_timeout = 1
		  filelog {
		    log {
		      path = /var/log/charon.log
		      default = 1
		      ike = 2
		      flush_line = yes
		    }
		  }
		}
		swanctl { load = random openssl pem pubkey x509 }
	C
	mkdir -p /etc/swanctl/x509 /etc/swanctl/private /etc/swanctl/x509ca
	[ "$auth" = psk ] || cp -r /lab/x509/. /etc/swanctl/
	cat > /etc/swanctl/swanctl.conf <<-C
		connections { l2tp {
		  version = 1
		  remote_addrs = $SERVER
		  proposals = $ike
		  encap = $encap
		  keyingtries = 1
		  dpd_delay = 10s
		  ${conn:-}
		  local { auth = $auth
		    ${id:+id = $id}
		    $([ "$auth" = psk ] || echo certs = client.pem) }
		  remote { auth = $auth
		    id = $([ "$auth" = psk ] && echo "$SERVER" || echo %any) }
		  children { l2tp {
		    mode = transport
		    esp_proposals = $esp
		    local_ts = dynamic[udp/1701]
		    remote_ts = dynamic[udp/1701]
		    ${child:-}
		  } }
		} }
		secrets { ike-psk { secret = "$psk" } }
	C
}
# The client's own charon with that configuration.
ipsec_start() { # NAME=VALUE...
	local i
	modprobe -qa xfrm_user esp4 xfrm4_tunnel af_key
	ipsec_conf "$@"
	if ! pidof charon-systemd > /dev/null; then
		: > /var/log/charon.log
		setsid charon-systemd < /dev/null > /dev/null 2>&1 &
		for ((i = 0; i < 100; i++)); do
			[ -S /run/charon.vici ] && break
			nap 0.05
		done
	fi
	swanctl --load-all --noprompt > /var/log/swanctl.log 2>&1 || cat /var/log/swanctl.log
}
ipsec_up() {
	swanctl --initiate --child l2tp --timeout 15 > /var/log/up.log 2>&1 && return 0
	tail -n 4 /var/log/up.log
	return 1
}
# An SA with the gateway, or the reason why not.
ipsec_client() { ipsec_start "$@" && ipsec_up; } # NAME=VALUE...
ipsec_rekey() { swanctl --rekey --child l2tp; }
ipsec_count() { swanctl --list-sas --raw | grep -o 'spi-in=' | wc -l; }
ipsec_down() { swanctl --terminate --ike l2tp --timeout 5 > /dev/null 2>&1; }
ipsec_stop() { # with all its SAs, the gateway is told
	local pid
	pid=$(pidof charon-systemd) || return 0
	kill "$pid"
	gone 5 "$pid"
	rm -f /run/charon.vici
	ip xfrm state flush
	ip xfrm policy flush
}
# It dies without a word, and its SAs with it.
ipsec_vanish() {
	# shellcheck disable=SC2046
	kill -9 $(pidof charon-systemd)
	rm -f /run/charon.vici
	ip xfrm state flush
	ip xfrm policy flush
}

# ---------------------------------------------------------------- IPsec: an unmodified libreswan
# Its files (tests/tools/debian-unpack) are laid over the guest's root.  libreswan_start FILES [LINE OF conn]...: with its
# own defaults but for what L2TP and a pre-shared key need.
libreswan_start() {
	local i files=$1
	shift
	modprobe -qa xfrm_user esp4 xfrm4_tunnel af_key
	cp -asn "$files/." / 2> /dev/null
	mkdir -p /run/pluto /var/lib/ipsec/nss /etc/ipsec.d
	[ -e /var/lib/ipsec/nss/cert9.db ] || certutil -N -d sql:/var/lib/ipsec/nss --empty-password
	rm -f /etc/ipsec.conf /etc/ipsec.secrets
	cat > /etc/ipsec.conf <<-C
		config setup
		    logfile=/var/log/pluto.log
		    ikev1-policy=accept
		conn l2tp
		    ikev2=no
		    authby=secret
		    type=transport
		    left=$(ip -4 -o addr show eth0 | sed -n 's/.*inet \([0-9.]*\).*/\1/p')
		    leftprotoport=17/1701
		    right=$SERVER
		    rightprotoport=17/1701
		    auto=add
		$(printf '    %s\n' "$@")
	C
	echo ': PSK "lab-Secret-psk-01"' > /etc/ipsec.secrets
	: > /var/log/pluto.log
	setsid /usr/libexec/ipsec/pluto --config /etc/ipsec.conf --nofork > /var/log/pluto.out 2>&1 < /dev/null &
	for ((i = 0; i < 100; i++)); do
		[ -S /run/pluto/pluto.ctl ] && break
		nap 0.1
	done
	ipsec auto --add l2tp > /var/log/add.log 2>&1 || {
		cat /var/log/add.log /var/log/pluto.out
		tail -n 5 /var/log/pluto.log
		return 1
	}
}
libreswan_up() {
	timeout 25 ipsec auto --up l2tp > /var/log/up.log 2>&1
	grep 'IPsec SA established' /var/log/up.log || {
		tail -n 5 /var/log/up.log
		return 1
	}
}
libreswan_rekey() { libreswan_up; } # another Quick Mode: it has no other way with IKEv1
libreswan_stop() {
	local pid
	pid=$(pidof pluto)
	ipsec whack --shutdown > /dev/null 2>&1
	[ -z "$pid" ] || gone 5 "$pid"
	ip xfrm state flush
	ip xfrm policy flush
}
