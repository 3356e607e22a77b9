# SPDX-License-Identifier: BSD-3-Clause
"""R12, T13: the gateway's own kernel talks out through a WAN port, and nobody talks in.  Topology: lab.py."""
import os
import subprocess
import time

import pytest
from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.dns import DNS, DNSQR
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPerror, TCPerror, UDPerror
from scapy.layers.l2 import Ether

from lab import CLIENT, SERVER, eventually, sh
from test_edge import flood, for_twin, forged, isakmp

SIZE = 20 << 20


def start(lab, netns, *command, **how):
    return subprocess.Popen(["ip", "netns", "exec", lab.ns(netns), *command], stdout=subprocess.PIPE, text=True, **how)


def python(lab, netns, code, **how):
    return start(lab, netns, "/usr/bin/python3", "-u", "-c", code, **how)


@pytest.fixture
def running():
    """What a test starts ends with it."""
    made = []
    yield lambda p: made.append(p) or p
    for p in made:
        p.kill()
        p.wait()


def in_gateway(lab, *command):
    return subprocess.run(["ip", "netns", "exec", lab.ns("gw"), *command], capture_output=True, text=True, timeout=30)


# ------------------------------------------------------------------ out


def test_ping(lab):
    assert in_gateway(lab, "ping", "-c", "3", "-i", "0.2", "-W", "2", CLIENT).returncode == 0
    assert in_gateway(lab, "ping", "-c", "3", "-i", "0.2", "-W", "2", "-s", "5000", CLIENT).returncode == 0, "in fragments"


def test_tcp_download(lab, running):
    running(python(lab, "wan", f"""
import socket
l = socket.create_server(('{CLIENT}', 8080))
while True:
    c = l.accept()[0]
    c.sendall(bytes({SIZE}))
    c.close()
"""))
    code = f"""
import socket
c = socket.create_connection(('{CLIENT}', 8080), 5)
n = 0
while d := c.recv(1 << 20):
    n += len(d)
print(n)
"""
    got = eventually(lambda: in_gateway(lab, "/usr/bin/python3", "-c", code).stdout, 20)
    assert got.strip() == str(SIZE)


@pytest.fixture
def dnsmasq(lab, running, tmp_path):
    path = "/usr/sbin/dnsmasq"
    if not os.path.exists(path):
        pytest.skip("dnsmasq is not installed")
    return running(start(lab, "wan", path, "-k", "-C", "/dev/null", "--user=root", "--interface=pwan", "--bind-interfaces", "--no-resolv",
                         "--no-hosts", "--no-ping", "--address=/gateway.test/203.0.113.9", "--dhcp-range=192.0.2.50,192.0.2.59,255.255.255.0,1h",
                         f"--dhcp-leasefile={tmp_path}/leases", f"--pid-file={tmp_path}/pid", stderr=subprocess.DEVNULL))


def resolve(lab):
    query = bytes(DNS(id=7, rd=1, qd=DNSQR(qname="gateway.test")))
    code = f"import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.settimeout(1)\ns.sendto(bytes.fromhex('{query.hex()}'), ('{CLIENT}', 53))\n" \
           "print(s.recv(500).hex())"
    return bytes.fromhex(in_gateway(lab, "/usr/bin/python3", "-c", code).stdout)


def test_dns(lab, dnsmasq):
    assert bytes([203, 0, 113, 9]) in eventually(lambda: resolve(lab), 10)


@pytest.mark.parametrize("size", [1800, 9000])
def test_long_answers_come_in_fragments(lab, running, size):
    running(python(lab, "wan", f"""
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('{CLIENT}', 7000))
while True:
    a = s.recvfrom(100)[1]
    s.sendto(bytes({size}), a)
"""))
    code = f"""
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(1)
s.sendto(b'x', ('{CLIENT}', 7000))
print(len(s.recv(65535)))
"""
    assert eventually(lambda: in_gateway(lab, "/usr/bin/python3", "-c", code).stdout.strip(), 10) == str(size)


def test_dhcp(lab, dnsmasq, running, tmp_path):
    """A real client gets an address for the WAN port, and what comes to that address is let in."""
    path = "/sbin/udhcpc"
    if not os.path.exists(path):
        pytest.skip("udhcpc is not installed")
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\n[ \"$1\" = bound ] || exit 0\nip addr add $ip/24 dev $interface && touch " + str(tmp_path / "bound") + "\n")
    script.chmod(0o755)
    sh("ip", "-n", lab.ns("gw"), "addr", "del", f"{SERVER}/24", "dev", "wan0")
    try:
        running(start(lab, "gw", path, "-f", "-i", "wan0", "-s", str(script), "-t", "5", "-T", "2", stderr=subprocess.DEVNULL))
        assert eventually(lambda: (tmp_path / "bound").exists(), 20)
        address = eventually(lambda: next((w for w in sh("ip", "-n", lab.ns("gw"), "-o", "-4", "addr", "show", "dev", "wan0").split()
                                           if w.startswith("192.0.2.")), None)).split("/")[0]
        assert address.startswith("192.0.2.5")
        assert resolve(lab), "from the address that it has now"
        sh("ip", "netns", "exec", lab.ns("wan"), "ping", "-c", "1", "-W", "2", address)
        sh("ip", "-n", lab.ns("gw"), "addr", "del", f"{address}/24", "dev", "wan0")
    finally:
        sh("ip", "-n", lab.ns("gw"), "addr", "add", f"{SERVER}/24", "dev", "wan0")
    assert eventually(lambda: in_gateway(lab, "ping", "-c", "1", "-W", "1", CLIENT).returncode == 0, 10)


# ------------------------------------------------------------------ in

LISTEN = f"""
import select, socket
t = [socket.create_server(('0.0.0.0', p)) for p in (22, 1701, 6000, 40000)]
u = []
for p in (22, 53, 6000, 40000):
    u.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    u[-1].bind(('0.0.0.0', p))
u[3].sendto(b'asked', ('{CLIENT}', 7777))
print('ready')
while True:
    for s in select.select(t + u, [], [])[0]:
        print('in', s.getsockname(), s.recvfrom(100) if s in u else s.accept())
"""


def heard(p, timeout=0.5):
    os.set_blocking(p.stdout.fileno(), False)
    return eventually(lambda: p.stdout.readline(), timeout)


def test_strangers_do_not_come_in(lab, running):
    """The kernel listens at these ports; one who was asked at one of them answers there, and reaches no other."""
    listener = running(python(lab, "gw", LISTEN))
    assert listener.stdout.readline() == "ready\n"
    answer = IP(src=CLIENT, dst=SERVER) / UDP(sport=7777, dport=40000) / b"answer"
    lab.wan.send(answer)
    assert "answer" in heard(listener, 2)
    wrong = [IP(src=CLIENT, dst=SERVER) / TCP(sport=7777, dport=p, flags="S") for p in (22, 1701, 6000, 40000)]
    wrong += [IP(src=CLIENT, dst=SERVER) / UDP(sport=7777, dport=p) / b"x" for p in (22, 53, 6000)]
    wrong += [IP(src=CLIENT, dst=SERVER) / UDP(sport=7778, dport=40000) / b"x"]
    wrong += [IP(src="192.0.2.2", dst=SERVER) / UDP(sport=7777, dport=40000) / b"x"]
    with lab.drop_rises("edge_filter", len(wrong)):
        for p in wrong:
            lab.wan.send(p)
    assert not heard(listener)
    lab.wan.send(answer)
    assert "answer" in heard(listener, 2)


def test_errors_of_others_do_not_come_in(lab, running):
    """A socket hears of the error that quotes what it has sent; one that quotes another's ends as icmp_quote."""
    silent = "192.0.2.77"
    sh("ip", "-n", lab.ns("gw"), "neigh", "replace", silent, "lladdr", lab.wan.mac, "dev", "wan0")
    asker = running(python(lab, "gw", f"""
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('{SERVER}', 40001))
s.connect(('{silent}', 7777))
s.send(b'x')
print('ready')
try:
    s.recv(10)
except OSError as e:
    print(e)
"""))
    assert asker.stdout.readline() == "ready\n"

    def error(sport, source=SERVER):
        return IP(src="192.0.2.254", dst=SERVER) / ICMP(type=3, code=3) / IPerror(src=source, dst=silent) / UDPerror(sport=sport, dport=7777) / b"x"

    with lab.drop_rises("icmp_quote", 3):
        lab.wan.send(error(40002))
        lab.wan.send(error(40001, "192.0.2.11"))
        lab.wan.send(IP(src="192.0.2.254", dst=SERVER) / ICMP(type=3, code=3) / IPerror(src=SERVER, dst=silent) / TCPerror(sport=40001, dport=7777))
    assert not heard(asker)
    lab.wan.send(error(40001))
    assert "refused" in heard(asker, 2)


def test_dhcp_of_strangers_does_not_come_in(lab):
    """The client on the port would take it for its server's."""
    offer = IP(src=CLIENT, dst="255.255.255.255") / UDP(sport=67, dport=68) / BOOTP(op=2, yiaddr="192.0.2.99", xid=0x4711) / DHCP(
        options=[("message-type", "offer"), "end"])
    with lab.drop_rises("edge_filter", 2):
        lab.wan.send(Ether(src=lab.wan.mac, dst="ff:ff:ff:ff:ff:ff") / offer)
        lab.wan.send(IP(bytes(offer)))


# ------------------------------------------------------------------ T13: who was asked, as an attacker


def test_a_flood_of_answers_leaves_ike_and_pptp_theirs(lab, running):
    """A resolver turns hostile.  Victims: an exchange of IKE, new connections to port 1723, and the host's own next ping."""
    listener = running(python(lab, "gw", LISTEN))
    assert listener.stdout.readline() == "ready\n"
    running(python(lab, "gw", f"import socket\ns = socket.create_server(('{SERVER}', 1723))\nwhile True: s.accept()[0].close()"))
    code = f"import socket, sys\nfor l in sys.stdin:\n try:\n  c = socket.create_connection(('{SERVER}', 1723), 5)\n  print(len(c.recv(1)), flush=True)\n" \
           " except OSError as e:\n  print(e, flush=True)\n"
    client = running(python(lab, "wan", code, stdin=subprocess.PIPE))

    def connects():
        client.stdin.write("\n")
        client.stdin.flush()
        return client.stdout.readline() == "0\n"

    assert eventually(connects, 10)
    answer = IP(src=CLIENT, dst=SERVER) / UDP(sport=7777, dport=40000) / (b"x" * 64)
    frame = bytes(Ether(src=lab.wan.mac, dst=lab.wan.gateway_mac, type=0x800) / answer)
    flooder = running(python(lab, "wan", f"""
import socket, time
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(('pwan', 0))
f = bytes.fromhex('{frame.hex()}')
while True:
    for n in range(200):
        s.send(f)
    time.sleep(0.005)
"""))
    before, began = for_twin(lab), time.monotonic()
    for n in range(20):
        assert connects()
        flood(lab, [IP(src=forged(n), dst=SERVER) / UDP(sport=500, dport=500) / isakmp(b"\x11" * 8 + b"\0" * 8)])
    passed, took = for_twin(lab) - before, time.monotonic() - began
    assert flooder.poll() is None
    flooder.kill()
    assert passed <= 2048 + 20000 * took + 1000
    assert lab.drops("ike_rate") == lab.drops("ike_flood") == lab.drops("tcp_rate") == lab.drops("tap_full") == 0
    assert eventually(lambda: in_gateway(lab, "ping", "-c", "1", "-W", "2", CLIENT).returncode == 0)
