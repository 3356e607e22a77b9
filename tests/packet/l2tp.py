# SPDX-License-Identifier: BSD-3-Clause
"""L2TP's headers once more, slowly and apart from dataplane/: RFC 2661 section 3.1."""
import itertools
import struct

from scapy.layers.inet import IP, UDP

from lab import CLIENT, SERVER


def header(tunnel, session, ns=None, *, nr=0, length=False, offset=None, flags=0, version=2, body=b"", told=None):
    """A message with a header of this form.  told: what the length field says; flags: further bits, the control bit too."""
    word = flags | version
    out = b""
    if length or told is not None:
        word |= 0x4000
    if ns is not None:
        word |= 0x0800
    if offset is not None:
        word |= 0x0200
    out += struct.pack("!HH", tunnel, session)
    out += struct.pack("!HH", ns, nr) if ns is not None else b""
    out += struct.pack("!H", offset) + b"\xee" * offset if offset is not None else b""
    out += body
    if word & 0x4000:
        out = struct.pack("!H", len(out) + 4 if told is None else told) + out
    return struct.pack("!H", word) + out


def control(tunnel, session, ns, nr, avps=b""):
    return header(tunnel, session, ns, nr=nr, length=True, flags=0x8000, body=avps)


class Message:
    """What a datagram of the gateway carries."""

    def __init__(self, raw):
        self.flags = struct.unpack("!H", raw[:2])[0]
        assert self.flags & 15 == 2
        at = 2
        if self.flags & 0x4000:
            length = struct.unpack("!H", raw[at:at + 2])[0]
            assert length <= len(raw)
            raw, at = raw[:length], at + 2
        self.tunnel, self.session = struct.unpack("!HH", raw[at:at + 4])
        at += 4
        self.ns = self.nr = None
        if self.flags & 0x0800:
            self.ns, self.nr = struct.unpack("!HH", raw[at:at + 4])
            at += 4
        assert not self.flags & 0x0200
        self.body = raw[at:]


def unframe(ppp):
    """Protocol and payload of a PPP frame, its compressible fields left out or not."""
    if ppp[:2] == b"\xff\x03":
        ppp = ppp[2:]
    return (ppp[0], ppp[1:]) if ppp[0] & 1 else (ppp[0] << 8 | ppp[1], ppp[2:])


class ClearPath:
    """UDP 1701 without IPsec."""

    pair = peer_name = 0

    def __init__(self, wire, ip=CLIENT, port=1701):
        self.wire, self.ip, self.port = wire, ip, port

    def send(self, message, **udp):
        self.wire.send(IP(src=self.ip, dst=SERVER) / UDP(sport=udp.pop("sport", self.port), dport=1701, **udp) / message)

    def receive(self, match=lambda m: True, timeout=2.0):
        found = []

        def is_ours(f):
            if UDP not in f or f[UDP].sport != 1701 or f[UDP].dport != self.port or f[IP].dst != self.ip:
                return False
            message = Message(bytes(f[UDP].payload)[: f[UDP].len - 8])
            if not match(message):
                return False
            found.append(message)
            return True

        return found[0] if self.wire.receive(is_ours, timeout) else None


class L2tpSession:
    """A session of the data plane and its client."""

    numbers = itertools.count(1)

    def __init__(self, lab, path, send_sequence=0, require_sequence=0, opened=True, acfc=1, pfc=1, mru=1400, mppe=None, tunnel=None,
                 require=False):
        n = next(self.numbers)
        self.lab, self.path, self.id, self.peer_id = lab, path, 3000 + n, 4000 + n
        self.tunnel, self.peer_tunnel = tunnel or 5000 + n, 6000 + n
        self.handle, self.inner = n % 128 + 128 | (1 + n // 128) << 20, f"10.99.1.{1 + n % 250}"
        self.up, self.down = mppe or (None, None)
        do = lab.control.do
        assert do("add_l2tp", self.handle, SERVER, path.ip, self.id, self.peer_id, self.tunnel, self.peer_tunnel, 1701,
                  path.port if path.pair == 0 else 1701, path.pair, path.peer_name) == 0
        assert do("l2tp", self.handle, send_sequence, require_sequence) == 0
        assert do("link", self.handle, 1400, mru, acfc, pfc) == 0
        if mppe:
            assert do("mppe", self.handle, 128, 1, self.down.start.hex(), self.up.start.hex()) == 0
        if opened:
            assert do("open", self.handle, self.inner, int(require), 1, "tester") == 0

    def send(self, packet, path=None, ppp=None, **how):
        """An inner packet as the client sends it, or the octets of a PPP frame."""
        if ppp is None:
            ppp = b"\x21" + bytes(packet)
            if self.up:
                ppp = b"\xfd" + self.up.encrypt(ppp)
        ids = how.pop("ids", (self.tunnel, self.id))
        (path or self.path).send(header(*ids, body=ppp, **how))

    def receive(self, timeout=2.0, path=None):
        """The next L2TP data message for the client."""
        got = (path or self.path).receive(lambda m: not m.flags & 0x8000 and m.session == self.peer_id, timeout)
        assert not got or got.tunnel == self.peer_tunnel
        return got

    def receive_ip(self, timeout=2.0, path=None):
        got = self.receive(timeout, path)
        if not got:
            return None
        proto, data = unframe(got.body)
        if self.down:
            assert proto == 0xFD
            proto, data = unframe(self.down.decrypt(data))
        assert proto == 0x21
        return IP(data)

    def close(self):
        self.lab.control.do("close", self.handle)
        assert self.lab.control.hear("event", lambda o: o["event"] == 2 and o["handle"] == self.handle), "never gone"
