# SPDX-License-Identifier: BSD-3-Clause
"""Outer fragments (R16, T17).  Packet sockets put fragments together, XDP sockets do not: hence the device."""
import struct
import time

import pytest
from scapy.layers.inet import ICMP, IP, UDP, fragment

from esp import EspPath
from l2tp import L2tpSession, header
from lab import CLIENT, SERVER, eventually, gre
from test_l2tp import inner, to_lan
from test_pptp import inner as pptp_inner, to_lan as pptp_to_lan

WAN_DEVICE = "net_af_xdp0,iface=vwan,start_queue=0,queue_count=1"
WAITING = 3.2  # a little more than the data plane waits


@pytest.fixture(autouse=True)
def nothing_waits(lab):
    """What a test left in the table goes with the first fragment after its time."""
    yield
    time.sleep(WAITING)
    with lab.drop_rises("esp_unknown_spi"):
        lab.wan.send(piece(1, 0, 16, more=True, proto=50))
        lab.wan.send(piece(1, 16, 8, more=False, proto=50))
    lab.wan.drain()


def piece(number, at, size, more, src=CLIENT, proto=17):
    return IP(src=src, dst=SERVER, id=number, proto=proto, frag=at // 8, flags="MF" if more else 0) / (b"x" * size)


def ike(size, port=500, src=CLIENT, number=77):
    return IP(src=src, dst=SERVER, id=number) / UDP(sport=5501, dport=port) / (b"\0\0\0\0" + b"certificate" * 400)[:size]


def reached_the_kernel(lab):
    """Nobody listens there, so the kernel says so: port unreachable."""
    return lab.wan.receive(lambda f: ICMP in f and f[ICMP].type == 3 and f[ICMP].code == 3)


@pytest.mark.parametrize("port", [500, 4500])
@pytest.mark.parametrize("order", [1, -1], ids=["in-order", "backwards"])
@pytest.mark.parametrize("size", [1600, 4000], ids=["one-buffer", "several-buffers"])
def test_ike_reaches_the_kernel(lab, port, order, size):
    for f in fragment(ike(size, port), 1480)[::order]:
        lab.wan.send(f)
    assert reached_the_kernel(lab)


@pytest.mark.parametrize("port", [0, 4500])
def test_esp(lab, port):
    path = EspPath(lab, port=port)
    s = L2tpSession(lab, path)
    message = header(s.tunnel, s.id, body=b"\x21" + bytes(inner(s, payload=b"u" * 1300)))
    packet = path.outer(path.up.seal(struct.pack("!HHHH", 1701, 1701, 8 + len(message), 0) + message))
    lab.lan.drain()
    for f in fragment(packet, 1000):
        lab.wan.send(f)
    frame = to_lan(s)
    assert frame and bytes(frame[UDP].payload)[:1300] == b"u" * 1300
    assert path.counters()["in_packets"] == 1
    s.close()
    path.close()


def test_gre(lab, session):
    s = session()
    for f in fragment(gre(s.call, b"\x21" + bytes(pptp_inner(s, payload=b"u" * 600)), 1), 400):
        lab.wan.send(f)
    assert pptp_to_lan(s)


def test_whole_packets_meet_the_edge(lab):  # R12
    with lab.drop_rises("edge_filter"):
        for f in fragment(IP(src=CLIENT, dst=SERVER, id=9) / UDP(dport=53) / (b"x" * 1600), 1480):
            lab.wan.send(f)
    with lab.drop_rises("ip_fragment"):  # too large for one buffer, and not IKE
        for f in fragment(IP(src=CLIENT, dst=SERVER, id=9) / UDP(dport=53) / (b"x" * 3000), 1480):
            lab.wan.send(f)


@pytest.mark.parametrize("packet", [
    IP(src=CLIENT, dst=SERVER, id=9, proto=6) / (b"x" * 3000), IP(src=CLIENT, dst=SERVER, id=9) / ICMP() / (b"x" * 3000),
    IP(src=CLIENT, dst="192.0.2.11", id=9) / UDP(dport=500) / (b"x" * 3000)])
def test_other_fragments(lab, packet):
    with lab.drop_rises("ip_fragment", 3):
        for f in fragment(packet, 1480):
            lab.wan.send(f)


# ------------------------------------------------------------------ T17

@pytest.mark.parametrize("at,size,more", [
    (0, 8, True), (0, 15, True), (0, 3, True),  # too small a first one
    (16, 7, True), (16, 0, True), (16, 0, False),  # not whole units; nothing
    (65504, 16, False), (65528, 8, False)])  # beyond the largest packet
def test_malformed(lab, at, size, more):
    with lab.drop_rises("fragment_malformed"):
        lab.wan.send(piece(9, at, size, more))


def test_too_many_fragments(lab):
    with lab.drop_rises("fragment_malformed", 9):
        for n in range(9):
            lab.wan.send(piece(9, n * 16, 16, True))


@pytest.mark.parametrize("second", [
    (16, 32, True), (24, 8, True), (40, 16, True), (0, 24, True), (16, 8, False)],
    ids=["into-the-next", "inside", "from-the-last", "around", "ends-too-early"])
def test_overlap_drops_the_whole(lab, second):
    with lab.drop_rises("fragment_overlap", 3):
        lab.wan.send(piece(9, 0, 16, True))
        lab.wan.send(piece(9, 24, 24, True))
        lab.wan.send(piece(9, *second))


def test_beyond_the_last(lab):
    with lab.drop_rises("fragment_overlap", 2):
        lab.wan.send(piece(9, 32, 16, False))
        lab.wan.send(piece(9, 48, 16, True))


def test_the_same_one_twice(lab):
    """Networks repeat packets: the others wait on."""
    parts = fragment(ike(1600), 1480)
    with lab.drop_rises("fragment_overlap"):
        for f in (parts[0], parts[0], parts[1]):
            lab.wan.send(f)
    assert reached_the_kernel(lab)


def test_timeout(lab):
    parts = fragment(ike(1600), 1480)
    lab.wan.send(parts[0])
    time.sleep(WAITING)
    with lab.drop_rises("fragment_timeout"):
        lab.wan.send(parts[1])
    assert not reached_the_kernel(lab)


def test_a_source_loses_its_own(lab):
    """Whoever floods has a share of the table; another's first fragment waits through all of it."""
    parts = fragment(ike(1600, src=CLIENT), 1480)
    lab.wan.send(parts[0])
    with lab.drop_rises("fragment_crowded", 1000 - 8):
        for n in range(1000):
            lab.wan.send(piece(n, 0, 16, True, src="192.0.2.66"))
    lab.wan.send(parts[1])
    assert reached_the_kernel(lab)


def test_forged_sources_leave_room(lab):
    """A full table gives up its oldest, so the next honest datagram gets through."""
    before = lab.drops("fragment_crowded")
    for n in range(200):
        lab.wan.send(piece(n, 0, 16, True, src=f"203.0.113.{n + 1}"))
    assert eventually(lambda: lab.drops("fragment_crowded") - before == 200 - 64)
    for f in fragment(ike(1600), 1480):
        lab.wan.send(f)
    assert reached_the_kernel(lab)


def test_ipsec_switched_off(lab):  # R3, R12
    assert lab.gateway(ipsec=0, clear_l2tp=0) == 0
    with lab.drop_rises("ip_fragment", 2):
        for f in fragment(ike(2000), 1480):
            lab.wan.send(f)
    assert lab.gateway() == 0
