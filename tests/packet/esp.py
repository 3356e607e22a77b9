# SPDX-License-Identifier: BSD-3-Clause
"""ESP once more, slowly and apart from crypto/: RFC 4303, in UDP by RFC 3948; one peer of the gateway."""
import hashlib
import hmac
import itertools
import os
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, aead, algorithms, modes
from scapy.layers.inet import IP, UDP

from l2tp import Message
from lab import CLIENT, SERVER

ICV = {"hmac-sha1-96": ("sha1", 20, 12), "hmac-md5-96": ("md5", 16, 12), "hmac-sha2-256-128": ("sha256", 32, 16)}


class Sa:
    """One direction."""

    def __init__(self, spi, encryption, integrity="-", esn=False):
        self.spi, self.encryption, self.integrity, self.esn, self.seq = spi, encryption, integrity, esn, 0
        self.gcm = "gcm" in encryption
        bits = {"3des-cbc": 192, "des-cbc": 64}.get(encryption) or int(encryption[3:6])
        self.block = 16 if encryption.startswith("aes") else 8
        self.key = os.urandom(bits // 8)
        self.salt = os.urandom(4) if self.gcm else b""
        self.hash, size, self.icv = ICV[integrity] if integrity != "-" else (None, 0, 16)
        self.auth = os.urandom(size)

    def words(self, soft_bytes=0, hard_bytes=0, soft_packets=0, hard_packets=0):
        """What the data plane is told of it."""
        return (self.encryption, self.integrity if self.integrity != "-" else 0, int(self.esn), (self.key + self.salt).hex(),
                self.auth.hex() or "-", soft_bytes, hard_bytes, soft_packets, hard_packets)

    def _cipher(self, iv):
        aes = self.encryption.startswith("aes")
        key = self.key * 3 if len(self.key) == 8 else self.key  # DES by the triple one
        return Cipher(algorithms.AES(key) if aes else algorithms.TripleDES(key), modes.CBC(iv))

    def _mac(self, data, high):
        return hmac.new(self.auth, data + (struct.pack("!I", high) if self.esn else b""), self.hash).digest()[: self.icv]

    def _aad(self, seq):
        return struct.pack("!IQ", self.spi, seq) if self.esn else struct.pack("!II", self.spi, seq)

    def seal(self, payload, seq=None, next_header=17, pad=None):
        if seq is None:
            self.seq += 1
            seq = self.seq
        align = 4 if self.gcm else self.block
        if pad is None:
            pad = bytes(range(1, 1 + -(len(payload) + 2) % align))
        text = payload + pad + bytes([len(pad), next_header])
        head = struct.pack("!II", self.spi, seq & 0xFFFFFFFF)
        if self.gcm:
            iv = struct.pack("!Q", seq)
            return head + iv + aead.AESGCM(self.key).encrypt(self.salt + iv, text, self._aad(seq))
        iv = os.urandom(self.block)
        c = self._cipher(iv).encryptor()
        packet = head + iv + c.update(text) + c.finalize()
        return packet + self._mac(packet, seq >> 32)

    def open(self, packet):
        """The payload; checks that numbers rise by one."""
        spi, seq = struct.unpack("!II", packet[:8])
        assert spi == self.spi
        self.seq += 1
        assert seq == self.seq & 0xFFFFFFFF
        if self.gcm:
            text = aead.AESGCM(self.key).decrypt(self.salt + packet[8:16], packet[16:], self._aad(self.seq))
        else:
            body, icv = packet[: -self.icv], packet[-self.icv:]
            assert icv == self._mac(body, self.seq >> 32)
            c = self._cipher(body[8:8 + self.block]).decryptor()
            text = c.update(body[8 + self.block:]) + c.finalize()
        n = text[-2]
        assert text[-1] == 17 and text[-2 - n:-2] == bytes(range(1, n + 1))
        return text[: -2 - n]


class EspPath:
    """A pair of SAs of a client: what l2tp.ClearPath is without IPsec.  port 0: native ESP."""

    slots = itertools.count(1)
    names = itertools.count(1)

    def __init__(self, lab, encryption="aes128-cbc", integrity="hmac-sha1-96", ip=CLIENT, port=0, esn=False, window=1024, peer_name=None,
                 life_in=(), life_out=(), out=True, generation=1, add=True):
        self.lab, self.wire, self.ip, self.nat_port, self.port = lab, lab.wan, ip, port, 1701
        self.pair = (next(self.slots) % 60 + 1) | generation << 20
        self.peer_name = peer_name or 1000 + next(self.names)
        self.up = Sa(self.pair, encryption, integrity, esn)
        self.down = Sa(0xC0000000 + self.pair, encryption, integrity, esn)
        if not add:  # IKE has given the SPI out, and is not done yet
            assert lab.control.do("sa_reserve", self.pair, ip) == 0
            return
        assert self.add(window, life_in) == 0
        if out:
            assert self.add_out(life_out) == 0

    def add(self, window=1024, life=()):
        ports = (4500, self.nat_port) if self.nat_port else (0, 0)
        return self.lab.control.do("sa_add", self.pair, SERVER, self.ip, *ports, self.peer_name, window, *self.up.words(*life))

    def add_out(self, life=()):
        return self.lab.control.do("sa_out", self.pair, self.down.spi, *self.down.words(*life))

    def close(self):
        self.lab.control.do("sa_close", self.pair)
        assert self.lab.control.hear("event", lambda o: o["event"] == 5 and o["handle"] == self.pair), "never gone"

    def counters(self):
        self.lab.control.say("sa_counters", self.pair)
        return self.lab.control.hear("in_packets")

    def outer(self, packet, ip=None, port=None):
        """An ESP packet on its way, from here or from elsewhere."""
        head = IP(src=ip or self.ip, dst=SERVER)
        if self.nat_port:
            return head / UDP(sport=port or self.nat_port, dport=4500, chksum=0) / packet
        return IP(src=ip or self.ip, dst=SERVER, proto=50) / packet

    def send(self, message, ip=None, port=None, **how):
        # A NAT leaves the inner checksum wrong: RFC 3948 section 3.1.2.
        udp = struct.pack("!HHHH", how.pop("sport", 1701), how.pop("dport", 1701), how.pop("length", 8 + len(message)), 0xBAD0)
        self.wire.send(self.outer(self.up.seal(udp + message, **how), ip, port))

    def receive(self, match=lambda m: True, timeout=2.0):
        found = []

        def is_ours(f):
            if IP not in f or f[IP].dst != self.ip:
                return False
            raw = bytes(f[IP].payload)[: f[IP].len - 20]
            if self.nat_port:
                if f[IP].proto != 17 or raw[:4] != struct.pack("!HH", 4500, self.nat_port) or raw[6:8] != b"\0\0":
                    return False
                raw = raw[8:]
            elif f[IP].proto != 50:
                return False
            if raw[:4] != struct.pack("!I", self.down.spi):
                return False
            datagram = self.down.open(raw)
            sport, dport, length = struct.unpack("!HHH", datagram[:6])
            assert (sport, dport, length) == (1701, 1701, len(datagram))
            message = Message(datagram[8:])
            if not match(message):
                return False
            found.append(message)
            return True

        return found[0] if self.wire.receive(is_ours, timeout) else None
