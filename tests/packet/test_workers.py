# SPDX-License-Identifier: BSD-3-Clause
"""Several workers on a port with one queue: sessions have owners, packets are handed over."""
from scapy.layers.inet import IP, UDP

from lab import LAN_HOST
from test_pptp import down, inner, send_up, to_lan

LCORES = "0@0,1@1,2@1,3@0"


def test_sessions_work_wherever_their_packets_arrive(lab, session):
    made = [session(bits=128, stateless=n % 2 == 0) for n in range(12)]
    for _ in range(5):
        for s in made:
            send_up(s, inner(s))
            assert to_lan(s)
            assert down(s, IP(src=LAN_HOST, dst=s.inner) / UDP() / b"x")
    for s in made:
        c = lab.control.counters(s.handle)
        assert (c["up_packets"], c["down_packets"], c["up_drops"], c["down_drops"]) == (5, 5, 0, 0)
    assert sum(lab.control.counters(s.handle)["handoffs"] for s in made) > 0, "no packet crossed a ring"
