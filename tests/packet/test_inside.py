# SPDX-License-Identifier: BSD-3-Clause
"""T18, T25: clients inside of their tunnels and hosts on the LAN as attackers.  Topology: lab.py."""
import subprocess
import time

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption, IPOption_LSRR, IPOption_RR, IPOption_SSRR
from scapy.layers.l2 import ARP, Dot1AD, Dot1Q, Ether
from scapy.packet import Raw

from l2tp import ClearPath, L2tpSession
from lab import INNER_SERVER, LAN_GW, LAN_HOST, SERVER, Gre, eventually, gre, has_payload, sh
from test_pptp import down, from_gateway, inner, send_up, to_lan

INSIDE = '"2222/tcp", "5353/udp"'


def answer(s, timeout=1.0):
    """The inner packet that comes to the client, or None."""
    f = s.lab.wan.receive(lambda f: has_payload(f) and Gre(f).call_id == s.peer_call, timeout)
    return f and from_gateway(s, f)


def for_kernel(lab):
    """Packets that the inner TUN device has given to the kernel."""
    return int(sh("ip", "netns", "exec", lab.ns("gw"), "cat", "/sys/class/net/adit0/statistics/rx_packets"))


# ------------------------------------------------------------------ from inside to the gateway (T25)

@pytest.mark.parametrize("to", [SERVER, LAN_GW, INNER_SERVER])
def test_ping_and_named_services_only(lab, session, to):
    s = session()
    send_up(s, IP(src=s.inner, dst=to) / ICMP(id=7, seq=1) / b"ping")
    got = answer(s)
    assert got and got.src == to and got[ICMP].type == 0
    with lab.drop_rises("inside_service", 8):
        send_up(s, IP(src=s.inner, dst=to) / TCP(sport=3333, dport=22, flags="S"))
        send_up(s, IP(src=s.inner, dst=to) / TCP(sport=3333, dport=1723, flags="S"))
        send_up(s, IP(src=s.inner, dst=to) / TCP(sport=3333, dport=5353, flags="S"))
        send_up(s, IP(src=s.inner, dst=to) / UDP(sport=500, dport=500) / (b"\x11" * 28))
        send_up(s, IP(src=s.inner, dst=to) / UDP(sport=500, dport=1701) / (b"\x11" * 28))
        send_up(s, IP(src=s.inner, dst=to, flags="MF") / UDP(sport=9, dport=5354) / (b"x" * 24))
        send_up(s, IP(src=s.inner, dst=to, proto=47) / (b"\x11" * 28))
        send_up(s, IP(src=s.inner, dst=to) / ICMP(type=13) / (b"\x11" * 12))
    assert not answer(s, 0.3)
    send_up(s, IP(src=s.inner, dst=to) / TCP(sport=3333, dport=2222, flags="S"))
    got = answer(s)
    assert got and got.src == to and "R" in got[TCP].flags, "named, though nobody listens"
    send_up(s, IP(src=s.inner, dst=to) / UDP(sport=9, dport=5353) / b"x")
    assert answer(s)[ICMP].code == 3


def test_named_services_only_through_l2tp(lab):
    s = L2tpSession(lab, ClearPath(lab.wan))
    with lab.drop_rises("inside_service"):
        s.send(IP(src=s.inner, dst=SERVER) / TCP(sport=3333, dport=22, flags="S"))
    s.close()


def test_the_gateway_still_reaches_clients(lab, session):
    s = session()
    ping = f"ip netns exec {lab.ns('gw')} ping -c 1 -W 2 -I {INNER_SERVER} {s.inner}".split()
    p = subprocess.Popen(ping, stdout=subprocess.PIPE, text=True)
    got = answer(s, 2.0)
    assert got and got[ICMP].type == 8
    send_up(s, IP(src=s.inner, dst=INNER_SERVER) / ICMP(type=0, id=got[ICMP].id, seq=got[ICMP].seq) / bytes(got[ICMP].payload))
    assert p.wait(5) == 0, p.stdout.read()


def test_the_gateway_opens_a_connection_to_a_client(lab, session):
    """T25: what it has asked for comes in, from whom it has asked, and nothing else."""
    s, other = session(), session()
    code = f"import socket\nc = socket.create_connection(('{s.inner}', 8080), 5, ('{INNER_SERVER}', 40000))\nprint(c.recv(10))"
    p = subprocess.Popen(["ip", "netns", "exec", lab.ns("gw"), "/usr/bin/python3", "-c", code], stdout=subprocess.PIPE, text=True)
    syn = answer(s, 5.0)
    assert syn and syn[TCP].flags == "S"
    head = IP(src=s.inner, dst=INNER_SERVER)
    reply = {"sport": 8080, "dport": 40000, "seq": 100, "ack": syn[TCP].seq + 1}
    with lab.drop_rises("inside_service", 3):
        send_up(other, IP(src=other.inner, dst=INNER_SERVER) / TCP(**reply, flags="SA"))
        send_up(s, head / TCP(**{**reply, "sport": 8081}, flags="SA"))
        send_up(s, head / TCP(**reply, flags="S"))
    send_up(s, head / TCP(**reply, flags="SA"))
    assert answer(s, 2.0)[TCP].flags == "A"
    send_up(s, head / TCP(**{**reply, "seq": 101}, flags="PA") / b"hello")
    assert p.communicate(timeout=5)[0].strip() == "b'hello'"


@pytest.mark.parametrize("packet,most", [(ICMP(id=7, seq=1) / b"ping", 64 + 100), (UDP(sport=9, dport=5353) / b"x", 256 + 1000)])
def test_each_client_has_its_share_of_the_gateway(lab, session, packet, most):
    flooder, victim = session(), session()
    before, began = for_kernel(lab), time.monotonic()
    for n in range(3000):
        send_up(flooder, IP(src=flooder.inner, dst=SERVER) / packet)
        if n % 50 == 0:
            time.sleep(0.01)
    took = time.monotonic() - began
    rate = 100 if most < 200 else 1000
    assert eventually(lambda: lab.drops("inside_rate") > 0)
    assert for_kernel(lab) - before <= most + rate * took + 1
    lab.wan.drain()
    for n in range(5):
        send_up(victim, IP(src=victim.inner, dst=SERVER) / ICMP(id=7, seq=n) / b"ping")
        assert answer(victim), "a neighbour's flood is not its own"


# ------------------------------------------------------------------ the LAN (T25)

@pytest.mark.parametrize("src", ["other-client", INNER_SERVER, LAN_GW, SERVER])
def test_lan_host_forges_source(lab, session, src):
    a, b = session(), session()
    src = b.inner if src == "other-client" else src
    with lab.drop_rises("lan_source", 2):
        lab.lan.send(IP(src=src, dst=a.inner) / UDP(sport=5, dport=6) / b"forged")
        lab.lan.send(IP(src=src, dst=LAN_GW) / UDP(sport=5, dport=6) / b"forged")
    assert not answer(a, 0.3)
    assert down(a, IP(src=LAN_HOST, dst=a.inner) / UDP(sport=5, dport=6) / b"honest")
    assert down(a, IP(src="203.0.113.9", dst=a.inner) / UDP(sport=5, dport=6) / b"from behind the LAN's router")


def test_a_former_clients_address_is_nobodys(lab, session):
    a, b = session(), session()
    with lab.drop_rises("lan_source"):
        lab.lan.send(IP(src=b.inner, dst=a.inner) / UDP(sport=5, dport=6) / b"forged")
    gone = b.inner
    lab.control.do("close", b.handle)
    lab.control.hear("event", lambda o: o["event"] == 2 and o["handle"] == b.handle)
    b.close = lambda: None
    assert down(a, IP(src=gone, dst=a.inner) / UDP(sport=5, dport=6) / b"x")


def test_an_address_of_another_interface_is_the_gateways_too(lab, session):
    a = session()
    sh("ip", "-n", lab.ns("gw"), "addr", "add", "172.31.0.1/32", "dev", "lo")
    assert eventually(lambda: down(a, IP(src="172.31.0.2", dst=a.inner) / UDP(sport=5, dport=6) / b"x"))
    with lab.drop_rises("lan_source"):
        lab.lan.send(IP(src="172.31.0.1", dst=a.inner) / UDP(sport=5, dport=6) / b"forged")
    sh("ip", "-n", lab.ns("gw"), "addr", "del", "172.31.0.1/32", "dev", "lo")
    assert eventually(lambda: down(a, IP(src="172.31.0.1", dst=a.inner) / UDP(sport=5, dport=6) / b"x"))


# ------------------------------------------------------------------ source routes (T18)

ROUTE = {"lsrr": IPOption_LSRR(routers=["198.51.100.7"], pointer=4), "ssrr": IPOption_SSRR(routers=["198.51.100.7"], pointer=4)}


@pytest.mark.parametrize("option", ["lsrr", "ssrr"])
def test_source_route(lab, session, option):
    s = session()
    padded = [IPOption(b"\x01"), ROUTE[option]]
    with lab.drop_rises("ip_source_route", 4):
        send_up(s, IP(src=s.inner, dst=LAN_HOST, options=[ROUTE[option]]) / UDP(sport=4000, dport=9) / b"up")
        send_up(s, IP(src=s.inner, dst=INNER_SERVER, options=padded) / ICMP(id=7, seq=1))
        lab.lan.send(IP(src=LAN_HOST, dst=s.inner, options=padded) / UDP(sport=4000, dport=9) / b"down")
        lab.lan.send(IP(src=LAN_HOST, dst=LAN_GW, options=[ROUTE[option]]) / UDP(sport=4000, dport=9) / b"by the kernel")
    assert not lab.lan.receive(lambda f: UDP in f and f[IP].src == s.inner, 0.3)
    assert not answer(s, 0.3)


def test_other_options(lab, session):
    s = session()
    send_up(s, IP(src=s.inner, dst=LAN_HOST, options=[IPOption_RR(routers=["0.0.0.0"], pointer=4)]) / UDP(sport=4000, dport=9) / b"rr")
    assert to_lan(s)
    with lab.drop_rises("ip_malformed", 2):
        send_up(s, IP(src=s.inner, dst=LAN_HOST, options=[Raw(b"\x07\x01\x83\x03")]) / UDP(sport=4000, dport=9) / b"length 1")
        send_up(s, IP(src=s.inner, dst=LAN_HOST, options=[Raw(b"\x07\x20\x01\x01")]) / UDP(sport=4000, dport=9) / b"too long")


# ------------------------------------------------------------------ VLANs

@pytest.mark.parametrize("tag", [Dot1Q(vlan=100), Dot1AD(vlan=100) / Dot1Q(vlan=7)])
def test_vlan_tagged_frame_is_dropped(lab, session, tag):
    s = session()
    with lab.drop_rises("eth_vlan", 3):
        lab.wan.send(Ether(src=lab.wan.mac, dst=lab.wan.gateway_mac) / tag / gre(s.call, b"\x21" + bytes(inner(s)), s.seq))
        lab.lan.send(Ether(src=lab.lan.mac, dst=lab.lan.gateway_mac) / tag / IP(src=LAN_HOST, dst=s.inner) / UDP(dport=7) / b"vlan")
        lab.lan.send(Ether(src=lab.lan.mac, dst="ff:ff:ff:ff:ff:ff") / tag / ARP(psrc=LAN_HOST, pdst=LAN_GW, op=1))
    assert not to_lan(s, timeout=0.3)
    assert not answer(s, 0.3)
    send_up(s, inner(s))
    assert to_lan(s), "not a count of it was believed"


# ------------------------------------------------------------------ shares (T24)

def test_a_scan_leaves_neighbours_neighbours(lab, session):
    scanner, victim = session(), session()
    for n in (150, 151):
        sh("ip", "-n", lab.ns("lan"), "addr", "add", f"198.51.100.{n}/24", "dev", "plan")
    send_up(victim, inner(victim, dst="198.51.100.150"))
    assert to_lan(victim), "a new neighbour resolves"
    sh("ip", "-n", lab.ns("gw"), "route", "add", "198.51.0.0/16", "dev", "lan0")  # more to scan than 254 addresses
    time.sleep(0.3)
    before = lab.drops("ip_neighbour")
    for n in range(300):
        send_up(scanner, inner(scanner, dst=f"198.51.{7 + n // 200}.{1 + n % 200}"))
    assert eventually(lambda: lab.drops("ip_neighbour") - before >= 300 - 16)
    lab.lan.drain()
    send_up(victim, inner(victim, dst="198.51.100.151"))
    assert to_lan(victim)
    send_up(victim, inner(victim))
    assert to_lan(victim)
    sh("ip", "-n", lab.ns("gw"), "route", "del", "198.51.0.0/16", "dev", "lan0")


def test_a_flood_of_errors_leaves_others_theirs(lab, session):
    flooder, victim = session(), session(mru=1000)
    lost = 0
    for n in range(5):
        for k in range(300 if n == 0 else 60):
            send_up(flooder, inner(flooder, ttl=1))
        lab.lan.drain()
        lab.lan.send(IP(src=LAN_HOST, dst=victim.inner, flags="DF") / UDP() / (b"x" * 1200))
        lost += lab.lan.receive(lambda f: ICMP in f and f[ICMP].type == 3 and f[ICMP].code == 4, 0.5) is None
    assert lab.drops("icmp_rate") > 0 and lost == 0
