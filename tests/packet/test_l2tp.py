# SPDX-License-Identifier: BSD-3-Clause
"""L2TP without IPsec through the real data plane: every form of its header, and every way to be dropped.  Topology: lab.py."""
import struct

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP

from l2tp import ClearPath, L2tpSession, control, header, unframe
from lab import CLIENT, LAN_HOST, SERVER, eventually
from mppe import Mppe


@pytest.fixture
def l2tp(lab):
    """A maker of sessions that closes what it made."""
    made = []

    def make(path=None, **how):
        made.append(L2tpSession(lab, path or ClearPath(lab.wan), **how))
        return made[-1]

    lab.wan.drain()
    lab.lan.drain()
    yield make
    for s in made:
        s.close()


def inner(s, dst=LAN_HOST, payload=b"x" * 32, **ip):
    return IP(src=ip.pop("src", s.inner), dst=dst, **ip) / UDP(sport=4000, dport=4001) / payload


def to_lan(s, timeout=2.0):
    return s.lab.lan.receive(lambda f: UDP in f and f[IP].src == s.inner and f[UDP].sport == 4000, timeout)


def down(s, packet):
    s.lab.lan.send(packet)
    return s.receive_ip()


# ------------------------------------------------------------------ forwarding

def test_both_directions(l2tp):
    s = l2tp()
    for n in range(100):
        s.send(inner(s, payload=b"up" * 20))
        frame = to_lan(s)
        assert frame, f"packet {n} did not come out"
        assert frame[IP].ttl == 63 and bytes(frame[UDP].payload) == b"up" * 20
        got = down(s, IP(src=LAN_HOST, dst=s.inner) / UDP(sport=1, dport=2) / (b"down" * 9))
        assert got and got.dst == s.inner and got.ttl == 63 and bytes(got[UDP].payload) == b"down" * 9
    c = s.lab.control.counters(s.handle)
    assert (c["up_packets"], c["down_packets"], c["up_bytes"], c["down_bytes"]) == (100, 100, 6800, 6400)


@pytest.mark.parametrize("form", [
    {}, {"length": True}, {"ns": 7}, {"ns": 7, "length": True}, {"offset": 0}, {"offset": 12}, {"offset": 3, "ns": 1, "length": True},
    {"flags": 0x0100}, {"flags": 0x34F0}])
@pytest.mark.parametrize("frame", [b"\x21", b"\x00\x21", b"\xff\x03\x21", b"\xff\x03\x00\x21"])
def test_header_forms(l2tp, form, frame):
    s = l2tp()
    s.send(None, ppp=frame + bytes(inner(s)), **form)
    assert to_lan(s)


def test_what_follows_the_length_is_no_part_of_the_message(l2tp):
    s = l2tp()
    packet = b"\x21" + bytes(inner(s))
    s.path.send(header(s.tunnel, s.id, body=packet, told=8 + len(packet)) + b"\xaa" * 9)
    assert to_lan(s)


@pytest.mark.parametrize("acfc,pfc,head", [(1, 1, b"\x21"), (0, 0, b"\xff\x03\x00\x21"), (1, 0, b"\x00\x21"), (0, 1, b"\xff\x03\x21")])
def test_downlink_framing(l2tp, acfc, pfc, head):
    s = l2tp(acfc=acfc, pfc=pfc)
    s.lab.lan.send(IP(src=LAN_HOST, dst=s.inner) / UDP() / b"x")
    got = s.receive()
    assert got.body.startswith(head + b"\x45") and got.flags == 2


def test_mppe_inside(l2tp):
    up, dn = bytes(range(16)), bytes(range(100, 116))
    s = l2tp(mppe=(Mppe(up), Mppe(dn)), require=True)
    for _ in range(20):
        s.send(inner(s))
        assert to_lan(s)
        assert down(s, IP(src=LAN_HOST, dst=s.inner) / UDP() / b"secret")
    with s.lab.drop_rises("mppe_plaintext"):
        s.send(None, ppp=b"\x21" + bytes(inner(s)))


def test_too_big_and_mss(l2tp):  # D5: 1500 less IPv4, UDP, L2TP and PPP
    s = l2tp(mru=1500, acfc=0, pfc=0)
    with s.lab.drop_rises("session_mtu"):
        s.lab.lan.send(IP(src=LAN_HOST, dst=s.inner, flags="DF") / UDP() / (b"x" * 1440))
        frame = s.lab.lan.receive(lambda f: ICMP in f and f[ICMP].type == 3 and f[ICMP].code == 4)
    assert frame and frame[ICMP].nexthopmtu == 1500 - 20 - 8 - 6 - 4
    got = down(s, IP(src=LAN_HOST, dst=s.inner, flags="DF") / UDP() / (b"x" * (1462 - 28)))
    assert got and got.len == 1462
    got = down(s, IP(src=LAN_HOST, dst=s.inner) / TCP(dport=80, flags="S", options=[("MSS", 1460)]))
    assert dict(got[TCP].options)["MSS"] == 1462 - 40


# ------------------------------------------------------------------ sequence numbers: RFC 2661 section 5.4

def test_sequence_window(l2tp):
    s = l2tp()
    for n in (65533, 65535, 65534, 2, 0, 1):  # reordered, and over the end of 16 bits
        s.send(inner(s, payload=struct.pack("!H", n)), ns=n)
        frame = to_lan(s)
        assert frame and bytes(frame[UDP].payload) == struct.pack("!H", n)
    with s.lab.drop_rises("l2tp_duplicate"):
        s.send(inner(s), ns=0)
    s.send(inner(s), ns=200)
    assert to_lan(s)
    with s.lab.drop_rises("l2tp_late"):
        s.send(inner(s), ns=100)
    with s.lab.drop_rises("l2tp_window"):
        s.send(inner(s), ns=30000)
    s.send(inner(s), ns=201)
    assert to_lan(s)


def test_sequence_required(l2tp):
    s = l2tp(require_sequence=1)
    with s.lab.drop_rises("l2tp_no_sequence"):
        s.send(inner(s))
    s.send(inner(s), ns=0)
    assert to_lan(s)


def test_sequence_sent(l2tp):
    s = l2tp(send_sequence=1)
    for n in range(5):
        s.lab.lan.send(IP(src=LAN_HOST, dst=s.inner) / UDP() / b"x")
        assert s.receive().ns == n


# ------------------------------------------------------------------ what is compared before anything is spent

@pytest.mark.parametrize("what", ["session", "tunnel"])
def test_unknown_session(l2tp, what):
    s = l2tp()
    ids = (s.tunnel, 60000) if what == "session" else (s.tunnel + 1, s.id)
    with s.lab.drop_rises("l2tp_unknown_session"):
        s.send(inner(s), ids=ids)


def test_other_session_of_another_peer(l2tp):  # D1, T5: behind one address, told apart by their ports
    s = l2tp()
    other = ClearPath(s.lab.wan, port=31701)
    with s.lab.drop_rises("l2tp_wrong_peer"):
        s.send(inner(s), path=other)
    with s.lab.drop_rises("l2tp_wrong_peer"):
        s.send(inner(s), path=ClearPath(s.lab.wan, ip="192.0.2.77"))
    t = l2tp(other)
    s.send(inner(s))
    assert to_lan(s)
    t.send(inner(t))
    assert to_lan(t)
    assert down(t, IP(src=LAN_HOST, dst=t.inner) / UDP() / b"x")


@pytest.mark.parametrize("raw", [
    b"", b"\x00", b"\x00\x02", b"\x00\x02\x00\x01\x00",
    header(1, 1, version=1), header(1, 1, version=3), header(1, 1, version=0),
    header(1, 1, body=b"x" * 20, told=0), header(1, 1, body=b"x" * 20, told=7), header(1, 1, body=b"x" * 20, told=29),
    header(1, 1, body=b"x" * 20, told=65535), struct.pack("!HHHHH", 0x4802, 10, 1, 1, 0),
    struct.pack("!HHHH", 0x0202, 1, 1, 1), struct.pack("!HHHH", 0x0202, 1, 1, 65535) + b"x" * 30,
    struct.pack("!HHHHHHH", 0x4A02, 14, 1, 1, 0, 0, 1) + b"x" * 8, struct.pack("!HHH", 0x0A02, 1, 1) + b"\x00" * 5,
    header(1, 1, flags=0x8000), header(1, 1, 0, flags=0x8000), header(1, 1, length=True, flags=0x8000),
    header(1, 1, 0, length=True, flags=0x8100), header(1, 1, 0, length=True, offset=0, flags=0x8000)], ids=lambda r: r[:12].hex() or "empty")
def test_malformed(lab, raw):
    with lab.drop_rises("l2tp_malformed"):
        ClearPath(lab.wan).send(raw)


@pytest.mark.parametrize("length", [0, 7, 200, 65535])
def test_udp_length(l2tp, length):
    s = l2tp()
    with s.lab.drop_rises("l2tp_malformed"):
        s.path.send(header(s.tunnel, s.id, body=b"\x21" + bytes(inner(s))), len=length, chksum=0)


@pytest.mark.parametrize("ppp,reason", [(b"", "ppp_malformed"), (b"\x00", "ppp_malformed"), (b"\xff\x03", "ppp_malformed"),
                                        (b"\x00\x20" + b"x" * 20, "ppp_protocol"), (b"\x21", "ip_malformed")])
def test_malformed_ppp(l2tp, ppp, reason):
    s = l2tp()
    with s.lab.drop_rises(reason):
        s.send(None, ppp=ppp)


def test_source_must_be_the_sessions(l2tp):  # T18
    s = l2tp()
    with s.lab.drop_rises("session_source"):
        s.send(inner(s, src="10.99.0.251"))


# ------------------------------------------------------------------ control

def test_control_messages_both_ways(lab):
    path = ClearPath(lab.wan, port=21701)
    message = control(0, 0, 0, 0, b"\x80\x08\x00\x00\x00\x00\x00\x01")
    path.send(message)
    punt = lab.control.hear("punt", lambda o: o["kind"] == 1)
    outer = struct.pack("<IIHH", 0xC000020A, 0xC0000201, 1701, 21701)
    assert punt and punt["handle"] == 0 and punt["punt"] == (outer + message).hex()
    answer = control(9, 0, 0, 1, b"\x80\x08\x00\x00\x00\x00\x00\x02")
    lab.control.say("inject_l2tp", 0, SERVER, CLIENT, 1701, 21701, answer.hex())
    frame = lab.wan.receive(lambda f: UDP in f and f[UDP].sport == 1701 and f[UDP].dport == 21701)
    assert frame and bytes(frame[UDP].payload) == answer
    was = frame[UDP].chksum
    del frame[UDP].chksum
    assert was and IP(bytes(frame[IP]))[UDP].chksum == was


def test_control_message_with_a_wrong_checksum(lab):
    with lab.drop_rises("l2tp_malformed"):
        ClearPath(lab.wan).send(control(0, 0, 0, 0), chksum=0x1234)


def test_control_message_flood_is_bounded(lab):  # T13
    path = ClearPath(lab.wan)
    before = lab.drops("l2tp_punt_rate")
    for n in range(400):  # no more than the port's ring holds, or the next test's packets are lost
        path.send(control(0, 0, n, 0))
    assert eventually(lambda: lab.drops("l2tp_punt_rate") > before)
    lab.control.kept.clear()


def test_ppp_frames_both_ways(l2tp):
    s = l2tp(opened=False)
    s.send(None, ppp=bytes.fromhex("ff03c021010100080506cafe"))
    punt = s.lab.control.hear("punt", lambda o: o["handle"] == s.handle)
    assert punt and punt["kind"] == 0 and punt["punt"] == "c021010100080506cafe"
    s.lab.control.say("inject", s.handle, "c021020100080506cafe")
    got = s.receive()
    assert got.body.hex() == "ff03c021020100080506cafe" and unframe(got.body)[0] == 0xC021


@pytest.mark.parametrize("words", [
    ("inject_l2tp", 0, SERVER, CLIENT, 1702, 1701, "00"), ("inject_l2tp", 0, SERVER, CLIENT, 1701, 0, "00"),
    ("inject_l2tp", 0, "192.0.2.11", CLIENT, 1701, 1701, "00"), ("inject_l2tp", 0, SERVER, "0.0.0.0", 1701, 1701, "00")])
def test_hostile_injects(lab, words):  # T21
    before = lab.control.stats()["bad_records"]
    lab.control.say(*words)
    assert eventually(lambda: lab.control.stats()["bad_records"] == before + 1)


@pytest.mark.parametrize("at,value", [(5, 0), (6, 0), (7, 0), (8, 1702), (9, 0), (10, 77), (11, 77)])
def test_hostile_adds(lab, at, value):  # T21: IDs, ports, a pair without a peer, a peer without a pair
    words = ["add_l2tp", 200 | 7 << 20, SERVER, CLIENT, 7000, 7001, 7002, 7003, 1701, 1701, 0, 0]
    words[at] = value
    assert lab.control.do(*words) == -22
