# SPDX-License-Identifier: BSD-3-Clause
"""R3, R12: what control has not allowed stays out, and what it allows no longer does too."""
import struct
import subprocess
import time

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether

from esp import EspPath
from l2tp import ClearPath, L2tpSession, header
from lab import CLIENT, SERVER, eventually, gre, sh
from test_l2tp import inner as l2tp_inner, to_lan as l2tp_to_lan
from test_pptp import inner, send_up, to_lan


@pytest.fixture(autouse=True)
def open_again(lab):
    yield
    assert lab.gateway() == 0


def test_pptp_switched_off(lab, session):
    s = session()
    send_up(s, inner(s))
    assert to_lan(s)
    assert lab.gateway(pptp=0) == 0
    with lab.drop_rises("edge_filter", 2):
        send_up(s, inner(s))
        lab.wan.send(IP(src=CLIENT, dst=SERVER) / TCP(sport=4242, dport=1723, flags="S"))
    assert lab.gateway() == 0
    send_up(s, inner(s))
    assert to_lan(s), "a session survives the switch"


def test_clear_l2tp_refused(lab):  # T20
    s = L2tpSession(lab, ClearPath(lab.wan))
    assert lab.gateway(clear_l2tp=0) == 0
    with lab.drop_rises("l2tp_clear", 2):
        s.send(l2tp_inner(s))
        s.path.send(header(0, 0, 0, length=True, flags=0x8000))
    assert not lab.control.hear("punt", timeout=0.3)
    assert lab.gateway() == 0
    s.send(l2tp_inner(s))
    assert l2tp_to_lan(s)
    s.close()


def test_l2tp_to_an_address_that_is_not_ours(lab):
    with lab.drop_rises("edge_filter"):
        lab.wan.send(IP(src=CLIENT, dst="192.0.2.11") / UDP(sport=1701, dport=1701) / header(1, 1))


@pytest.mark.parametrize("flags", [(2, 0, 0), (0, 2, 0), (0, 0, 255)])
def test_hostile_flags(lab, flags):  # T21
    assert lab.gateway(pptp=flags[0], ipsec=flags[1], clear_l2tp=flags[2]) == -22
    with lab.drop_rises("gre_unknown_call"):
        lab.wan.send(gre(64000, b"\x21" + b"x" * 40, 1))


# ------------------------------------------------------------------ T13: floods that choose what they write


def flood(lab, packets):
    """As fast as the packet socket takes them; how long it took."""
    frames = [bytes(Ether(src=lab.wan.mac, dst=lab.wan.gateway_mac, type=0x800) / p) for p in packets]
    began = time.monotonic()
    for n, frame in enumerate(frames):
        lab.wan.sock.send(frame)
        if n % 200 == 0:
            time.sleep(0.01)
    return time.monotonic() - began


def forged(n):
    return f"203.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}"


def for_twin(lab):
    """Frames that the TAP twin has given to the kernel."""
    return int(sh("ip", "netns", "exec", lab.ns("gw"), "cat", "/sys/class/net/wan0/statistics/rx_packets"))


def isakmp(cookies, exchange=5):
    return cookies + bytes([8, 0x10, exchange, 1]) + b"\0" * 4 + struct.pack("!I", 28)


@pytest.mark.parametrize("responder", [b"\0" * 8, b"\x22" * 8])
def test_ike_flood_whatever_its_cookies_say(lab, responder):  # T13
    """Beside it stand a peer with an SA, and one whose exchange a daemon at UDP 500 has answered."""
    path = EspPath(lab, port=40001)
    known = b"\x77" * 8 + b"\x88" * 8
    code = f"import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.bind(('{SERVER}', 500))\n" \
           f"s.sendto(bytes.fromhex('{isakmp(known).hex()}'), ('{CLIENT}', 500))\n"
    sh("ip", "netns", "exec", lab.ns("gw"), "/usr/bin/python3", "-c", code)
    assert lab.wan.receive(lambda f: UDP in f and f[UDP].sport == 500)
    before, drops = for_twin(lab), lab.drops("ike_flood")
    took = flood(lab, [IP(src=forged(n), dst=SERVER) / UDP(sport=500, dport=500) / isakmp(b"\x11" * 8 + responder) for n in range(6000)])
    passed = for_twin(lab) - before
    assert passed <= 1000 * (took + 2) and lab.drops("ike_flood") - drops >= 6000 - passed - 100
    victims = [IP(src=CLIENT, dst=SERVER) / UDP(sport=40001, dport=4500) / (b"\0" * 4 + isakmp(b"\x55" * 16))] * 50
    victims += [IP(src=CLIENT, dst=SERVER) / UDP(sport=500, dport=500) / isakmp(known)] * 50
    before = for_twin(lab)
    flood(lab, [p for v in victims for p in [IP(src=forged(7), dst=SERVER) / UDP(sport=500, dport=500) / isakmp(b"\x11" * 8 + responder), v]])
    assert eventually(lambda: for_twin(lab) - before >= 100)
    path.close()


@pytest.mark.parametrize("flags", ["S", "A"])
def test_flood_to_tcp_1723(lab, flags):  # T13, T24
    """A connection that is there goes on."""
    code = f"import socket\ns = socket.socket()\ns.setsockopt(1, 2, 1)\ns.bind(('{SERVER}', 1723))\ns.listen()\nc = s.accept()[0]\n" \
           "while d := c.recv(100):\n c.send(d)\n"
    server = subprocess.Popen(["ip", "netns", "exec", lab.ns("gw"), "/usr/bin/python3", "-c", code])
    client = None
    try:
        def connect():
            code = f"import socket, sys\nc = socket.create_connection(('{SERVER}', 1723), 3)\nc.settimeout(2)\n" \
                   "for l in sys.stdin:\n c.send(b'x')\n print(len(c.recv(1)), flush=True)\n"
            p = subprocess.Popen(["ip", "netns", "exec", lab.ns("wan"), "/usr/bin/python3", "-c", code], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            time.sleep(0.5)
            if p.poll() is None:
                return p
            return None

        client = eventually(connect, 10)
        assert client

        def echo():
            client.stdin.write("\n")
            client.stdin.flush()
            return client.stdout.readline() == "1\n"

        assert echo()
        before, drops = for_twin(lab), lab.drops("tcp_flood")
        took = flood(lab, [IP(src=forged(n), dst=SERVER) / TCP(sport=1024 + n % 5000, dport=1723, flags=flags, seq=n, ack=n) for n in range(6000)])
        passed = for_twin(lab) - before
        assert passed <= 1000 * (took + 2) + 10 and lab.drops("tcp_flood") - drops >= 6000 - passed - 100
        for _ in range(20):
            flood(lab, [IP(src=forged(n), dst=SERVER) / TCP(sport=7, dport=1723, flags=flags, seq=n) for n in range(100)])
            assert echo(), "in the middle of it"
    finally:
        for p in (client, server):
            if p:
                p.kill()
                p.wait()
