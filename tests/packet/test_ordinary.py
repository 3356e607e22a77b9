# SPDX-License-Identifier: BSD-3-Clause
"""Ports on ordinary interfaces: what their kernels do with frames, and what adit-dataplane does about it."""
import pytest
from scapy.layers.inet import IP, TCP, UDP, fragment

from lab import LAN_GW, LAN_HOST, Lab, has_payload, sh
from conftest import programs
from test_pptp import down, from_gateway


class OrdinaryLab(Lab):
    """GRO is on, the MTU another, an address and a default route are left."""

    def _networks(self):
        super()._networks()
        self.in_gw("ethtool", "-K", "vlan", "gro", "on", "rx-gro-list", "on")
        sh("ip", "-n", self.ns("gw"), "link", "set", "vlan", "mtu", "1400")
        sh("ip", "-n", self.ns("gw"), "addr", "add", "203.0.113.7/24", "dev", "vwan")
        sh("ip", "-n", self.ns("gw"), "route", "add", "default", "via", "203.0.113.1", "dev", "vwan")

    def in_gw(self, *cmd):
        return sh("ip", "netns", "exec", self.ns("gw"), *cmd)

    def joins(self):
        shown = self.in_gw("ethtool", "-k", "vlan")
        return [line.strip() for line in shown.splitlines() if line.startswith(("generic-receive-offload", "rx-gro-list"))]

    def mtu(self):
        return self.in_gw("cat", "/sys/class/net/vlan/mtu").strip()

    def stop(self):
        self.process.terminate()
        assert self.process.wait(10) == 0


@pytest.fixture
def ordinary():
    made = OrdinaryLab(*programs())
    yield made
    made.close()


def test_what_is_ours_is_mended_and_given_back(ordinary):
    log = ordinary.log_text()
    assert "port lan0: interface vlan: switched off what joins frames (rx-gro, rx-gro-list)" in log, log
    assert "port lan0: interface vlan: its MTU is 1500 while the port is open, as ports[].mtu says; it was 1400" in log, log
    assert all(": off" in line for line in ordinary.joins()), ordinary.joins()
    assert ordinary.mtu() == "1500"
    ordinary.stop()
    assert all(": on" in line for line in ordinary.joins()), ordinary.joins()
    assert ordinary.mtu() == "1400"


def test_the_rest_is_named_with_its_remedy(ordinary):
    log = ordinary.log_text()
    assert "port wan0: interface vwan: it has the address 203.0.113.7/24" in log, log
    assert "ip address del 203.0.113.7/24 dev vwan" in log, log
    assert "the host's default route leads through it" in log and "ip route del default dev vwan" in log, log


def test_framesz_of_the_operator(lab):
    status, log = lab.second(("iface=vwan", "iface=vwan,framesz=2048,blocksz=5000"))
    assert status == 1 and "port wan0: device" in log and "in use" in log, log
    status, log = lab.second(("net_af_packet0,iface=vwan", "net_af_packet7,iface=lo,framesz=3072"))
    assert status == 1 and "blocksz=4096 has to be a multiple of framesz=3072" in log, log


def unfinished(packet):
    """As a kernel leaves it to its interface: the checksum field holds the pseudo header's sum."""
    raw = bytearray(bytes(packet))
    at = 20 + (16 if packet.proto == 6 else 6)
    pseudo = raw[12:20] + bytes([0, packet.proto]) + (len(raw) - 20).to_bytes(2, "big")
    total = sum(int.from_bytes(pseudo[i:i + 2], "big") for i in range(0, len(pseudo), 2))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    raw[at:at + 2] = total.to_bytes(2, "big")
    return IP(bytes(raw))


@pytest.mark.parametrize("l4", [TCP(sport=80, dport=4000, flags="A"), UDP(sport=53, dport=4000)], ids=["tcp", "udp"])
@pytest.mark.parametrize("size", [0, 1, 777])
def test_unfinished_checksums_reach_the_client_whole(lab, session, l4, size):
    s = session(bits=128)
    packet = IP(src=LAN_HOST, dst=s.inner, ttl=64) / l4 / (b"u" * size)
    raw = bytes(packet)
    got = down(s, unfinished(IP(raw)))
    whole = IP(raw)
    assert got and got.payload.chksum == whole.payload.chksum


def test_a_neighbours_checksum_to_the_gateway(lab):
    """The kernel answers a TCP segment only when its checksum is right: here with a reset."""
    lab.lan.drain()
    lab.lan.send(unfinished(IP(bytes(IP(src=LAN_HOST, dst=LAN_GW) / TCP(sport=4001, dport=81, flags="S")))))
    assert lab.lan.receive(lambda f: TCP in f and f[TCP].dport == 4001 and f[TCP].flags & 4)


def test_what_the_kernel_put_together_reaches_the_client_in_fragments(lab, session):  # T17
    s = session()
    datagram = IP(bytes(IP(src=LAN_HOST, dst=s.inner, id=7) / UDP(sport=53, dport=4000) / bytes(i % 251 for i in range(5000))))
    lab.wan.drain()
    for piece in fragment(datagram, 1480):
        lab.lan.send(piece)
    parts, sizes = {}, []
    while 20 + sum(sizes) < datagram.len:
        frame = lab.wan.receive(has_payload)
        assert frame, "fragments are missing"
        inner = from_gateway(s, frame)
        assert inner.len <= 1400
        sizes.append(inner.len - 20)
        parts[inner.frag * 8] = bytes(inner.payload)[:inner.len - 20]
    assert b"".join(parts[at] for at in sorted(parts)) == bytes(datagram.payload)


def test_large_frames_have_a_name(lab):
    """Two datagrams in one frame, for an interface to cut: nobody can tell where."""
    large = IP(bytes(IP(src=LAN_HOST, dst="10.99.0.77") / UDP(sport=53, dport=4000) / (b"u" * 1480)))
    sh("ip", "-n", lab.ns("lan"), "link", "set", "plan", "mtu", "9000")
    sh("ip", "-n", lab.ns("gw"), "link", "set", "vlan", "mtu", "9000")
    try:
        with lab.drop_rises("eth_oversized"):
            lab.lan.send(unfinished(large))
    finally:
        sh("ip", "-n", lab.ns("lan"), "link", "set", "plan", "mtu", "1500")
        sh("ip", "-n", lab.ns("gw"), "link", "set", "vlan", "mtu", "1500")
