#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# tests/tools/arrows on a small tree: it sees each thing that is wrong, and nothing where all is well.
set -u
TOP=$(cd "$(dirname "$(readlink -f "$0")")/../../.." && pwd)
W=$(mktemp -d) || exit 1
trap 'rm -rf "$W"' EXIT
failures=0

house() { # all is well: high includes low, main both
	rm -rf "$W/tree"
	mkdir -p "$W/tree/control/low" "$W/tree/control/high"
	echo > "$W/tree/control/low/a.h"
	echo '#include "control/low/a.h"' > "$W/tree/control/high/b.h"
	printf '#include "b.h"\n#include "control/low/a.h"\n' > "$W/tree/control/high/b.c"
	printf '#include "control/high/b.h"\n#include "control/low/a.h"\n' > "$W/tree/control/main.c"
	cat > "$W/rooms" <<-R
		# the lowest first
		control/low:
		control/high: control/low
		control/main: control/low control/high
	R
}
expect() { # WHAT [PATTERN]: it says PATTERN, or nothing
	local out rc
	out=$("$TOP/tests/tools/arrows" "$W/rooms" "$W/tree")
	rc=$?
	if [ $# = 1 ]; then
		[ "$rc$out" = 0 ] && return
	else
		[ $rc = 1 ] && [ "$(grep -c . <<< "$out")" = 1 ] && grep -qE "$2" <<< "$out" && return
	fi
	echo "$1: status $rc, $out"
	failures=$((failures + 1))
}

house
expect "all is well"
echo '#include "control/high/b.h"' >> "$W/tree/control/low/a.h"
expect "an arrow up" 'control/low/a.h:2: control/low may not include control/high'
echo 'until control/low: control/high' >> "$W/rooms"
expect "an arrow up that is known"
house
echo 'until control/low: control/high' >> "$W/rooms"
expect "a known arrow that is gone" 'rooms:5: control/low no longer includes control/high'
house
echo '  #  include "../high/b.h"' >> "$W/tree/control/low/a.h"
expect "an arrow up by a path of its own" 'control/low may not include control/high'
house
sed -i 's,^control/low:,& control/main,' "$W/rooms"
expect "a circle" 'a circle: control/low -> control/main -> control/low'
house
echo > "$W/tree/control/other.c"
expect "a file without a room" 'control/other.c has no room'
house
echo 'control/gone:' >> "$W/rooms"
expect "a room without a file" "control/gone is nothing's room"
house
echo '#include "control/low/a.h"' > "$W/tree/control/main_loop.h"
expect "a file of a room whose name it begins with"
echo '#include "control/main_loop.h"' >> "$W/tree/control/high/b.c"
expect "an arrow up to such a file" 'control/high may not include control/main'
house
sed -i 's,^control/low:.*,all control: control/low\n&,; s,control/low control/high,control/high,; s,^control/high: .*,control/high:,' "$W/rooms"
expect "what all may include"
house
echo 'control/high: control/low' >> "$W/rooms"
expect "a room that stands twice" 'rooms:5: control/high stands twice'
exit $((failures > 0))
