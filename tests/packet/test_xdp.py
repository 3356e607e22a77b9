# SPDX-License-Identifier: BSD-3-Clause
"""Ports by net_af_xdp: they carry packets, what they leave behind, and what they refuse in clear words."""
import json
import signal
import socket
import subprocess

import pytest
from lab import LAN_GW, SERVER, eventually, sh
from test_pptp import inner, send_up, to_lan

WAN_DEVICE, LAN_DEVICE = "net_af_xdp0,iface=vwan", "net_af_xdp1,iface=vlan"
FOREIGN = "/usr/lib/x86_64-linux-gnu/bpf/xdpfilt_alw_all.o"
OTHERS = [("net_af_xdp0,iface=vwan", "net_af_xdp0,iface=other"), ("net_af_xdp1,iface=vlan", "net_null1"),
          ('"wan0"', '"wan9"'), ('"lan0"', '"lan9"'), ('"adit0"', '"adit9"'), ("192.0.2.10/24", "192.0.3.10/24"),
          ("198.51.100.1/24", "203.0.113.1/24"), ("dataplane.sock", "second.sock")]

try:
    socket.socket(socket.AF_XDP if hasattr(socket, "AF_XDP") else 44, socket.SOCK_RAW, 0).close()
except OSError as e:
    pytest.skip(f"this kernel has no XDP sockets: {e}", allow_module_level=True)


def gw(lab, *cmd, check=True):
    return sh("ip", "netns", "exec", lab.ns("gw"), *cmd, check=check)


def program(lab, iface):
    """The name of the XDP program on an interface; None without one."""
    link = json.loads(gw(lab, "ip", "-j", "-d", "link", "show", iface))[0]
    return link.get("xdp", {}).get("prog", {}).get("name")


def pings(lab, netns="wan", address=SERVER):
    return subprocess.run(["ip", "netns", "exec", lab.ns(netns), "ping", "-c", "1", "-W", "1", address],
                          capture_output=True, timeout=10).returncode == 0


@pytest.fixture
def other(lab):
    """Another interface of the gateway's, with two receive queues, and its data plane's -t or start."""
    gw(lab, "ip", "link", "add", "other", "numrxqueues", "2", "numtxqueues", "1", "type", "veth", "peer", "name", "rehto",
       "numrxqueues", "1", "numtxqueues", "1")
    gw(lab, "ip", "link", "set", "rehto", "up")
    gw(lab, "ip", "link", "set", "other", "up")

    def run(*changes, args=(), before=()):
        text = lab.config
        for old, new in [*OTHERS, *changes]:
            assert old in text, old
            text = text.replace(old, new)
        with open(f"{lab.dir}/other.conf", "w") as f:
            f.write(text)
        with open(f"{lab.dir}/other.log", "w+") as log:
            p = subprocess.Popen(["ip", "netns", "exec", lab.ns("gw"), *before, lab.dataplane, "-c",
                                  f"{lab.dir}/other.conf", *args], stdout=log, stderr=log)
            try:
                eventually(lambda: p.poll() is not None or "ready" in open(log.name).read(), 20)
                status = p.poll()
                channels = gw(lab, "ethtool", "-l", "other", check=False).split("Current")[-1].split("RX:")[-1].split()[0]
            finally:
                p.send_signal(signal.SIGTERM)
                p.wait(10)
            return status, open(log.name).read(), channels

    yield run
    gw(lab, "ip", "link", "del", "other")


def refused(run, said, *changes):
    """By -t, and at start before anything is changed."""
    status, log, _ = run(*changes, args=["-t"])
    assert status == 78 and said in log, log
    status, log, _ = run(*changes)
    assert status == 1 and said in log and "EAL" not in log and "memory:" not in log, log


def test_it_carries_packets(lab, session):
    s = session(bits=128)
    send_up(s, inner(s))
    assert to_lan(s)
    assert pings(lab) and pings(lab, "lan", LAN_GW)
    assert program(lab, "vwan") == "xsk_def_prog"


def test_an_interface_that_goes_down_and_up(lab, session):
    gw(lab, "ip", "link", "set", "vwan", "down")
    assert not pings(lab)
    gw(lab, "ip", "link", "set", "vwan", "up")
    assert eventually(lambda: pings(lab), 5)
    s = session(bits=128)
    send_up(s, inner(s))
    assert to_lan(s)


def test_the_hosts_default_route(lab, other):
    gw(lab, "ip", "addr", "add", "10.7.0.1/24", "dev", "other")
    gw(lab, "ip", "route", "add", "default", "via", "10.7.0.254")
    refused(other, "interface other: the host's default route leads through it")
    assert program(lab, "other") is None
    force = ('role = "wan";', 'role = "wan"; force = true;')
    assert other(force, args=["-t"])[0] == 0
    status, log, _ = other(force)
    assert status is None and "ready" in log, log


def test_a_default_route_by_way_of_a_bridge(lab, other):
    gw(lab, "ip", "link", "add", "br7", "type", "bridge")
    gw(lab, "ip", "link", "set", "other", "master", "br7")
    gw(lab, "ip", "link", "set", "br7", "up")
    gw(lab, "ip", "addr", "add", "10.7.0.1/24", "dev", "br7")
    gw(lab, "ip", "route", "add", "default", "via", "10.7.0.254")
    try:
        refused(other, "interface other: the host's default route leads through it, by way of br7")
    finally:
        gw(lab, "ip", "link", "del", "br7")


def test_more_queues_than_there_are(other):
    refused(other, "queues = 2: net_af_xdp has at most 1 here",
            ('net_af_xdp0,iface=other"; queues = 1', 'net_af_xdp0,iface=other"; queues = 2'))


def test_frames_larger_than_a_page(other):
    refused(other, 'mtu = 3393 of port "wan9"', ('gateway = ""; mtu = 1500', 'gateway = ""; mtu = 3393'))


def test_largest_frames(lab, other):
    status, log, _ = other(('gateway = ""; mtu = 1500', 'gateway = ""; mtu = 3392'))
    assert status is None and "its MTU is 3392 while the port is open, as ports[].mtu says; it was 1500" in log, log
    assert "mtu 1500" in gw(lab, "ip", "link", "show", "other")


def test_every_receive_queue(lab, other):
    """Frames at a queue without a socket would go to the kernel."""
    gw(lab, "ethtool", "-L", "other", "rx", "2")
    status, log, channels = other()
    assert status is None and "it has 1 receive queue while the port is open" in log and channels == "1", log
    assert gw(lab, "ethtool", "-l", "other").split("Current")[-1].split("RX:")[-1].split()[0] == "2"


def test_a_larger_mtu_is_lowered_first(lab, other):
    gw(lab, "ip", "link", "set", "other", "mtu", "9000")
    status, log, _ = other()
    assert status is None and "its MTU is 1500 while the port is open" in log, log
    assert "mtu 9000" in gw(lab, "ip", "link", "show", "other")


def test_an_xdp_program_of_somebody_else(lab, other):
    try:
        gw(lab, "ip", "link", "set", "dev", "other", "xdp", "obj", FOREIGN, "sec", "xdp")
    except subprocess.CalledProcessError as e:
        pytest.skip(f"no XDP program to take: {e.stderr}")
    refused(other, "an XDP program of somebody else's is on it")
    assert program(lab, "other")


def test_without_the_capabilities(other):
    status, log, _ = other(before=["setpriv", "--inh-caps", "-all", "--bounding-set", "-sys_admin,-bpf"])
    assert status == 1 and "CapabilityBoundingSet=CAP_BPF CAP_SYS_ADMIN" in log, log
    status, log, _ = other(before=["setpriv", "--inh-caps", "-all", "--bounding-set",
                                   "-all,+net_admin,+net_raw,+ipc_lock,+chown,+bpf,+sys_admin"])
    assert status is None and "ready" in log, log


def test_killed(lab):
    """Its program stays, and gives all to the kernel; the next one takes it over, and takes it away at the end."""
    lab.process.kill()
    lab.process.wait()
    lab.control.close()
    assert program(lab, "vwan") == "xsk_def_prog"
    gw(lab, "ip", "addr", "add", "192.0.2.77/24", "dev", "vwan")
    gw(lab, "sysctl", "-qw", "net.ipv4.conf.vwan.arp_ignore=0")
    assert eventually(lambda: pings(lab, address="192.0.2.77"), 5), "the host does not have its interface back"
    gw(lab, "ip", "addr", "del", "192.0.2.77/24", "dev", "vwan")
    lab._start(lcores="0@0,1@1", hugepages="false", wan=WAN_DEVICE, lan=LAN_DEVICE, inside="")
    assert eventually(lambda: pings(lab), 5)
    lab.process.send_signal(signal.SIGTERM)
    assert lab.process.wait(10) == 0
    assert program(lab, "vwan") is None and program(lab, "vlan") is None
    lab.control.close()
    lab._start(lcores="0@0,1@1", hugepages="false", wan=WAN_DEVICE, lan=LAN_DEVICE, inside="")
