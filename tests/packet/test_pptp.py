# SPDX-License-Identifier: BSD-3-Clause
"""PPTP through the real data plane: every way in, every way to be dropped.  Topology: lab.py."""
import struct
import time

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import ARP, Ether

from lab import CLIENT, INNER_SERVER, LAN_GW, LAN_HOST, SERVER, Gre, eventually, gre, has_payload, is_gre


def inner(s, dst=LAN_HOST, payload=b"x" * 32, **ip):
    return IP(src=ip.pop("src", s.inner), dst=dst, **ip) / UDP(sport=4000, dport=4001) / payload


def send_up(s, packet, seq=None, **how):
    """An inner packet as the client sends it."""
    data = bytes(packet)
    ppp = b"\xfd" + s.up.encrypt(b"\x21" + data) if s.up else b"\x21" + data
    if seq is None:
        seq, s.seq = s.seq, s.seq + 1
    s.lab.wan.send(gre(s.call, ppp, seq, src=s.peer, **how))


def to_lan(s, sport=4000, timeout=2.0):
    return s.lab.lan.receive(lambda f: UDP in f and f[IP].src == s.inner and f[UDP].sport == sport, timeout)


def from_gateway(s, frame):
    """The inner packet that a frame to the client carries."""
    g = Gre(frame)
    assert g.call_id == s.peer_call
    assert g.length == len(g.payload)
    ppp = g.payload[2:] if g.payload[:2] == b"\xff\x03" else g.payload
    if s.down:
        ppp = ppp[2:] if ppp[:2] == b"\x00\xfd" else ppp[1:]
        ppp = s.down.decrypt(ppp)
    return IP(ppp[2:] if ppp[:2] == b"\x00\x21" else ppp[1:])


def down(s, packet):
    """Send from the LAN host, receive and unwrap at the client."""
    s.lab.lan.send(packet)
    frame = s.lab.wan.receive(lambda f: has_payload(f) and Gre(f).call_id == s.peer_call)
    return from_gateway(s, frame) if frame else None


# ------------------------------------------------------------------ forwarding

@pytest.mark.parametrize("bits,stateless", [(0, True), (40, True), (56, True), (128, True), (128, False), (40, False)])
def test_both_directions(session, bits, stateless):
    s = session(bits=bits, stateless=stateless, require=bool(bits))
    for n in range(300):  # over a flag packet, and the counters' low octet
        send_up(s, inner(s, payload=b"up" * 20))
        frame = to_lan(s)
        assert frame, f"packet {n} did not come out"
        assert frame[IP].ttl == 63 and bytes(frame[UDP].payload) == b"up" * 20
        got = down(s, IP(src=LAN_HOST, dst=s.inner) / UDP(sport=1, dport=2) / (b"down" * 9))
        assert got and got.dst == s.inner and got.ttl == 63 and bytes(got[UDP].payload) == b"down" * 9
    c = s.lab.control.counters(s.handle)
    assert (c["up_packets"], c["down_packets"]) == (300, 300)
    assert (c["up_bytes"], c["down_bytes"]) == (300 * 68, 300 * 64)


@pytest.mark.parametrize("head", [b"\x21", b"\x00\x21", b"\xff\x03\x21", b"\xff\x03\x00\x21"])
def test_framing(session, head):
    s = session()
    s.lab.wan.send(gre(s.call, head + bytes(inner(s)), 0))
    assert to_lan(s)


def test_client_to_client(session):
    a, b = session(bits=128), session(bits=128, stateless=False)
    send_up(a, inner(a, dst=b.inner, payload=b"hello"))
    frame = b.lab.wan.receive(lambda f: has_payload(f) and Gre(f).call_id == b.peer_call)
    got = from_gateway(b, frame)
    assert got.src == a.inner and got.ttl == 63 and bytes(got[UDP].payload) == b"hello"


def test_server_inner_address_answers_ping(session):
    s = session()
    send_up(s, IP(src=s.inner, dst=INNER_SERVER) / ICMP(id=7, seq=1) / b"ping")
    frame = s.lab.wan.receive(has_payload)
    got = from_gateway(s, frame)
    assert got.src == INNER_SERVER and got[ICMP].type == 0 and got[ICMP].id == 7


# ------------------------------------------------------------------ T5: what is checked before anything is spent

def test_unknown_call(lab):
    with lab.drop_rises("gre_unknown_call"):
        lab.wan.send(gre(65000, b"\x21" + b"x" * 40, 1))


def test_wrong_peer(session):
    s = session()
    with s.lab.drop_rises("gre_wrong_peer"):
        s.lab.wan.send(gre(s.call, b"\x21" + bytes(inner(s)), 0, src="192.0.2.99"))
    assert not to_lan(s, timeout=0.2)


@pytest.mark.parametrize("how", [{"flags": 0x3081 ^ 0x2000}, {"flags": 0x3080}, {"flags": 0xB081}, {"flags": 0x3082},
                                 {"proto": 0x880C}, {"length": 1400}])
def test_malformed_gre(session, how):
    s = session()
    before = sum(s.lab.control.stats()["drops"].values())
    s.lab.wan.send(gre(s.call, b"\x21" + bytes(inner(s)), 0, 0, **how))
    assert not to_lan(s, timeout=0.2)
    assert eventually(lambda: sum(s.lab.control.stats()["drops"].values()) > before)


@pytest.mark.parametrize("size", range(0, 16))
def test_truncated_gre(session, size):
    s = session()
    packet = bytes(gre(s.call, b"\x21" + bytes(inner(s)), 0, 0).payload)[:size]
    before = sum(s.lab.control.stats()["drops"].values())
    s.lab.wan.send(IP(src=CLIENT, dst=SERVER, proto=47) / packet)
    assert eventually(lambda: sum(s.lab.control.stats()["drops"].values()) > before)


# ------------------------------------------------------------------ sequence numbers

def test_duplicate_late_and_reordered(session):
    s = session(bits=128)
    packets = [b"\xfd" + s.up.encrypt(b"\x21" + bytes(inner(s, payload=bytes([n]) * 8))) for n in range(120)]
    for n in (0, 3, 1, 2):  # late by up to two: taken, with the keys that were skipped
        s.lab.wan.send(gre(s.call, packets[n], n))
        frame = to_lan(s)
        assert frame and bytes(frame[UDP].payload) == bytes([n]) * 8
    with s.lab.drop_rises("gre_duplicate"):
        s.lab.wan.send(gre(s.call, packets[2], 2))
    s.lab.wan.send(gre(s.call, packets[100], 100))
    assert not to_lan(s, timeout=0.2), "97 key changes are more than this configuration allows for one packet"
    s.lab.wan.send(gre(s.call, packets[5], 5))
    assert to_lan(s), "what could not be read has not moved the window (T27)"
    for n in (60, 61, 100, 101):
        s.lab.wan.send(gre(s.call, packets[n], n))
        assert to_lan(s)
    with s.lab.drop_rises("gre_late"):
        s.lab.wan.send(gre(s.call, packets[6], 6))


def test_far_ahead_is_not_believed_at_once(session):
    s = session()
    send_up(s, inner(s))
    assert to_lan(s)
    with s.lab.drop_rises("gre_window"):
        s.lab.wan.send(gre(s.call, b"\x21" + bytes(inner(s)), 1000000))
    send_up(s, inner(s))
    assert to_lan(s), "one forged packet must not shut the real peer out"


AHEAD = [1, 2, 63, 64, 65, 255, 256, 257, 1000, 4096, 16000, 16384, 16385, 1000000, 0x7fffffff, 0x80000000, -1, -64, -1000, -20000]


def survives(s, packets, lost):
    """The peer's own packets, of which one in ten gets lost on the way."""
    got = 0
    for n in range(packets):
        if n % 10 == 9:
            s.seq += 1
            if s.up:
                s.up.skip(1)
        send_up(s, inner(s, payload=struct.pack("!I", n)))
        frame = to_lan(s, timeout=0.05)
        got += frame is not None and bytes(frame[UDP].payload) == struct.pack("!I", n)
    assert got >= packets - lost, f"{got} of {packets}"


@pytest.mark.parametrize("bits", [0, 128])
@pytest.mark.parametrize("ahead", AHEAD)
def test_one_forged_number_costs_next_to_nothing(session, bits, ahead):  # T5, T27
    s = session(bits=bits)
    for _ in range(5):
        send_up(s, inner(s))
        assert to_lan(s)
    ppp = b"\xfd\x90" + bytes([5 + ahead & 255]) + b"garbage" * 9 if bits else b"\x21" + b"garbage" * 9
    s.lab.wan.send(gre(s.call, ppp, s.seq + ahead & 0xffffffff, 77777))
    survives(s, 40, 0 if bits else 2)


@pytest.mark.parametrize("bits", [0, 128])
@pytest.mark.parametrize("how", ["run", "sweep", "close", "far"])
def test_forged_stream_beside_a_peer(session, bits, how):  # T5, T27
    s = session(bits=bits)
    send_up(s, inner(s))
    assert to_lan(s)
    got, count = 0, 0
    for n in range(300):
        for k in range(12):
            count += 1
            seq = {"run": 0x40000000 + count, "sweep": count * 3, "close": s.seq + (count * 7) % 64 - 5, "far": count * 0x9e3779b1}[how]
            ppp = b"\xfd" + struct.pack("!H", 0x9000 | count % 4096) + b"garbage" * 9 if bits else b"\x21" + b"garbage" * 9
            s.lab.wan.send(gre(s.call, ppp, seq & 0xffffffff))
        send_up(s, inner(s))
        got += to_lan(s, timeout=0.1) is not None
    assert got >= (300 if bits else 270), f"{got} of 300"


@pytest.mark.parametrize("bits", [0, 128])
def test_control_frames_move_no_number(session, bits):  # T27
    s = session(bits=bits)
    send_up(s, inner(s))
    assert to_lan(s)
    for n in range(120):
        s.lab.wan.send(gre(s.call, bytes.fromhex("ff03c02105070004"), 0x40000000 + n))
    if bits:
        assert not s.lab.control.hear("punt", lambda o: o["handle"] == s.handle, 0.3), "the window is proven"
    survives(s, 40, 0)


def test_the_real_peer_may_jump(session):
    s = session()
    send_up(s, inner(s))
    assert to_lan(s)
    s.seq += 5000000
    survives(s, 40, 8)


def test_acknowledgement_alone(session):
    s = session()
    with s.lab.drop_rises("gre_ack_only"):
        s.lab.wan.send(gre(s.call, b"", None, 5))


def test_we_acknowledge(session):
    s = session()
    for _ in range(20):
        send_up(s, inner(s))
    frame = s.lab.wan.receive(lambda f: is_gre(f) and Gre(f).ack is not None)
    assert frame and Gre(frame).call_id == s.peer_call
    assert down(s, IP(src=LAN_HOST, dst=s.inner) / UDP() / b"x")


def test_the_acknowledgement_goes_alone_when_nothing_carries_it(session):
    s = session()
    s.lab.wan.drain()
    began = time.monotonic()
    send_up(s, inner(s))
    frame = s.lab.wan.receive(is_gre)
    took = time.monotonic() - began
    got = Gre(frame)
    assert (got.seq, got.ack, got.payload, got.length, got.call_id) == (None, 0, b"", 0, s.peer_call)
    assert got.flags == 0x2081, "key and acknowledgement, no sequence number"
    assert 0.019 < took < 0.3, "20 ms, and long before a client's time-out"
    assert not s.lab.wan.receive(is_gre, 0.1), "once"
    send_up(s, inner(s))
    assert Gre(s.lab.wan.receive(is_gre)).ack == 1


# ------------------------------------------------------------------ MPPE: T3, T4

def test_plaintext_where_encryption_is_required(session):
    s = session(bits=128, require=True)
    with s.lab.drop_rises("mppe_plaintext"):
        s.lab.wan.send(gre(s.call, b"\x21" + bytes(inner(s)), 0))
    assert not to_lan(s, timeout=0.2)


def test_mppe_not_negotiated(session):
    s = session()
    with s.lab.drop_rises("mppe_not_negotiated"):
        s.lab.wan.send(gre(s.call, b"\xfd\x90\x00" + b"x" * 40, 0))


def test_encrypted_bit_clear(session):
    s = session(bits=128)
    with s.lab.drop_rises("mppe_malformed"):
        s.lab.wan.send(gre(s.call, b"\xfd\x80\x00" + b"x" * 40, 0))


def test_rekey_bound_leaves_the_session_alive(session):
    s = session(bits=128)
    send_up(s, inner(s))
    assert to_lan(s)
    with s.lab.drop_rises("mppe_rekey_bound"):  # T4: max_rekeys is 64 here
        s.lab.wan.send(gre(s.call, b"\xfd" + struct.pack("!H", 0x9000 | 1500) + b"x" * 40, s.seq))
        s.seq += 1
    send_up(s, inner(s))
    assert to_lan(s)


def test_stateful_loss_asks_for_a_reset(session):
    s = session(bits=128, stateless=False)
    send_up(s, inner(s))
    assert to_lan(s)
    s.up.skip(1)
    with s.lab.drop_rises("mppe_lost_sync"):
        send_up(s, inner(s))
    event = s.lab.control.hear("event", lambda o: o["event"] == 3 and o["handle"] == s.handle)
    assert event, "control must hear that synchronisation was lost"


def test_flush_changes_the_key_once_and_jumps_to_a_flag_packet(session):
    s = session(bits=128, stateless=False)
    assert down(s, IP(src=LAN_HOST, dst=s.inner) / UDP() / b"one")
    assert s.lab.control.do("flush", s.handle) == 0
    while s.down.count & 0xFF != 0xFF:  # as if these had been lost: docs/adr/0003
        s.down.count += 1
    got = down(s, IP(src=LAN_HOST, dst=s.inner) / UDP() / b"two")
    assert got and bytes(got[UDP].payload) == b"two"


# ------------------------------------------------------------------ inner packets

def test_source_must_be_the_sessions(session):  # T18
    s = session()
    with s.lab.drop_rises("session_source"):
        send_up(s, inner(s, src="10.99.0.251"))


def test_data_before_the_link_is_up(session):
    s = session(opened=False)
    with s.lab.drop_rises("session_closed"):
        send_up(s, inner(s))


def test_ttl_exceeded_is_told(session):
    s = session()
    with s.lab.drop_rises("ip_ttl"):
        send_up(s, inner(s, ttl=1))
        got = from_gateway(s, s.lab.wan.receive(has_payload))
    assert got.src == INNER_SERVER and got[ICMP].type == 11


def test_too_big_is_told(session):  # D5
    s = session(mru=1000)
    with s.lab.drop_rises("session_mtu"):
        s.lab.lan.send(IP(src=LAN_HOST, dst=s.inner, flags="DF") / UDP() / (b"x" * 1200))
        frame = s.lab.lan.receive(lambda f: ICMP in f and f[ICMP].type == 3 and f[ICMP].code == 4)
    assert frame and 576 <= frame[ICMP].nexthopmtu <= 1000


def test_too_big_is_fragmented(session):
    s = session(mru=1000)
    s.lab.lan.send(IP(src=LAN_HOST, dst=s.inner, id=77) / UDP() / (b"y" * 1200))
    sizes = []
    for _ in range(2):
        got = from_gateway(s, s.lab.wan.receive(has_payload))
        assert got.id == 77 and got.len <= 1000
        sizes.append((got.frag * 8, got.len - 20, int(got.flags.MF)))
    sizes.sort()
    assert sizes[0][0] == 0 and sizes[0][2] == 1
    assert sizes[1][0] == sizes[0][1] and sizes[1][2] == 0 and sizes[0][1] + sizes[1][1] == 1208


@pytest.mark.parametrize("direction", ["up", "down"])
def test_mss_clamp(session, direction):  # D5
    s = session(bits=128)
    syn = TCP(sport=5, dport=80, flags="S", options=[("NOP", None), ("MSS", 1460)])
    if direction == "up":
        send_up(s, IP(src=s.inner, dst=LAN_HOST) / syn)
        got = s.lab.lan.receive(lambda f: TCP in f and f[TCP].dport == 80)[IP]
    else:
        got = down(s, IP(src=LAN_HOST, dst=s.inner) / syn)
    mss = dict(got[TCP].options)["MSS"]
    assert 1200 <= mss <= 1360
    was = got[TCP].chksum
    del got[TCP].chksum
    assert IP(bytes(got))[TCP].chksum == was


@pytest.mark.parametrize("packet", [b"\x21", b"\x21" + b"\x45" * 10, b"\x21\x46" + b"x" * 60, b"\x21\x65" + b"x" * 60])
def test_malformed_inner(session, packet):
    s = session()
    with s.lab.drop_rises("ip_malformed"):
        s.lab.wan.send(gre(s.call, packet, 0))


def test_no_route(session):
    s = session()
    with s.lab.drop_rises("ip_no_route"):
        send_up(s, inner(s, dst="203.0.113.5"))
        got = s.lab.wan.receive(has_payload, 1.0)
    if got:
        assert from_gateway(s, got)[ICMP].type == 3


# ------------------------------------------------------------------ edge, slow path, control frames

@pytest.mark.parametrize("packet", [
    IP(src=CLIENT, dst=SERVER) / UDP(sport=1, dport=53),
    IP(src=CLIENT, dst=SERVER) / TCP(dport=22, flags="S"),
    IP(src=CLIENT, dst=SERVER, proto=51) / b"\x00\x00\x10\x00\x00\x00\x00\x01",
    IP(src=CLIENT, dst=LAN_HOST) / UDP(dport=9),
])
def test_edge_filter(lab, packet):  # R12
    before = lab.control.stats()["drops"]
    lab.wan.send(packet)
    assert eventually(lambda: lab.drops("edge_filter") > before["edge_filter"]), lab.control.stats()


def test_tcp_1723_reaches_the_kernel(lab):
    lab.wan.send(IP(src="192.0.2.1", dst=SERVER) / TCP(sport=4242, dport=1723, flags="S"))
    assert lab.wan.receive(lambda f: TCP in f and f[TCP].sport == 1723 and f[TCP].dport == 4242)


def test_proxy_arp_is_silent_outside_of_the_lan(lab):
    lab.lan.send(Ether(src=lab.lan.mac, dst="ff:ff:ff:ff:ff:ff") / ARP(psrc=LAN_HOST, pdst="10.99.0.5", op=1))
    assert not lab.lan.receive(lambda f: ARP in f and f[ARP].op == 2 and f[ARP].psrc == "10.99.0.5", 0.3)


def test_proxy_arp_for_a_client_inside_of_the_lan(lab, session):
    s = session(opened=False)
    assert lab.gateway("198.51.100.65", "198.51.100.65", "198.51.100.80") == 0
    assert lab.control.do("open", s.handle, "198.51.100.77", 0, 1, "tester") == 0
    ask = Ether(src=lab.lan.mac, dst="ff:ff:ff:ff:ff:ff") / ARP(
        hwsrc=lab.lan.mac, psrc=LAN_HOST, pdst="198.51.100.77", op=1)
    lab.lan.send(ask)
    got = lab.lan.receive(lambda f: ARP in f and f[ARP].op == 2 and f[ARP].psrc == "198.51.100.77", 2.0)
    assert got and got[ARP].hwsrc == lab.lan.gateway_mac
    assert lab.gateway() == 0


def test_control_frames_both_ways(session):
    s = session(opened=False)
    s.lab.wan.send(gre(s.call, bytes.fromhex("ff03c021010100080506cafe"), 0))
    punt = s.lab.control.hear("punt", lambda o: o["handle"] == s.handle)
    assert punt and punt["punt"] == "c021010100080506cafe"
    s.lab.control.say("inject", s.handle, "c021020100080506cafe")
    frame = s.lab.wan.receive(has_payload)
    assert Gre(frame).payload.hex() == "ff03c021020100080506cafe"
    assert Gre(frame).ack == 0, "the acknowledgement goes along"


def test_a_flood_of_echoes_leaves_neighbours_their_control_frames(lab, session):  # D8
    flooder, established, calling = session(), session(bits=128), session(opened=False)
    echo = bytes.fromhex("ff03c021090100080506cafe")
    frames, before, began = 2000, lab.control.stats()["drops"], time.monotonic()
    lab.control.stop()  # a busy control: nothing leaves the punt ring, which has room for 512
    for n in range(frames):
        lab.wan.send(gre(flooder.call, echo, n))
        if n % 100 == 0:  # no faster than the packet socket takes them
            eventually(lambda: False, 0.01)
    lab.wan.send(gre(calling.call, bytes.fromhex("ff03c021010100080506cafe"), 0))
    lab.wan.send(gre(established.call, echo, 0))
    took = time.monotonic() - began
    send_up(established, inner(established), 1)
    assert to_lan(established)
    lab.control.go_on()
    assert lab.control.hear("punt", lambda o: o["handle"] == calling.handle)["punt"] == "c021010100080506cafe"
    assert lab.control.hear("punt", lambda o: o["handle"] == established.handle)
    lab.control.say("inject", established.handle, "c0210a0100080506beef")
    assert lab.wan.receive(lambda f: has_payload(f) and Gre(f).call_id == established.peer_call)
    after, counters = lab.control.stats()["drops"], lab.control.counters(flooder.handle)
    assert after["punt_full"] == before["punt_full"]
    assert counters["up_drops"] == after["punt_rate"] - before["punt_rate"] > 0
    taken = counters["up_ppp_packets"] - counters["up_drops"]
    assert 64 <= taken <= 64 + 100 * took + 1, "a burst, and 100 a second"
    eventually(lambda: False, 0.1)  # the rate comes back with time
    lab.wan.send(gre(flooder.call, echo, frames))
    assert lab.control.hear("punt", lambda o: o["handle"] == flooder.handle)


def test_random_frames_leave_it_alive(lab):
    import random
    rnd = random.Random(7)
    for n in range(2000):
        body = rnd.randbytes(rnd.randrange(0, 120))
        packet = [Ether(src=lab.wan.mac, dst=lab.wan.gateway_mac, type=rnd.choice([0x800, 0x806, 0x86dd])) / body,
                  IP(src=CLIENT, dst=SERVER, proto=47) / body,
                  gre(1001, body, n),
                  gre(1001, b"\xfd" + body, n)][n % 4]
        lab.wan.send(packet)
    assert lab.alive() and lab.control.stats()
    send = lab.control.stats()["mbufs_free"]
    assert send > 0
