# SPDX-License-Identifier: BSD-3-Clause
# The tables of docs/performance.md and its drawings, of all the objects of some files: see bench/page and
# bench/figures.jq.

def decimals($n): # of what is not negative
	([range($n)] | reduce .[] as $i (1; . * 10)) as $unit
	| (. * $unit | round) as $whole
	| "\($whole / $unit | floor).\("0" * $n + ($whole % $unit | tostring) | .[-$n:])";
def number: # two or three digits that matter
	if . >= 100 then round | tostring
	elif . >= 10 then decimals(1) elif . >= 0.1 then decimals(2) elif . >= 0.01 then decimals(3) else decimals(4) end;
def thousands: tostring | if length > 3 then "\(.[:-3] | thousands),\(.[-3:])" else . end;
def whole: round | thousands;
def cycles: if .cycles then .cycles | whole else "-" end;
# Of the starts, the fastest and the slowest; "-" where there was one.
def spread: if .least_cycles then "\(.least_cycles | whole) to \(.most_cycles | whole)" else "-" end;
# In bold type where Adit is no slower.
def ratio: if .ratio == null then "-" elif .ratio >= 0.995 then "**\(.ratio | number)**" else .ratio | number end;
def ratios:
	def both: "\(.least_ratio | number) to \(.most_ratio | number)";
	if .least_ratio and .ratio then "\(ratio) (\(both))" elif .least_ratio then both else ratio end;
def row: "| \(join(" | ")) |";
def table($columns; $right; rows): # $right: how many of the columns, from the right, hold numbers
	($columns | length - $right) as $left
	| $columns, [$columns | keys[] | if . < $left then "---" else "--:" end], rows | row;

def octets: if .bytes > 0 then .bytes elif .case | startswith("mixed") then "40 to 1400" else "-" end;
def figures: .[] | select(.bench);
def choice: .choice // .kernel;
def is_stage: .case | startswith("stage-");
def text: map(tostring);

# What the figures were measured on, and when.
def machine:
	(map(select(.bench) | .date) | unique) as $dates
	| map(select(.machine)) | .[-1]
	| "\(.processor) (\(.machine)), \(if $dates | length > 1 then "\($dates[0]) to \($dates[-1])" else $dates[0] end); "
	+ "Linux \(.kernel | split(".")[:2] | join(".")); compiler \(.compiler); \(.dpdk); IPsec-MB \(.ipsec_mb); "
	+ "\(.openssl); Adit \(.adit).";

def mppe:
	table(["case", "octets", "sessions", "kernel", "pages", "Adit", "", "cycles", "of the starts", "OpenSSL", "ratio"]; 6;
		figures | select(.bench == "mppe" and choice == "auto" and (is_stage | not))
		| [.case, octets, .sessions, .kernel, .pages, (.value | number), .unit, cycles, spread, (.peer_value | number), ratios]
		| text);

# The kernels of RC4 beside each other.
def kernels:
	map(select(.bench == "mppe" and .sessions == 64 and (is_stage | not))) as $all
	| ($all | map(choice) | unique) as $names
	| table(["case", "octets"] + $names; ($names | length);
		$all | group_by([.case, .bytes])[] | select(map(choice) | unique == $names)
		| . as $same
		| [.[0].case, (.[0] | octets | tostring)] + ($names | map(. as $k | $same[] | select(choice == $k) | .ratio | number)));

# A stateless packet of 64 sessions, stage by stage.
def mppe_stages:
	map(select(.bench == "mppe" and choice == "auto" and .sessions == 64)) as $all
	| def of($case; $bytes): $all[] | select(.case == $case and .bytes == $bytes) | .cycles;
	of("stage-sha1"; 0) as $sha | of("stage-key-change"; 0) as $change | of("rc4-key-schedule"; 0) as $schedule
	| table(["octets", "SHA-1", "first key schedule and new key", "second key schedule", "octets' encryption", "the rest", "whole packet"]; 6;
		64, 1400
		| of("stage-body"; .) as $body | of("stateless-128-encrypt"; .) as $whole
		| [., $sha, $change - $sha, $schedule, $body - $schedule, $whole - $change - $body, $whole] | map(whole));

def esp:
	table(["case", "octets", "SAs", "kernel", "pages", "Mpps", "cycles", "of the starts", "crypto-perf", "ratio"]; 6;
		figures | select(.bench == "esp" and .peer)
		| [.case, .bytes, .sessions, .kernel, .pages, (.value | number), cycles, spread, (.peer_value | number), ratios] | text);

# An ESP packet of one SA, stage by stage.
def esp_stages:
	map(select(.bench == "esp" and .sessions == 1)) as $all
	| table(["case", "octets", "cipher", "hash", "frame", "whole packet"]; 5;
		$all[] | select(.peer and .bytes != 62) | . as $whole
		| def of($stage): [$all[] | select(.case == "stage-\($stage) \($whole.case)" and .bytes == $whole.bytes)][0]
			| if . then cycles else "-" end;
		[.case, (.bytes | tostring), of("cipher"), of("hash"), of("frame"), cycles]);

# One bench on several processors: the ratio of each row, and of several starts the worst and the best.
def across($bench):
	def processors: map(.processor) | unique;
	map(select(.bench == $bench and .peer and (is_stage | not) and (.bench == "esp" or choice == "auto"))) as $all
	| ($all | processors) as $names
	| ($all | map(tojson as $o | {key: ([.case, .bytes, .sessions] | tojson), value: .}) | group_by(.key)
		| map({key: .[0].key, value: map(.value)}) | from_entries) as $of
	| table(["case", "octets", (if $bench == "esp" then "SAs" else "sessions" end)] + $names; ($names | length);
		reduce ($all[] | [.case, .bytes, .sessions] | tojson) as $k ([]; if index([$k]) then . else . + [$k] end)
		| .[] | $of[.] | . as $same
		| [.[0].case, (.[0] | octets), .[0].sessions]
			+ ($names | map(. as $p | [$same[] | select(.processor == $p)][0] | if . then ratios else "-" end))
		| text);

def graph_row: [.case, .bytes, .sessions, .order, .workers, .kernel, (.value | number), cycles, spread, .peer // "-",
	(if .peer then .peer_value | number else "-" end), ratio] | text;
# Whole packets, with the tables on these pages.
def graph($pages):
	table(["case", "octets", "sessions", "order", "workers", "kernel", "Mpps", "cycles", "of the starts", "beside", "its Mpps", "ratio"]; 6;
		figures | select(.pages == $pages) | graph_row);

# How a worker's rate holds in random order: cycles by number of sessions, and the share of the rate with one.
def many($pages):
	map(select(.bench and .pages == $pages and .order == "random" and .workers == 1)) as $all
	| ($all | map(.sessions) | unique) as $counts
	| table(["case", "octets"] + ($counts | map("\(thousands)")) + ["share with \($counts[-1] | thousands)"]; ($counts | length + 1);
		reduce ($all[] | {case, bytes}) as $k ([]; if index([$k]) then . else . + [$k] end)
		| .[] as $k | [$all[] | select(.case == $k.case and .bytes == $k.bytes)] as $same
		| def of($n): [$same[] | select(.sessions == $n)][0];
		[$k.case, $k.bytes] + ($counts | map(of(.) | if . then cycles else "-" end))
			+ [if of($counts[0]) and of($counts[-1]) then "**\(100 * of($counts[0]).cycles / of($counts[-1]).cycles | round) %**"
				else "-" end]
		| text);

# Set-ups by charon: a figure of the wall clock, one of the responder's CPU.
def ike:
	table(["case", "", "Adit", "charon alone", "ratio"]; 3;
		figures | [.case, .unit, (.value | number), (.peer_value | number), ratio]);

# --- Drawings ------------------------------------------------------------------------------------

def words($x; $y; $anchor; $more): "<text x=\"\($x)\" y=\"\($y)\" text-anchor=\"\($anchor)\"\($more)>\(@html)</text>";
def box($x; $y; $wide; $high; $fill): "<rect x=\"\($x)\" y=\"\($y)\" width=\"\($wide)\" height=\"\($high)\" fill=\"\($fill)\"/>";
def upright($x; $high; $more): "<line x1=\"\($x)\" y1=\"50\" x2=\"\($x)\" y2=\"\($high)\"\($more)/>";

# SVG: a bar for each of these figures, its length the ratio to the peer.
def drawing(rows):
	[figures | rows | select(.ratio and .value)] as $all
	| (map(select(.machine)) | .[-1]) as $on
	| if $all == [] then empty else . end
	| ($all | map(.ratio) | max | if . < 1.2 then 1.2 else . end) as $most
	| (if $most > 6 then 2 elif $most > 3 then 1 else 0.5 end) as $step
	| (380 / $most) as $one
	| def at: 330 + . * $one | . * 10 | round / 10;
	($all | length * 20 + 60) as $high
	| "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"960\" height=\"\($high + 30)\" font-family=\"sans-serif\" font-size=\"12\">",
		box(0; 0; 960; $high + 30; "white"),
		("Adit against its peers: ratio (above 1: Adit is faster)" | words(480; 20; "middle"; "")),
		("\($on.processor) (\($on.machine)), \($on.date), \($on.dpdk), IPsec-MB \($on.ipsec_mb), \($on.openssl)"
			| words(480; 38; "middle"; " font-size=\"10\"")),
		(range(0; $most + 0.001; $step) | (at | upright(.; $high; " stroke=\"#d0d0d0\"")),
			(. as $n | tostring | words($n | at; $high + 16; "middle"; ""))),
		($all | to_entries[] | .key as $k | .value | ($k * 20 + 56) as $y
			| ("\(.bench) \(.case)\(if .bytes > 0 then ", \(.bytes) B" else "" end), \(.sessions) session\(if .sessions == 1 then "" else "s" end)\(if .bench == "graph" then ", \(.pages)" else "" end)"
				| words(322; $y + 12; "end"; "")),
				box(330; $y; .ratio * $one * 10 | round / 10; 15; "#3b78b5"),
				("\(.ratio | number)  (\(.value | number) \(.unit) \(.kernel); \(.peer))"
					| words($all[$k].ratio * $one + 336 | round; $y + 12; "start"; " font-size=\"10\""))),
		(1 | at | upright(.; $high; " stroke=\"#404040\" stroke-width=\"2\"")),
		"</svg>";
