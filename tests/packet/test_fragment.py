# SPDX-License-Identifier: BSD-3-Clause
"""Outer fragments: IKE's reach the kernel, no others.  Packet sockets put fragments together, XDP sockets do not: hence the device."""
import pytest
from scapy.layers.inet import ICMP, IP, UDP, fragment

from lab import CLIENT, SERVER, eventually

WAN_DEVICE = "net_af_xdp0,iface=vwan,start_queue=0,queue_count=1"


@pytest.mark.parametrize("port", [500, 4500])
def test_ike_in_fragments_reaches_the_kernel(lab, port):  # R16
    packet = IP(src=CLIENT, dst=SERVER, id=port) / UDP(sport=5501, dport=port) / (b"\0\0\0\0" + b"certificate" * 300)
    for f in fragment(packet, 1480):
        lab.wan.send(f)
    assert lab.wan.receive(lambda f: ICMP in f and f[ICMP].type == 3 and f[ICMP].code == 3)
    eventually(lambda: False, 1.1)


@pytest.mark.parametrize("packet", [
    IP(src=CLIENT, dst=SERVER, id=9) / UDP(sport=1, dport=1701) / (b"x" * 3000), IP(src=CLIENT, dst=SERVER, id=9) / UDP(dport=53) / (b"x" * 3000),
    IP(src=CLIENT, dst=SERVER, id=9, proto=50) / (b"x" * 3000), IP(src=CLIENT, dst="192.0.2.11", id=9) / UDP(dport=500) / (b"x" * 3000)])
def test_other_first_fragments(lab, packet):
    with lab.drop_rises("ip_fragment"):
        lab.wan.send(fragment(packet, 1480)[0])


def test_tiny_first_fragment(lab):  # T17
    with lab.drop_rises("ip_fragment"):
        lab.wan.send(IP(src=CLIENT, dst=SERVER, id=9, proto=17, flags="MF") / b"\x00\x01\x01")


def test_fragment_flood_is_bounded(lab):  # T17
    before = lab.drops("fragment_rate")
    for n in range(3000):
        lab.wan.send(IP(src=CLIENT, dst=SERVER, id=n, proto=17, frag=100) / (b"x" * 8))
    assert eventually(lambda: lab.drops("fragment_rate") > before)
    eventually(lambda: False, 1.1)


def test_ipsec_switched_off(lab):  # R3, R12
    assert lab.gateway(ipsec=0) == 0
    with lab.drop_rises("ip_fragment", 2):
        for f in fragment(IP(src=CLIENT, dst=SERVER, id=9) / UDP(sport=5501, dport=500) / (b"x" * 2000), 1480):
            lab.wan.send(f)
    assert lab.gateway() == 0
