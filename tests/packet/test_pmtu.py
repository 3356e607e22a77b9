# SPDX-License-Identifier: BSD-3-Clause
"""D5: a router on the way to a client says what fits.  It is believed about packets that we have sent, and about no others."""
import pytest
from scapy.layers.inet import ICMP, IP, UDP

from esp import EspPath
from l2tp import ClearPath, L2tpSession
from lab import LAN_HOST, SERVER, eventually

ROUTER = "192.0.2.254"


@pytest.fixture(params=["pptp", "clear", "native", "nat"])
def tunnel(lab, session, request):
    """A session that takes 1,400 octets, and its latest outer packet as a router would quote it."""
    path = s = None
    if request.param == "pptp":
        s = session(mru=1500)
    else:
        path = ClearPath(lab.wan) if request.param == "clear" else EspPath(lab, port=0 if request.param == "native" else 40001)
        s = L2tpSession(lab, path, mru=1500)
    s.kind = request.param
    yield s
    if path:
        s.close()
    if path and path.pair:
        path.close()


def limit(s):
    """What the gateway says fits through the tunnel."""
    s.lab.lan.send(IP(src=LAN_HOST, dst=s.inner, flags="DF") / UDP() / (b"x" * 1472))
    frame = s.lab.lan.receive(lambda f: ICMP in f and f[ICMP].type == 3 and f[ICMP].code == 4)
    return frame and frame[ICMP].nexthopmtu


def passes(s, size):
    """The outer packet in which so many inner octets went."""
    s.lab.wan.drain()
    s.lab.lan.send(IP(src=LAN_HOST, dst=s.inner, flags="DF") / UDP() / (b"x" * (size - 28)))
    return s.lab.wan.receive(lambda f: IP in f and f[IP].src == SERVER and f[IP].len > size)


def too_big(s, outer, mtu, octets=60, change=()):
    quoted = bytearray(bytes(outer[IP])[: 20 + octets])
    for at, value in change:
        quoted[at] ^= value
    s.lab.wan.send(IP(src=ROUTER, dst=SERVER) / ICMP(type=3, code=4, nexthopmtu=mtu) / bytes(quoted))


def test_lowered(lab, tunnel):
    before = limit(tunnel)
    outer = passes(tunnel, before)
    assert outer and outer[IP].flags.DF
    with lab.drop_rises("pmtu_taken"):
        too_big(tunnel, outer, 1300)
    assert eventually(lambda: limit(tunnel) < before)
    after = limit(tunnel)
    assert not passes(tunnel, before)
    outer = passes(tunnel, after)
    assert outer and 1300 - 16 < outer[IP].len <= 1300, "and not much less"
    with lab.drop_rises("pmtu_taken"):
        too_big(tunnel, outer, 68)
    eventually(lambda: limit(tunnel) < after)
    outer = passes(tunnel, limit(tunnel))
    assert 576 - 16 < outer[IP].len <= 576, "never below"


# The identifier that the peer chose: behind GRE's length, L2TP's session ID, SPI.
IDENTIFIER = {"pptp": 26, "clear": 33, "native": 21, "nat": 29}


def test_not_believed(lab, tunnel):
    before = limit(tunnel)
    outer = passes(tunnel, before)
    with lab.drop_rises("pmtu_unknown", 4):
        too_big(tunnel, outer, 1300, change=[(IDENTIFIER[tunnel.kind], 1)])
        too_big(tunnel, outer, 1300, change=[(15, 1)])  # from an address that is not ours
        too_big(tunnel, outer, 1300, change=[(19, 1)])  # to another address
        too_big(tunnel, outer, 1500)  # it fitted
    too_big(tunnel, outer, 1300, change=[(6, 0x40)])  # without DF: the kernel's
    too_big(tunnel, outer, 1300, octets=4)
    if tunnel.kind in ("clear", "nat"):
        too_big(tunnel, outer, 1300, octets=8)  # ports alone can be guessed
    eventually(lambda: False, 0.2)
    assert limit(tunnel) == before


def test_flood_is_bounded(lab, session):
    s = session(mru=1500)
    outer = passes(s, limit(s))
    before = lab.drops("pmtu_rate")
    for n in range(300):
        too_big(s, outer, 1300, change=[(26, 1 + n % 200)])
    assert eventually(lambda: lab.drops("pmtu_rate") - before >= 300 - 3 * 20)
    eventually(lambda: False, 1.1)


def test_honest_ones_beside_forged(lab, session):  # T24
    s = session(mru=1500)
    before = limit(s)
    outer = passes(s, before)
    for n in range(300):
        too_big(s, outer, 1300, change=[(26, 1 + n % 200)])
    with lab.drop_rises("pmtu_taken"):
        too_big(s, outer, 1300)
    assert eventually(lambda: limit(s) < before)
