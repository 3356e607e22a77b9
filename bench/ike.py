#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""IKE: tunnels per second that a responder sets up (IKEv1 main mode, then quick mode, transport).

   bench/ike.py BUILD [--json] [--runs N] [--only CASE] [--tunnels N]

    namespace wan                                namespace gw
   +-------------------------------+   veth     +--------------------------------------------------+
   | charon, the initiator: a      +------------+ adit-dataplane - adit-control - charon + plugin  |
   | connection for each address   |            +--------------------------------------------------+
   | 10.64.0.0/16                  |   veth      namespace peer
   |                               +------------+ charon alone: the peer of the comparison         |
   +-------------------------------+            +--------------------------------------------------+

The same charon, settings, proposals and machine on both sides; the peer hands its SAs to the kernel, or, where that has
no ESP, to nobody.  The initiator's CPU is not the responder's, where there are two.  Needs root; every wait is bounded,
and what was started and made is ended and removed.
"""
import argparse
import json
import os
import platform
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

PSK = "bench-Secret-psk-01"
GATEWAY, PEER = "192.0.2.10", "192.0.3.10"
WINDOW = 24  # exchanges under way at a time
CASES = {  # name: authentication, IKE proposal
    "psk-modp2048": ("psk", "aes256-sha256-modp2048"),
    "psk-modp1024": ("psk", "3des-sha1-modp1024"),
    "psk-ecp256": ("psk", "aes256-sha256-ecp256"),
    "ecdsa-ecp256": ("pubkey", "aes256-sha256-ecp256"),
}
ESP = "aes128-sha1"
PLUGINS = "/usr/lib/ipsec/plugins"


class Failed(Exception):
    pass


def sh(*command, stdin=None):
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise Failed(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def wait(what, seconds, condition):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Failed(f"not within {seconds} s: {what}")
        time.sleep(0.02)


class Vici:
    """strongSwan's control protocol, as the README of its vici plugin describes it."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(path)

    @classmethod
    def encode(cls, message):
        out = b""
        for name, value in message.items():
            key = bytes([len(name)]) + name.encode()
            if isinstance(value, dict):
                out += b"\x01" + key + cls.encode(value) + b"\x02"
            elif isinstance(value, list):
                out += b"\x04" + key + b"".join(b"\x05" + cls.octets(v) for v in value) + b"\x06"
            else:
                out += b"\x03" + key + cls.octets(value)
        return out

    @staticmethod
    def octets(value):
        value = value if isinstance(value, bytes) else str(value).encode()
        return struct.pack("!H", len(value)) + value

    @staticmethod
    def decode(data):
        """The values by their dotted path; of a list, the last one."""
        out, path, at = {}, [], 0
        while at < len(data):
            kind, at = data[at], at + 1
            name = None
            if kind in (1, 3, 4):
                n = data[at]
                name, at = data[at + 1:at + 1 + n].decode(), at + 1 + n
            if kind in (1, 4):
                path.append(name)
            elif kind in (2, 6):
                path.pop()
            else:
                n = struct.unpack_from("!H", data, at)[0]
                value, at = data[at + 2:at + 2 + n], at + 2 + n
                out[".".join(path + [name] if name else path)] = value.decode(errors="replace")
        return out

    def receive(self):
        def octets(n):
            data = b""
            while len(data) < n:
                more = self.sock.recv(n - len(data))
                if not more:
                    raise Failed("charon hung up")
                data += more
            return data
        packet = octets(struct.unpack("!I", octets(4))[0])
        return packet[0], packet[1:]

    def send(self, kind, name, message=None):
        packet = bytes([kind, len(name)]) + name.encode() + self.encode(message or {})
        self.sock.sendall(struct.pack("!I", len(packet)) + packet)

    def ask(self, command, message=None):
        self.send(0, command, message)
        kind, data = self.receive()
        answer = self.decode(data) if kind == 1 else {}
        if kind != 1 or answer.get("success", "yes") != "yes":
            raise Failed(f"charon: {command}: {answer.get('errmsg', f'answer {kind}')}")
        return answer

    def register(self, event):
        self.send(3, event)
        if self.receive()[0] != 5:
            raise Failed(f"charon knows no event {event}")

    def event(self):
        kind, data = self.receive()
        n = data[0]
        return data[1:1 + n].decode(), self.decode(data[1 + n:])


class Lab:
    def __init__(self, build):
        self.build = os.path.abspath(build)
        self.id = f"adit-ike-{os.getpid()}"
        self.dir = tempfile.mkdtemp(prefix="adit-ike-")
        os.chmod(self.dir, 0o755)
        self.processes = {}
        cpus = sorted(os.sched_getaffinity(0))
        self.server_cpu, self.client_cpu = cpus[-1], cpus[0]

    def ns(self, name):
        return f"{self.id}-{name}"

    def close(self):
        for name in list(self.processes):
            self.end(name)
        for name in ("wan", "gw", "peer"):
            subprocess.run(["ip", "netns", "del", self.ns(name)], capture_output=True)
        shutil.rmtree(self.dir, ignore_errors=True)

    def start(self, name, net, cpu, *command, env=None):
        log = open(f"{self.dir}/{name}.log", "a")
        self.processes[name] = subprocess.Popen(
            ["ip", "netns", "exec", self.ns(net), "taskset", "-c", str(cpu), *command], stdin=subprocess.DEVNULL, stdout=log,
            stderr=log, start_new_session=True, env={**os.environ, **(env or {})})

    def end(self, name):
        p = self.processes.pop(name, None)
        if not p:
            return
        p.send_signal(signal.SIGTERM)
        try:
            p.wait(15)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait(5)

    def log(self, name):
        with open(f"{self.dir}/{name}.log") as f:
            return f.read()

    def cpu_s(self, name):
        with open(f"/proc/{self.processes[name].pid}/stat") as f:
            field = f.read().rsplit(")", 1)[1].split()
        return (int(field[11]) + int(field[12])) / os.sysconf("SC_CLK_TCK")

    # ------------------------------------------------------------ what it stands on
    def networks(self, tunnels):
        for name in ("wan", "gw", "peer"):
            sh("ip", "netns", "add", self.ns(name))
            sh("ip", "-n", self.ns(name), "link", "set", "lo", "up")
            sh("ip", "netns", "exec", self.ns(name), "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1",
               "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0")
        for n, (name, inside) in enumerate((("gw", "vwan"), ("peer", "eth0"))):
            outside = f"to-{name}"
            sh("ip", "-n", self.ns(name), "link", "add", inside, "type", "veth", "peer", "name", outside, "netns", self.ns("wan"))
            for net, interface in ((name, inside), ("wan", outside)):
                sh("ip", "netns", "exec", self.ns(net), "ethtool", "-K", interface, "tx", "off", "rx", "off", "gso", "off", "gro", "off")
                sh("ip", "-n", self.ns(net), "link", "set", interface, "up")
            sh("ip", "-n", self.ns("wan"), "addr", "add", f"192.0.{2 + n}.254/24", "dev", outside)
        sh("ip", "-n", self.ns("wan"), "-batch", "-",
           stdin="".join(f"addr add {client(i)}/32 dev lo\n" for i in range(tunnels)))
        sh("ip", "-n", self.ns("peer"), "addr", "add", f"{PEER}/24", "dev", "eth0")
        sh("ip", "-n", self.ns("peer"), "route", "add", "default", "via", "192.0.3.254")
        # The data plane's LAN.
        sh("ip", "-n", self.ns("gw"), "link", "add", "vlan", "type", "veth", "peer", "name", "vlan1")
        sh("ip", "-n", self.ns("gw"), "link", "set", "vlan", "up")

    def kernel_has_esp(self):
        done = subprocess.run(["ip", "netns", "exec", self.ns("peer"), "ip", "xfrm", "state", "add", "src", PEER, "dst", client(0),
                               "proto", "esp", "spi", "0x1000", "mode", "transport", "enc", "cbc(aes)", "0x" + 16 * "11",
                               "auth", "hmac(sha1)", "0x" + 20 * "22"], capture_output=True)
        if done.returncode == 0:
            sh("ip", "netns", "exec", self.ns("peer"), "ip", "xfrm", "state", "flush")
        return done.returncode == 0

    def certificates(self):
        d = self.dir
        for ca in (True, False, False):
            name = "ca" if ca else "gateway" if not os.path.exists(f"{d}/gateway.pem") else "client"
            key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/O=Bench/CN={name}",
                   "-keyout", f"{d}/{name}.key"]
            if ca:
                sh("openssl", "req", "-x509", *key, "-days", "60", "-out", f"{d}/ca.pem")
                continue
            sh("openssl", "req", *key, "-out", f"{d}/{name}.csr")
            with open(f"{d}/{name}.ext", "w") as f:
                f.write(f"subjectAltName=DNS:{name}.bench\n")
            sh("openssl", "x509", "-req", "-in", f"{d}/{name}.csr", "-CA", f"{d}/ca.pem", "-CAkey", f"{d}/ca.key", "-CAcreateserial",
               "-days", "59", "-extfile", f"{d}/{name}.ext", "-out", f"{d}/{name}.pem")

    # ------------------------------------------------------------ charon
    def charon(self, name, net, cpu, conf, vici):
        plugins = f"{self.dir}/plugins"
        if not os.path.exists(plugins):
            shutil.copytree(PLUGINS, plugins)
            for plugin in ("kernel-adit", "kernel-null"):
                shutil.copy(f"{self.build}/plugin/libstrongswan-{plugin}.so", plugins)
        if os.path.exists(vici):
            os.unlink(vici)
        self.start(name, net, cpu, "unshare", "-m", "sh", "-c", f"mount --bind {plugins} {PLUGINS} && "
                   "mount -t tmpfs tmpfs /etc/strongswan.d && exec charon-systemd", env={"STRONGSWAN_CONF": conf})
        wait(f"{name}'s VICI socket: {self.log(name)[-300:]}", 15, lambda: os.path.exists(vici))

    def stock_charon(self, name, net, cpu, kernel):
        conf, vici = f"{self.dir}/{name}.conf", f"{self.dir}/{name}.vici"
        with open(conf, "w") as f:
            f.write(f"""charon {{
              load = random nonce openssl hmac kdf pubkey pem x509 socket-default vici {kernel} kernel-netlink
              install_routes = no
              install_virtual_ip = no
              process_route = no
              threads = 16
              ikesa_table_size = 4096
              ikesa_table_segments = 16
              cookie_threshold = 1000
              block_threshold = 64
              journal {{ cfg = 0 }}
              plugins {{ vici {{ socket = unix://{vici} }} }}
            }}
            """)
        self.charon(name, net, cpu, conf, vici)
        v = Vici(vici)
        v.ask("load-shared", {"id": "psk", "type": "IKE", "data": PSK})
        v.ask("load-cert", {"type": "X509", "flag": "CA", "data": self.read("ca.pem")})
        v.ask("load-key", {"type": "any", "data": self.read("client.key" if net == "wan" else "gateway.key")})
        return v

    def read(self, name):
        with open(f"{self.dir}/{name}", "rb") as f:
            return f.read()

    def connection(self, auth, certificate, local, remote, proposals):
        own = {"auth": auth, **({"certs": [self.read(certificate)]} if auth == "pubkey" else {})}
        return {"version": 1, "unique": "never", "local_addrs": [local], "remote_addrs": [remote], "proposals": proposals,
                "reauth_time": "0s", "rekey_time": "86400s", "keyingtries": 1, "send_cert": "always",
                "local": own, "remote": {"auth": auth, "id": "%any"},
                "children": {"l2tp": {"mode": "transport", "esp_proposals": [ESP], "local_ts": ["dynamic[udp/1701]"],
                                      "remote_ts": ["dynamic[udp/1701]"], "rekey_time": "3600s"}}}

    def peer_up(self, kernel):
        v = self.stock_charon("peer", "peer", self.server_cpu, kernel)
        for auth in ("psk", "pubkey"):
            v.ask("load-conn", {auth: self.connection(auth, "gateway.pem", PEER, "%any", sorted({p for _, p in CASES.values()}))})
        self.peer_vici = v

    # ------------------------------------------------------------ Adit
    def adit_up(self):
        d = self.dir
        with open(f"{d}/dataplane.conf", "w") as f:
            f.write(f"""eal: {{ lcores = "0@{self.client_cpu},1@{self.client_cpu}"; hugepages = false; memory_mb = 256;
                  args = [ "--file-prefix={self.id}" ]; }};
                mempool: {{ mbufs = 8192; }}; sessions: {{ max = 64; }}; ipsec: {{ max_sas = 4096; }};
                control: {{ socket = "{d}/dataplane.sock"; user = "nobody"; }};
                ports: ( {{ name = "wan0"; role = "wan"; device = "net_af_packet0,iface=vwan"; addresses = [ "{GATEWAY}/24" ];
                    gateway = "192.0.2.254"; }},
                  {{ name = "lan0"; role = "lan"; device = "net_af_packet1,iface=vlan"; addresses = [ "198.51.100.1/24" ]; }} );
                """)
        with open(f"{d}/control.conf", "w") as f:
            f.write(f"""control: {{ socket = "{d}/control.sock"; dataplane = "{d}/dataplane.sock"; user = "nobody"; }};
                l2tp: {{ enabled = true; }};
                ipsec: {{ enabled = true; directory = "{d}/charon"; listen = [ "{GATEWAY}" ]; psk = "{PSK}"; dpd = 3600;
                  certificate = "{d}/gateway.pem"; key = "{d}/gateway.key"; ca = "{d}/ca.pem"; }};
                pool: {{ name = "clients"; first = "10.99.0.1"; last = "10.99.0.254"; }};
                users: ( );
                """)
        os.chmod(f"{d}/control.conf", 0o600)
        for name, cpu, program in (("dataplane", self.client_cpu, "dataplane/adit-dataplane"),
                                   ("control", self.server_cpu, "control/adit-control")):
            self.start(name, "gw", cpu, f"{self.build}/{program}", "-c", f"{d}/{name}.conf")
            wait(f"adit-{name} is ready", 20, lambda: f"adit-{name}: ready" in self.log(name) or self.dead(name))
        self.charon("charon", "gw", self.server_cpu, f"{d}/charon/strongswan.conf", f"{d}/charon/vici.sock")
        wait("adit-control has configured charon", 15, lambda: "event=charon-configured" in self.log("control"))
        self.adit_vici = Vici(f"{d}/charon/vici.sock")

    def dead(self, name):
        if self.processes[name].poll() is None:
            return False
        raise Failed(f"{name} ended: {self.log(name)[-500:]}")

    # ------------------------------------------------------------ one figure
    def measure(self, case, gateway, responder, parts, tunnels):
        """Tunnels per second, and per second of CPU of each process of the responder."""
        auth, proposal = CASES[case]
        initiator = self.stock_charon("initiator", "wan", self.client_cpu, "kernel-null!")
        for i in range(tunnels):
            initiator.ask("load-conn", {f"c{i}": self.connection(auth, "client.pem", client(i), gateway, [proposal])})
        events = Vici(f"{self.dir}/initiator.vici")
        events.register("child-updown")
        before = {p: self.cpu_s(p) for p in parts}
        begin = time.monotonic()
        begun = up = 0
        while up < tunnels:
            while begun < tunnels and begun - up < WINDOW:
                initiator.ask("initiate", {"child": "l2tp", "ike": f"c{begun}", "timeout": -1})
                begun += 1
            try:
                name, words = events.event()
            except socket.timeout:
                raise Failed(f"{case}: {up} of {tunnels} tunnels, and no further one for 20 s") from None
            up += name == "child-updown" and words.get("up") == "yes"
        seconds = time.monotonic() - begin
        # charon itself has worked, however short: at least a tick of the clock that counts it.
        cpu = {p: max(self.cpu_s(p) - before[p], 0 if p == "control" else 1 / os.sysconf("SC_CLK_TCK")) for p in parts}
        self.end("initiator")  # deletes all of them
        wait(f"{case}: the responder's SAs are gone", 30, lambda: responder.ask("stats").get("ikesas.total") == "0")
        return tunnels / seconds, cpu


def client(i):
    return f"10.64.{i // 250}.{1 + i % 250}"


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    strongswan = sh("dpkg-query", "-W", "-f", "${Version}", "libstrongswan")
    return {"machine": model, "kernel": platform.release().split("-")[0], "strongswan": strongswan, "openssl": sh("openssl", "version").strip()}


def main():
    options = argparse.ArgumentParser(prog="bench/run ike", description="tunnels per second that charon with our plugin sets up")
    options.add_argument("build")
    options.add_argument("--json", action="store_true")
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--only", choices=CASES)
    options.add_argument("--tunnels", type=int, default=300)
    args = options.parse_args()
    if os.geteuid() != 0:
        sys.exit("bench: ike needs root (network namespaces)")
    for needed in ("/usr/sbin/charon-systemd", f"{args.build}/plugin/libstrongswan-kernel-adit.so",
                   f"{args.build}/plugin/libstrongswan-kernel-null.so"):
        if not os.path.exists(needed):
            sys.exit(f"bench: ike needs {needed} (./run setup)")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    lab = Lab(args.build)
    try:
        lab.networks(args.tunnels)
        lab.certificates()
        kernel = "kernel-netlink" if lab.kernel_has_esp() else "kernel-null!"
        peer = "charon, kernel-netlink" if kernel == "kernel-netlink" else "charon, SAs to nobody"
        lab.peer_up(kernel if kernel != "kernel-netlink" else "")
        lab.adit_up()
        if args.json:
            print(json.dumps(machine()))
        else:
            print(f"IKEv1 main and quick mode, transport, {args.tunnels} tunnels, {WINDOW} under way; beside {peer}; medians of {args.runs}\n"
                  f"{'case':14} {'tunnels/s':>10} {'beside':>8} {'ratio':>6}   {'CPU ms a tunnel: charon':>23} {'control':>8} {'beside':>8} {'ratio':>6}")
        for case in [args.only] if args.only else CASES:
            runs = [(lab.measure(case, PEER, lab.peer_vici, ("peer",), args.tunnels),
                     lab.measure(case, GATEWAY, lab.adit_vici, ("charon", "control"), args.tunnels)) for _ in range(args.runs)]
            report(case, args, peer, runs)
    except (Failed, OSError, subprocess.SubprocessError) as e:
        for name in ("initiator", "peer", "charon", "control", "dataplane"):
            if os.path.exists(f"{lab.dir}/{name}.log"):
                print(f"--- {name}\n{lab.log(name)[-800:]}", file=sys.stderr)
        sys.exit(f"bench: ike: {e}")
    finally:
        lab.close()


def report(case, args, peer, runs):
    def median(f):
        return statistics.median(f(*r) for r in runs)
    ours, theirs = median(lambda p, a: a[0]), median(lambda p, a: p[0])
    ms = 1000 / args.tunnels
    charon, control = median(lambda p, a: a[1]["charon"]) * ms, median(lambda p, a: a[1]["control"]) * ms
    other = median(lambda p, a: p[1]["peer"]) * ms
    rate_ratio = statistics.median(a[0] / p[0] for p, a in runs)
    cpu_ratio = statistics.median(p[1]["peer"] / sum(a[1].values()) for p, a in runs)
    if not args.json:
        print(f"{case:14} {ours:10.0f} {theirs:8.0f} {rate_ratio:6.2f}   {charon:23.2f} {control:8.2f} {other:8.2f} {cpu_ratio:6.2f}", flush=True)
        return
    common = {"bench": "ike", "bytes": 0, "sessions": args.tunnels, "peer": peer, "kernel": "openssl", "runs": args.runs}
    for name, unit, value, peer_value, ratio in ((case, "tunnels/s", ours, theirs, rate_ratio),
                                                 (f"{case}-cpu", "tunnels/CPU s", 1000 / (charon + control), 1000 / other, cpu_ratio)):
        print(json.dumps({**common, "case": name, "unit": unit, "value": round(value, 1), "peer_value": round(peer_value, 1),
                          "ratio": round(ratio, 3)}), flush=True)


main()
