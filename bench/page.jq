# SPDX-License-Identifier: BSD-3-Clause
# The tables of docs/performance.md, of all the objects of one file: see bench/page.

def decimals($n): # of what is not negative
	([range($n)] | reduce .[] as $i (1; . * 10)) as $unit
	| (. * $unit | round) as $whole
	| "\($whole / $unit | floor).\("0" * $n + ($whole % $unit | tostring) | .[-$n:])";
def number: # two or three digits that matter
	if . >= 100 then round | tostring
	elif . >= 10 then decimals(1) elif . >= 0.1 then decimals(2) elif . >= 0.01 then decimals(3) else decimals(4) end;
def thousands: tostring | if length > 3 then "\(.[:-3] | thousands),\(.[-3:])" else . end;
def cycles: .cycles | round | thousands;
def row: "| \(join(" | ")) |";
def table($columns; $right; rows): # $right: how many of the columns, from the right, hold numbers
	($columns | length - $right) as $left
	| $columns, [$columns | keys[] | if . < $left then "---" else "--:" end], rows | row;

def octets: if .bytes > 0 then .bytes elif .case | startswith("mixed") then "40 to 1400" else "-" end;
def figures: .[] | select(.bench);
def choice: .choice // .kernel; # figures of before 2026-11-28 have one kernel for all cases
def chosen: map(select(.bench == "mppe"))[0] | choice; # measured first

# What the figures were measured on.
def machine:
	map(select(.machine)) | .[-1]
	| "\(.machine); Linux \(.kernel | split(".")[:2] | join(".")); compiler \(.compiler); \(.dpdk); IPsec-MB \(.ipsec_mb); "
	+ "\(.openssl); Adit \(.adit).";

def mppe:
	chosen as $kernel
	| table(["case", "octets", "sessions", "kernel", "Adit", "", "cycles", "OpenSSL", "ratio"]; 5;
		figures | select(.bench == "mppe" and choice == $kernel and (.case | startswith("stage-") | not))
		| [.case, octets, .sessions, .kernel,
			(.value | number), .unit, cycles, (.peer_value | number), "**\(.ratio | number)**"] | map(tostring));

# The kernels of RC4 beside each other.
def kernels:
	map(select(.bench == "mppe" and .sessions == 64 and (.case | startswith("stage-") | not))) as $all
	| ($all | map(choice) | unique) as $names
	| table(["case", "octets"] + $names; ($names | length);
		$all | group_by([.case, .bytes])[] | select(map(choice) | unique == $names)
		| . as $same
		| [.[0].case, (.[0] | octets | tostring)] + ($names | map(. as $k | $same[] | select(choice == $k) | .ratio | number)));

# A stateless packet of 64 sessions, stage by stage.
def mppe_stages:
	chosen as $kernel
	| map(select(.bench == "mppe" and choice == $kernel and .sessions == 64)) as $all
	| def of($case; $bytes): $all[] | select(.case == $case and .bytes == $bytes) | .cycles;
	of("stage-sha1"; 0) as $sha | of("stage-key-change"; 0) as $change | of("rc4-key-schedule"; 0) as $schedule
	| table(["octets", "SHA-1", "first key schedule and new key", "second key schedule", "octets' encryption", "the rest", "whole packet"]; 6;
		64, 1400
		| of("stage-body"; .) as $body | of("stateless-128-encrypt"; .) as $whole
		| [., $sha, $change - $sha, $schedule, $body - $schedule, $whole - $change - $body, $whole] | map(round | thousands));

def esp:
	table(["case", "octets", "SAs", "Mpps", "cycles", "crypto-perf", "ratio"]; 6;
		figures | select(.bench == "esp" and .peer)
		| [.case, .bytes, .sessions, (.value | number), cycles, (.peer_value | number), "**\(.ratio | number)**"] | map(tostring));

# An ESP packet of one SA, stage by stage.
def esp_stages:
	map(select(.bench == "esp" and .sessions == 1)) as $all
	| table(["case", "octets", "cipher", "hash", "frame", "whole packet"]; 5;
		$all[] | select(.peer and .bytes != 62) | . as $whole
		| def of($stage): [$all[] | select(.case == "stage-\($stage) \($whole.case)" and .bytes == $whole.bytes)][0]
			| if . then cycles else "-" end;
		[.case, (.bytes | tostring), of("cipher"), of("hash"), of("frame"), cycles]);

def graph:
	table(["case", "octets", "sessions", "Mpps", "cycles", "beside", "its Mpps", "ratio"]; 7;
		figures | [.case, .bytes, .sessions, (.value | number), cycles, .peer, (.peer_value | number), "**\(.ratio | number)**"]
		| map(tostring));

# Set-ups by charon: a figure of the wall clock, one of the responder's CPU.
def ike:
	table(["case", "", "Adit", "charon alone", "ratio"]; 3;
		figures | [.case, .unit, (.value | number), (.peer_value | number), "**\(.ratio | number)**"]);
