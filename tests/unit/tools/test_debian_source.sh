#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# tests/tools/debian-source against an archive of our own: revisions, refusals, without root and without a network.
set -u
TOP=$(cd "$(dirname "$(readlink -f "$0")")/../../.." && pwd)
command -v apt-get > /dev/null || { echo "there is no apt" && exit 77; }
W=$(mktemp -d) && chmod 755 "$W" || exit 1
trap 'rm -rf "$W"' EXIT
CODENAME=$(. /etc/os-release && echo "${VERSION_CODENAME:-stable}")
failures=0

# An archive with the source package "thing" 1.0-2 and 1.0-1+deb1, and 1.1-1.
archive() {
	local pool=$W/archive/pool lists=$W/archive/dists/$CODENAME/main/source version tarball
	mkdir -p "$pool" "$lists" "$W/thing-1.0"
	echo hello > "$W/thing-1.0/hello.h"
	tar -C "$W" -cJf "$pool/thing_1.0.orig.tar.xz" thing-1.0
	cp "$pool/thing_1.0.orig.tar.xz" "$pool/thing_1.1.orig.tar.xz"
	for version in 1.0-2 1.0-1+deb1 1.1-1; do
		tarball=thing_${version%-*}.orig.tar.xz
		echo "Source: thing" > "$pool/thing_$version.dsc"
		printf 'Package: thing\nBinary: thing\nVersion: %s\nMaintainer: x <x@example.org>\nArchitecture: any\nFormat: 3.0 (quilt)\n' "$version"
		printf 'Files:\n %s %s %s\n %s %s %s\nChecksums-Sha256:\n %s %s %s\n %s %s %s\nDirectory: pool\n\n' \
			"$(sum md5 "$pool/thing_$version.dsc")" "$(stat -c %s "$pool/thing_$version.dsc")" "thing_$version.dsc" \
			"$(sum md5 "$pool/$tarball")" "$(stat -c %s "$pool/$tarball")" "$tarball" \
			"$(sum sha256 "$pool/thing_$version.dsc")" "$(stat -c %s "$pool/thing_$version.dsc")" "thing_$version.dsc" \
			"$(sum sha256 "$pool/$tarball")" "$(stat -c %s "$pool/$tarball")" "$tarball"
	done > "$lists/Sources"
	printf 'Suite: %s\nCodename: %s\nComponents: main\nArchitectures: amd64\nSHA256:\n %s %s main/source/Sources\n' "$CODENAME" "$CODENAME" \
		"$(sum sha256 "$lists/Sources")" "$(stat -c %s "$lists/Sources")" > "$W/archive/dists/$CODENAME/Release"
	chmod -R a+rX "$W/archive"
}
sum() { "$1sum" "$2" | cut -d' ' -f1; }
# sources NAME TEXT: what apt finds configured from here on
sources() {
	rm -rf "${W:?}/etc"
	mkdir -p "$W/etc/parts"
	[ "$1" = none ] || printf '%b\n' "$2" > "$W/etc/parts/$1"
	printf 'Dir::Etc::SourceList "%s";\nDir::Etc::SourceParts "%s";\n' "$W/etc/list" "$W/etc/parts" > "$W/etc/apt.conf"
	export APT_CONFIG=$W/etc/apt.conf
}
AS=()
# expect NAME STATUS TEXT VERSION: how it ends, and what it says
expect() {
	local out status
	rm -rf "$W/out"
	mkdir -m 777 "$W/out"
	out=$("${AS[@]}" "$TOP/tests/tools/debian-source" thing "$4" "$W/out" 2>&1)
	status=$?
	if [ $status = "$2" ] && [[ $out == *"$3"* ]]; then
		echo "ok $1"
	else
		echo "not ok $1: status $status, $out"
		cat "$W/out/debian-source.log" 2> /dev/null
		failures=$((failures + 1))
	fi
}

archive
sources adit.list "deb [trusted=yes] file:$W/archive $CODENAME main contrib"
expect "a deb entry serves" 0 "$W/out/thing_1.0.orig.tar.xz" 1.0-2
expect "another revision has the same tarball" 0 "$W/out/thing_1.0.orig.tar.xz" 1.0-7
expect "an epoch is no part of the name" 0 "$W/out/thing_1.1.orig.tar.xz" 1:1.1-3
expect "another upstream version does not serve" 77 "no longer" 2.0-1
sources adit.list "deb-src [trusted=yes] file:$W/archive $CODENAME main"
expect "a deb-src entry serves" 0 thing_1.0.orig.tar.xz 1.0-2
sources adit.sources "Types: deb\nURIs: file:$W/archive\nSuites: $CODENAME\nComponents: main\nTrusted: yes"
expect "a deb822 entry serves" 0 thing_1.0.orig.tar.xz 1.0-2
if [ "$(id -u)" = 0 ] && command -v setpriv > /dev/null && [ -x "$TOP/tests/tools/debian-source" ]; then
	AS=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	# Where a user may not look into the repository's directory, there is nothing to try.
	"${AS[@]}" test -r "$TOP/tests/tools/debian-source" && expect "without root" 0 thing_1.0.orig.tar.xz 1.0-2
	AS=()
fi
sources adit.sources "Enabled: no\nTypes: deb\nURIs: file:$W/archive\nSuites: $CODENAME\nComponents: main\nTrusted: yes"
expect "a disabled entry does not" 77 "no source of Debian packages" 1.0-2
sources other.list "deb [trusted=yes] file:$W/archive somebody-else main"
expect "other people's archives are not asked" 77 "no source of Debian packages" 1.0-2
sources none ""
expect "no sources" 77 "no source of Debian packages" 1.0-2
sources adit.list "deb http://127.0.0.1:9/debian $CODENAME main"
expect "no network" 77 "no network?" 1.0-2
sources adit.list "deb [trusted=yes] file:$W/archive $CODENAME main"
echo more >> "$W/archive/pool/thing_1.0.orig.tar.xz"
expect "a tarball that is not what the archive lists" 77 "no longer" 1.0-2
[ $failures = 0 ]
