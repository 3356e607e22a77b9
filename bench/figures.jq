# SPDX-License-Identifier: BSD-3-Clause
# What becomes of the benchmarks' objects: one a line, the machine before its figures.
#
# machine, processor, date, kernel...: what all that follow were measured on.
# bench, case, bytes, sessions, choice, pages, order, workers: what was measured; these name a figure.
# value in unit, cycles (of the time-stamp counter, a packet), kernel (what was chosen), runs; beside peer: peer_value,
# ratio (above 1: Adit is faster).  Of several starts: starts, medians of theirs, and least_cycles, most_cycles,
# least_ratio, most_ratio.

def median: sort | if length % 2 == 1 then .[length / 2 | floor] else (.[length / 2 - 1] + .[length / 2]) / 2 end;
def name: [.bench, .case, .bytes, .sessions, .choice // .kernel, .pages, .order, .workers];

# Objects of several starts, to one of each figure, in the order of the first start.
def starts:
	(map(select(.machine))[-1] // empty),
	(map(select(.bench)) | . as $all | group_by(name) | map({key: (.[0] | name | tojson), value: .}) | from_entries as $of
		| reduce ($all[] | name | tojson) as $n ({seen: {}, names: []};
			if .seen[$n] then . else .seen[$n] = true | .names += [$n] end)
		| .names[] | $of[.]
		| .[0] + {starts: length, kernel: (map(.kernel) | unique | join(", ")),
			value: (map(.value) | median), cycles: (map(.cycles) | median),
			least_cycles: (map(.cycles) | min), most_cycles: (map(.cycles) | max)}
		+ if .[0].peer then {peer_value: (map(.peer_value) | median), ratio: (map(.ratio) | median),
			least_ratio: (map(.ratio) | min), most_ratio: (map(.ratio) | max)} else {} end);

# Old figures and new ones: what was measured in the same way goes, all cases of it unless there are new ones of $some only.
def renewed($old; $new; $some):
	def way: if $some then name else [.bench, .bytes, .sessions, .pages, .order, .workers] end | tojson;
	($new | map(select(.machine)) | .[-1]) as $machine
	| ($new | map(select(.bench) | {key: way, value: true}) | from_entries) as $again
	| $machine,
		($old[] | select(.bench and ($again[way] | not))),
		($new[] | select(.bench) | . + {date: $machine.date});
