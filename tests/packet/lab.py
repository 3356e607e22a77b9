# SPDX-License-Identifier: BSD-3-Clause
"""The real adit-dataplane between two network namespaces, and a stand-in for control.

   namespace wan (192.0.2.1)          namespace gw                    namespace lan (198.51.100.100)
     pwan ---------------- vwan [wan0] adit-dataplane [lan0] vlan ---------------- plan
     frames made by scapy  192.0.2.10                 198.51.100.1    frames made by scapy

Everything is made here and removed by close(), by pid and by name.
"""
import ctypes
import json
import os
import queue
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

from scapy.layers.inet import IP
from scapy.layers.l2 import Ether

SERVER, CLIENT, LAN_GW, LAN_HOST = "192.0.2.10", "192.0.2.1", "198.51.100.1", "198.51.100.100"
INNER_SERVER = "10.99.0.1"
CONFIG = """
eal: {{ lcores = "{lcores}"; hugepages = {hugepages}; memory_mb = 256; args = [ ]; }};
workers: {{ poll_mode = "adaptive"; idle_sleep_us = 250; }};
mempool: {{ mbufs = 16384; }};
sessions: {{ max = 256; }};
ipsec: {{ max_sas = 64; }};
control: {{ socket = "{socket}"; user = "nobody"; }};
edge: {{ ping = true; }};
inside: {{ services = [ {inside} ]; }};
ports: (
  {{ name = "wan0"; role = "wan"; device = "{wan}"; queues = 1;
     addresses = [ "192.0.2.10/24" ]; gateway = ""; mtu = 1500; }},
  {{ name = "lan0"; role = "lan"; device = "{lan}"; queues = 1;
     addresses = [ "198.51.100.1/24" ]; proxy_arp = true; mtu = 1500; }}
);
inner: {{ name = "adit0"; }};
gre: {{ max_rekeys = 64; }};
forwarding: {{ outer_fragmentation = false; }};
"""


def sh(*cmd, check=True):
    return subprocess.run(cmd, check=check, capture_output=True, text=True, timeout=20).stdout


def eventually(fn, timeout=3.0, step=0.02):
    """fn's first true value within the time, else its last one."""
    end = time.monotonic() + timeout
    while True:
        value = fn()
        if value or time.monotonic() > end:
            return value
        time.sleep(step)


class Wire:
    """One end of a veth: send frames, receive what the gateway sends."""

    def __init__(self, netns, ifname):
        libc = ctypes.CDLL(None, use_errno=True)
        with open("/proc/self/ns/net") as home, open(f"/run/netns/{netns}") as there:
            if libc.setns(there.fileno(), 0x40000000):
                raise OSError(ctypes.get_errno(), "setns")
            try:
                self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
                self.sock.bind((ifname, 0))
                self.mac = ":".join(f"{b:02x}" for b in self.sock.getsockname()[4])
            finally:
                if libc.setns(home.fileno(), 0x40000000):
                    raise OSError(ctypes.get_errno(), "setns")
        self.gateway_mac = None

    def send(self, packet):
        """Send an IP packet (or raw octets of one) to the gateway, or a whole Ethernet frame as it is."""
        if not isinstance(packet, Ether):
            packet = Ether(src=self.mac, dst=self.gateway_mac, type=0x0800) / packet
        self.sock.send(bytes(packet))

    def drain(self):
        self.sock.setblocking(False)
        try:
            while True:
                self.sock.recv(65536)
        except BlockingIOError:
            pass

    def receive(self, match, timeout=2.0):
        """The first frame of the gateway that matches, as scapy's Ether; None when there is none in time."""
        end = time.monotonic() + timeout
        while (left := end - time.monotonic()) > 0:
            self.sock.settimeout(left)
            try:
                data, address = self.sock.recvfrom(65536)
            except (socket.timeout, BlockingIOError):
                break
            if address[2] == 4:  # our own
                continue
            frame = Ether(data)
            if match(frame):
                return frame
        return None


class Control:
    """A segctl process: commands out, JSON objects in."""

    def __init__(self, segctl, path, netns):
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", netns, segctl, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.lines = queue.Queue()
        self.kept = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))

    def say(self, *words):
        self.process.stdin.write(" ".join(str(w) for w in words) + "\n")
        self.process.stdin.flush()

    def hear(self, key, match=lambda o: True, timeout=3.0):
        """The first object with this key that matches; others are kept for later questions."""
        end = time.monotonic() + timeout
        for o in list(self.kept):
            if key in o and match(o):
                self.kept.remove(o)
                return o
        while (left := end - time.monotonic()) > 0:
            try:
                o = self.lines.get(timeout=left)
            except queue.Empty:
                break
            if key in o and match(o):
                return o
            self.kept.append(o)
        return None

    def do(self, *words):
        """Say a command and return the status of its acknowledgement."""
        self.kept = [o for o in self.kept if o.get("event") != 1]
        self.say(*words)
        ack = self.hear("event", lambda o: o["event"] == 1)
        assert ack, f"no acknowledgement of {words}"
        return ack["status"]

    def stats(self):
        self.say("stats")
        return self.hear("drops")

    def nodes(self):
        """For each worker, the packets that passed its nodes; refreshed once a second."""
        self.say("nodes")
        return self.hear("nodes")["nodes"]

    def counters(self, handle):
        self.say("counters", handle)
        return self.hear("up_packets")

    def stop(self):
        """As if control were too busy to look at its rings."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def close(self):
        self.process.kill()
        self.process.wait()


class Lab:
    def __init__(self, dataplane, segctl, lcores="0@0,1@1", hugepages="false", wan="net_af_packet0,iface=vwan",
                 lan="net_af_packet1,iface=vlan", inside=""):
        self.dataplane, self.segctl = dataplane, segctl
        self.id = f"adit-p{os.getpid()}"
        self.dir = tempfile.mkdtemp(prefix="adit-packet-")
        self.socket = f"{self.dir}/dataplane.sock"
        self.process = self.control = None
        try:
            self._networks()
            self._start(lcores=lcores, hugepages=hugepages, wan=wan, lan=lan, inside=inside)
        except BaseException:
            self.close()
            raise

    def ns(self, name):
        return f"{self.id}-{name}"

    def _networks(self):
        for name in ("gw", "wan", "lan"):
            sh("ip", "netns", "add", self.ns(name))
            sh("ip", "netns", "exec", self.ns(name), "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1",
               "net.ipv6.conf.default.disable_ipv6=1")
            sh("ip", "-n", self.ns(name), "link", "set", "lo", "up")
        for name, address in (("wan", CLIENT), ("lan", LAN_HOST)):
            sh("ip", "-n", self.ns("gw"), "link", "add", f"v{name}", "type", "veth", "peer", "name", f"p{name}",
               "netns", self.ns(name))
            for netns, dev in ((self.ns("gw"), f"v{name}"), (self.ns(name), f"p{name}")):
                sh("ip", "netns", "exec", netns, "ethtool", "-K", dev, "tx", "off", "rx", "off", "gso", "off", "gro",
                   "off", "tso", "off", check=False)
                sh("ip", "-n", netns, "link", "set", dev, "up")
            sh("ip", "-n", self.ns(name), "addr", "add", f"{address}/24", "dev", f"p{name}")
        self.wan, self.lan = Wire(self.ns("wan"), "pwan"), Wire(self.ns("lan"), "plan")
        for wire, dev in ((self.wan, "vwan"), (self.lan, "vlan")):
            out = json.loads(sh("ip", "-j", "-n", self.ns("gw"), "link", "show", dev))
            wire.gateway_mac = out[0]["address"]

    def _start(self, **settings):
        conf = f"{self.dir}/dataplane.conf"
        self.config = CONFIG.format(socket=self.socket, **settings)
        with open(conf, "w") as f:
            f.write(self.config)
        self.log = open(f"{self.dir}/dataplane.log", "w")
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", self.ns("gw"), self.dataplane, "-c", conf], stderr=self.log, stdout=self.log)
        assert eventually(lambda: "ready" in self.log_text() or self.process.poll() is not None, 20), self.log_text()
        assert self.process.poll() is None, self.log_text()
        self.attach()
        # The kernels learn each other's hardware addresses.
        for netns, address in ((self.ns("wan"), SERVER), (self.ns("lan"), LAN_GW)):
            sh("ip", "netns", "exec", netns, "ping", "-c", "2", "-i", "0.2", "-W", "1", address, check=False)
        assert self.gateway() == 0

    def gateway(self, server=INNER_SERVER, first=INNER_SERVER, last="10.99.0.254", pptp=1, ipsec=1, clear_l2tp=1):
        return self.control.do("gateway", server, first, last, pptp, ipsec, clear_l2tp)

    def second(self, *changes):
        """Another data plane beside this one, its configuration this one's with (old, new) changes: exit status and
        what it said."""
        text = self.config
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        with open(f"{self.dir}/second.conf", "w") as f:
            f.write(text)
        done = subprocess.run(["ip", "netns", "exec", self.ns("gw"), self.dataplane, "-c", f"{self.dir}/second.conf"],
                              capture_output=True, text=True, timeout=20)
        return done.returncode, done.stderr

    def arp(self, address):
        """Let a further address of the WAN side answer for itself: the namespace's kernel does."""
        sh("ip", "-n", self.ns("wan"), "addr", "replace", f"{address}/24", "dev", "pwan")

    def attach(self):
        self.control = Control(self.segctl, self.socket, self.ns("gw"))
        assert self.control.hear("attached"), "the data plane does not take a control process"

    def log_text(self):
        with open(f"{self.dir}/dataplane.log") as f:
            return f.read()

    def alive(self):
        return self.process.poll() is None

    def drops(self, name):
        return self.control.stats()["drops"][name]

    def drop_rises(self, name, by=1):
        """A context in which the drop counter must rise by exactly this much."""
        return _DropRises(self, name, by)

    def close(self):
        if self.control:
            self.control.close()
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for name in ("gw", "wan", "lan"):
            sh("ip", "netns", "del", self.ns(name), check=False)
        shutil.rmtree(self.dir, ignore_errors=True)


class _DropRises:
    def __init__(self, lab, name, by):
        self.lab, self.name, self.by = lab, name, by

    def __enter__(self):
        self.before = self.lab.drops(self.name)

    def __exit__(self, kind, *rest):
        if kind is None:
            eventually(lambda: self.lab.drops(self.name) - self.before >= self.by)
            assert self.lab.drops(self.name) - self.before == self.by, (self.name, self.lab.control.stats())


def gre(call_id, payload=b"", seq=None, ack=None, *, flags=None, proto=0x880B, length=None, src=CLIENT, dst=SERVER):
    """An outer packet with an enhanced GRE header, RFC 2637 section 4.1."""
    if flags is None:
        flags = 0x2001 | (0x1000 if seq is not None else 0) | (0x0080 if ack is not None else 0)
    header = struct.pack("!HHHH", flags, proto, len(payload) if length is None else length, call_id)
    header += struct.pack("!I", seq) if seq is not None else b""
    header += struct.pack("!I", ack) if ack is not None else b""
    return IP(src=src, dst=dst, proto=47, ttl=64) / (header + payload)


class Gre:
    """The enhanced GRE packet in a frame of the gateway."""

    def __init__(self, frame):
        raw = bytes(frame[IP].payload)[: frame[IP].len - 20]
        self.flags, self.proto, self.length, self.call_id = struct.unpack("!HHHH", raw[:8])
        at = 8
        self.seq = self.ack = None
        if self.flags & 0x1000:
            self.seq, at = struct.unpack("!I", raw[at:at + 4])[0], at + 4
        if self.flags & 0x0080:
            self.ack, at = struct.unpack("!I", raw[at:at + 4])[0], at + 4
        self.payload = raw[at:]


def is_gre(frame):
    return IP in frame and frame[IP].proto == 47


def has_payload(frame):
    return is_gre(frame) and Gre(frame).seq is not None
