# SPDX-License-Identifier: BSD-3-Clause
"""Several workers on ports with one queue pair: sessions have owners, packets are handed over, frames are sent by the
worker that has a tx queue."""
import pytest
from scapy.layers.inet import IP, UDP

from lab import LAN_HOST, eventually, sh
from test_pptp import down, inner, send_up, to_lan

LCORES = "0@0,1@1,2@1,3@0"
PEERS = [f"192.0.2.{n}" for n in range(101, 113)]


@pytest.fixture(scope="module")
def peers(lab):
    """Addresses of which the kernel at the other end says that they are its own: owners are chosen by address."""
    for address in PEERS:
        sh("ip", "-n", lab.ns("wan"), "addr", "add", f"{address}/24", "dev", "pwan")
    return PEERS


def test_sessions_work_wherever_their_packets_arrive(lab, session, peers):
    made = [session(peer=peer, bits=128, stateless=n % 2 == 0) for n, peer in enumerate(peers)]
    assert {lab.control.counters(s.handle)["owner"] for s in made} == {0, 1, 2}
    for _ in range(5):
        for s in made:
            send_up(s, inner(s))
            assert to_lan(s)
            assert down(s, IP(src=LAN_HOST, dst=s.inner) / UDP() / b"x")
    for s in made:
        c = lab.control.counters(s.handle)
        assert (c["up_packets"], c["down_packets"], c["up_drops"], c["down_drops"]) == (5, 5, 0, 0)
    assert sum(lab.control.counters(s.handle)["handoffs"] for s in made) > 0, "no packet crossed a ring"


def test_a_worker_without_a_tx_queue_sends_through_one_that_has(lab, session, peers):
    """Each port has one queue pair: wan0's belongs to worker 0, lan0's to worker 1, worker 2 has none."""
    made = [session(peer=peer, bits=128) for peer in peers]
    mine = [s for s in made if lab.control.counters(s.handle)["owner"] == 2]
    assert mine
    frames, drops, before = 0, lab.control.stats()["drops"], lab.control.nodes()
    for s in mine * 5:
        send_up(s, inner(s))
        assert to_lan(s)
        assert down(s, IP(src=LAN_HOST, dst=s.inner) / UDP() / b"x")
        frames += 2
    rose = eventually(lambda: lab.control.nodes()[2]["port_tx"] - before[2]["port_tx"] >= frames)
    assert rose, "worker 2 owns these sessions, so their frames leave its graph by port_tx"
    assert all(n["port_rx"] == b["port_rx"] for n, b in [(lab.control.nodes()[2], before[2])])
    after = lab.control.stats()["drops"]
    assert all(after[name] == drops[name] for name in ("tx_full", "handoff_full"))
