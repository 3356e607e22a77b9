#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# test_units.sh BUILD: the systemd units as configured in BUILD/control/systemd, seen by systemd itself.
set -u
UNITS=$1/control/systemd
BUILD=$1
command -v systemd-analyze > /dev/null || { echo "systemd-analyze is not installed" && exit 77; }
W=$(mktemp -d) || exit 1
trap 'rm -rf "$W"' EXIT
failures=0
result() { # NAME OUTPUT: nothing to say is good
	if [ -z "$2" ]; then
		echo "ok $1"
	else
		printf 'not ok %s\n%s\n' "$1" "$2"
		failures=$((failures + 1))
	fi
}
for name in adit-dataplane adit-control adit-charon; do
	unit=$W/$name.service
	# What is not installed here stands in: the programs built, and for charon, where there is none, something that exists.
	sed -E -e "s,^ExecStart=[^ ]*/adit-dataplane,ExecStart=$BUILD/dataplane/adit-dataplane," \
		-e "s,^ExecStart=[^ ]*/adit-control,ExecStart=$BUILD/control/adit-control," \
		-e "s,^ExecReload=[^ ]*/aditctl,ExecReload=$BUILD/control/cli/aditctl," "$UNITS/$name.service" > "$unit"
	charon=$(sed -n 's/^ExecStart=\([^ ]*charon[^ ]*\)$/\1/p' "$unit")
	[ -z "$charon" ] || [ -x "$charon" ] || sed -i "s,^ExecStart=.*,ExecStart=/bin/true," "$unit"
	result "$name: systemd-analyze verify" "$(systemd-analyze verify --man=no "$unit" 2>&1 | grep -F "$name")"
done
# What the sandbox leaves open, as systemd rates it: 0 (nothing) to 100 (all).
for rating in adit-dataplane:40 adit-control:28 adit-charon:30; do
	name=${rating%:*} limit=${rating#*:}
	if out=$(systemd-analyze security --no-pager --offline=true --threshold="$limit" "$W/$name.service" 2>&1); then
		out=
	else
		out=$(echo "$out" | grep -E '✗|exposure|rror')
	fi
	result "$name: systemd-analyze security below $limit" "$out"
done
# R3: an installation enables nothing, and presets are the distribution's business.
result "nothing is enabled by the units" "$(grep -lE '^(Also|DefaultInstance|Sockets)=' "$UNITS"/*.service)"
[ $failures = 0 ]
