# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Certificates for scenarios, to be sourced after lab: x509_up makes them in $X, x509_give hands one to a guest, whose
# strongSwan takes it with `ipsec_client auth=pubkey` (roles.sh).
X=''

# A CA, and a certificate of one: x509_ca NAME; x509_cert CA NAME SUBJECTALTNAME [KEY: openssl's -newkey]
x509_ca() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/O=Lab/CN=$1" \
		-keyout "$X/$1.key" -out "$X/$1.pem" 2> /dev/null
}
x509_cert() {
	local key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256)
	[ $# -lt 4 ] || key=(-newkey "$4")
	openssl req "${key[@]}" -nodes -subj "/O=Lab/CN=$2" -keyout "$X/$2.key" -out "$X/$2.csr" 2> /dev/null
	openssl x509 -req -in "$X/$2.csr" -CA "$X/$1.pem" -CAkey "$X/$1.key" -CAcreateserial -days 20 \
		-extfile <(echo "subjectAltName=$3") -out "$X/$2.pem" 2> /dev/null
}
# our-ca with gateway and client (ECDSA), gateway-rsa and client-rsa; gateway.p12 holds gateway-rsa and our-ca, its
# password is pfx-word.  other-ca with stranger.
x509_up() {
	command -v openssl > /dev/null || skip "openssl is not installed"
	X=$S/x509
	mkdir -p "$X"
	x509_ca our-ca && x509_ca other-ca &&
		x509_cert our-ca gateway IP:192.0.2.10,DNS:vpn && x509_cert our-ca client DNS:client.lab &&
		x509_cert our-ca gateway-rsa IP:192.0.2.10,DNS:vpn rsa:2048 && x509_cert our-ca client-rsa DNS:client.lab rsa:2048 &&
		x509_cert other-ca stranger DNS:stranger.lab || fail "no certificates"
	openssl pkcs12 -export -in "$X/gateway-rsa.pem" -inkey "$X/gateway-rsa.key" -certfile "$X/our-ca.pem" \
		-passout pass:pfx-word -out "$X/gateway.p12" || fail "no PKCS#12 file"
}
# What control_start is told of them.
x509_pem() { echo "ipsec_auth=certificate = \"$X/gateway.pem\"; key = \"$X/gateway.key\"; ca = \"$X/our-ca.pem\";"; }
x509_pkcs12() { echo "ipsec_auth=pkcs12 = \"$X/gateway.p12\"; pkcs12_password = \"pfx-word\"; $*"; } # [MORE SETTINGS]
x509_give() { # GUEST NAME: it has this certificate from now on
	local d=$S/guest/$1/x509
	rm -rf "$d"
	mkdir -p "$d/x509" "$d/private" "$d/x509ca"
	cp "$X/$2.pem" "$d/x509/client.pem"
	cp "$X/$2.key" "$d/private/client.key"
	cp "$X/our-ca.pem" "$d/x509ca/ca.pem"
}
# A CRL of CA in $X/CA.crl that names these certificates: x509_crl CA [NAME...]
x509_crl() {
	local ca=$1 name
	shift
	: > "$X/$ca.db"
	for name; do
		printf 'R\t%s\t%s\t%s\tunknown\t/CN=%s\n' "$(date -u -d +20days +%y%m%d%H%M%SZ)" "$(date -u +%y%m%d%H%M%SZ)" \
			"$(openssl x509 -in "$X/$name.pem" -noout -serial | cut -d= -f2)" "$name" >> "$X/$ca.db"
	done
	[ -e "$X/$ca.number" ] || echo 01 > "$X/$ca.number"
	cat > "$X/$ca.conf" <<-C
		[ca]
		default_ca = this
		[this]
		database = $X/$ca.db
		crlnumber = $X/$ca.number
		certificate = $X/$ca.pem
		private_key = $X/$ca.key
		default_md = sha256
		default_crl_days = 10
		crl_extensions = extensions
		[extensions]
		authorityKeyIdentifier = keyid
	C
	openssl ca -gencrl -config "$X/$ca.conf" -out "$X/$ca.crl" 2> /dev/null || fail "no CRL of $ca"
}
