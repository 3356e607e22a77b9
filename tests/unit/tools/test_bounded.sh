#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# tests/tools/bounded ends whatever its command started, in order, and says how it went.
set -u
BOUNDED=$(cd "$(dirname "$(readlink -f "$0")")/../../tools" && pwd)/bounded
W=$(mktemp -d) || exit 1
trap 'rm -rf "$W"' EXIT
rc=0
is() { # NAME WANT GOT
	if [ "$2" = "$3" ]; then echo "ok $1"; else
		echo "not ok $1: $3 instead of $2"
		rc=1
	fi
}
# The processes whose pids were noted in FILEs: none may live.
alive() {
	local f p n=0
	for f; do
		p=$(< "$f") && [ "$(ps -o stat= -p "$p" | cut -c1)" != Z ] && kill -0 "$p" 2> /dev/null && n=$((n + 1))
	done
	echo $n
}
detached='setsid bash -c "echo \$\$ > $W/a; exec sleep 300" & (setsid bash -c "echo \$\$ > $W/b; trap \"\" TERM; while :; do sleep 0.2; done" &)
	while [ ! -s $W/b ]; do sleep 0.05; done'
export W

"$BOUNDED" 20 bash -c 'exit 7'
is "exit status" 7 $?
"$BOUNDED" 20 /no/such/program 2> /dev/null
is "a program that is not there" 127 $?
"$BOUNDED" 1 sleep 60
is "time is up" 124 $?

"$BOUNDED" -g 1 20 bash -c "$detached"
is "detached processes: exit status" 0 $?
is "detached processes are ended, also one that ignores SIGTERM" 0 "$(alive "$W/a" "$W/b")"

rm -f "$W"/*
"$BOUNDED" -g 2 60 bash -c "trap 'cat $W/a > $W/order; exit 3' TERM; $detached; while :; do sleep 0.1; done" &
child=$!
for ((i = 0; i < 100; i++)); do [ -s "$W/b" ] && [ -s "$W/a" ] && break; sleep 0.1; done
sleep 0.3
kill -TERM $child
wait $child
is "after SIGTERM" 143 $?
is "the command tidied up first" 1 "$([ -s "$W/order" ] && echo 1)"
is "nothing is left after SIGTERM" 0 "$(alive "$W/a" "$W/b")"

rm -f "$W"/*
bash -c "'$BOUNDED' -g 1 60 bash -c '$(printf %s "$detached" | sed "s/'/'\\\\''/g"); sleep 60'; :" &
child=$!
for ((i = 0; i < 100; i++)); do [ -s "$W/b" ] && [ -s "$W/a" ] && break; sleep 0.1; done
kill -KILL $child
wait $child 2> /dev/null
for ((i = 0; i < 400; i++)); do [ "$(alive "$W/a" "$W/b")" = 0 ] && break; sleep 0.1; done
is "nothing is left when whoever started it is killed" 0 "$(alive "$W/a" "$W/b")"
exit $rc
