# SPDX-License-Identifier: BSD-3-Clause
"""Several workers on ports with one queue pair: sessions have owners, packets are handed over, frames are sent by the
worker that has a tx queue."""
import pytest
from scapy.layers.inet import IP, UDP

from esp import EspPath
from l2tp import L2tpSession
from lab import LAN_HOST, eventually, sh
from test_l2tp import inner as l2tp_inner, to_lan as l2tp_to_lan
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


def test_esp_works_wherever_its_packets_arrive(lab):
    paths = [EspPath(lab, ip=f"192.0.2.{n}", port=4500 if n % 2 else 0, encryption="aes128-gcm16" if n % 3 else "aes128-cbc",
                     integrity="-" if n % 3 else "hmac-sha1-96") for n in range(20, 36)]
    for p in paths:
        lab.arp(p.ip)
    made = [L2tpSession(lab, p) for p in paths]
    for _ in range(5):
        for s in made:
            s.send(l2tp_inner(s))
            assert l2tp_to_lan(s)
            s.lab.lan.send(IP(src=LAN_HOST, dst=s.inner) / UDP() / b"x")
            assert s.receive_ip()
    for s in made:
        c, p = lab.control.counters(s.handle), s.path.counters()
        assert (c["up_packets"], c["down_packets"], c["up_drops"], c["down_drops"]) == (5, 5, 0, 0)
        assert (p["in_packets"], p["out_packets"], p["in_dropped"], p["out_dropped"]) == (5, 5, 0, 0)
    assert sum(s.path.counters()["handoffs"] for s in made) > 0, "no packet crossed a ring"
    for s in made:
        s.close()
        s.path.close()


def test_a_successor_pair_may_have_another_owner(lab):
    """The peer has moved to another address, for which another worker is computed: session and new SA live apart."""
    first = EspPath(lab, ip="192.0.2.20", port=4500)
    lab.arp(first.ip)
    s = L2tpSession(lab, first)
    owners = {}
    for n in range(21, 60):
        p = EspPath(lab, ip=f"192.0.2.{n}", port=4500, peer_name=first.peer_name)
        lab.control.say("sas")
        owners = {e["handle"]: e["owner"] for e in lab.control.hear("sas", lambda o: any(e["handle"] == p.pair for e in o["sas"]))["sas"]}
        if owners[p.pair] != owners[first.pair]:
            break
        p.close()
    assert owners[p.pair] != owners[first.pair]
    lab.arp(p.ip)
    assert lab.control.do("session_sa", s.handle, p.pair) == 0
    for _ in range(5):
        s.send(l2tp_inner(s), path=p)
        assert l2tp_to_lan(s)
        s.lab.lan.send(IP(src=LAN_HOST, dst=s.inner) / UDP() / b"x")
        assert s.receive_ip(path=p)
    s.close()
    first.close()
    p.close()
