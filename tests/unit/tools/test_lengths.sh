#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# tests/tools/lengths: what is too long is named, what says why is not.
set -u
TOP=$(cd "$(dirname "$(readlink -f "$0")")/../../.." && pwd)
W=$(mktemp -d) || exit 1
trap 'rm -rf "$W"' EXIT
failures=0
expect() { # FILE [PATTERN]: it says PATTERN, or nothing
	local out rc
	out=$("$TOP/tests/tools/lengths" "$W/$1")
	rc=$?
	if [ $# = 1 ]; then
		[ "$rc$out" = 0 ] && return
	else
		[ $rc = 1 ] && [ "$(grep -c . <<< "$out")" = 1 ] && grep -q "$2" <<< "$out" && return
	fi
	echo "$1: status $rc, $out"
	failures=$((failures + 1))
}
lines() { for ((i = 0; i < $1; i++)); do echo "$2"; done; } # COUNT TEXT

lines 500 "int a;" > "$W/short.c"
expect short.c
lines 501 "int a;" > "$W/long.c"
expect long.c 'long.c: 501 lines'
{ printf '/* Many.  Long\n * because of that. */\n' && cat "$W/long.c"; } > "$W/told.c"
expect told.c
{ lines 60 "" && echo '/* Long because it ends so late. */' && cat "$W/long.c"; } > "$W/late.c"
expect late.c 'late.c: 562 lines'

c() { # LINES: a function of so many, and one of four
	printf 'static int\none(int a,\n\tint b)\n{\n'
	lines $(($1 - 4)) $'\tdo_it();'
	printf '}\n\nint\ntwo(void)\n{\n}\n'
}
c 60 > "$W/fine.c"
expect fine.c
c 61 > "$W/function.c"
expect function.c ':2: one has 61 lines'
{ echo '/* Long because it must be. */' && c 61; } > "$W/reason.c"
expect reason.c

{ echo 'def one():' && lines 60 '    pass' && printf 'def two():\n    pass\n'; } > "$W/p.py"
expect p.py ':1: one has 61 lines'
{ printf '#!/bin/bash\none() {\n' && lines 59 $'\ttrue' && printf '}\ntwo() { true; }\n'; } > "$W/s.sh"
expect s.sh ':2: one has 61 lines'
{ printf '#!/bin/bash\n# Long because so.\none() {\n' && lines 59 $'\ttrue' && echo '}'; } > "$W/t.sh"
expect t.sh

exit $((failures > 0))
