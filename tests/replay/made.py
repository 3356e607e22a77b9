#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""made.py ADIT-REPLAY pptp|esp-null: sessions that no recording has, made here and apart from crypto/, then replayed.

pptp: three calls of users with different passwords, two of them behind one address, interleaved; and with a wrong password.
esp-null: L2TP in ESP that authenticates and does not encrypt (RFC 2410).
"""
import hashlib
import hmac
import json
import os
import struct
import subprocess
import sys
import tempfile
import warnings

warnings.simplefilter("ignore")
try:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
except ImportError:
    sys.exit(77)

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "packet"))
from mppe import Mppe  # noqa: E402

SERVER = "192.0.2.10"


def md4(data):
    """RFC 1320."""
    def rotate(v, n):
        v &= 0xFFFFFFFF
        return (v << n | v >> (32 - n)) & 0xFFFFFFFF

    bits = 8 * len(data)
    data += b"\x80" + bytes(-(len(data) + 9) % 64) + struct.pack("<Q", bits)
    s = [0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476]
    rounds = [(lambda x, y, z: x & y | ~x & z, 0, range(16), (3, 7, 11, 19)),
              (lambda x, y, z: x & y | x & z | y & z, 0x5A827999, [i % 4 * 4 + i // 4 for i in range(16)], (3, 5, 9, 13)),
              (lambda x, y, z: x ^ y ^ z, 0x6ED9EBA1, [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15], (3, 9, 11, 15))]
    for at in range(0, len(data), 64):
        x = struct.unpack("<16I", data[at:at + 64])
        a, b, c, d = s
        for f, add, order, shifts in rounds:
            for i, k in enumerate(order):
                a, b, c, d = d, rotate(a + f(b, c, d) + x[k] + add, shifts[i % 4]), b, c
        s = [(u + v) & 0xFFFFFFFF for u, v in zip(s, (a, b, c, d))]
    return struct.pack("<4I", *s)


def des(key, block):
    n = int.from_bytes(key, "big")
    key = bytes((n >> (49 - 7 * i) & 127) << 1 for i in range(8))
    c = Cipher(algorithms.TripleDES(key * 3), modes.ECB()).encryptor()
    return c.update(block) + c.finalize()


class User:
    """RFC 2759 and RFC 3079, as the client and the server know it both."""

    def __init__(self, name, password):
        self.name, self.challenge, peer = name.encode(), os.urandom(16), os.urandom(16)
        nt = md4(password.encode("utf-16-le"))
        short = hashlib.sha1(peer + self.challenge + self.name).digest()[:8]
        padded = nt + bytes(5)
        response = b"".join(des(padded[i:i + 7], short) for i in (0, 7, 14))
        self.value = peer + bytes(8) + response + b"\0"
        master = hashlib.sha1(md4(nt) + response + b"This is the MPPE Master Key").digest()[:16]

        def start(magic):
            return hashlib.sha1(master + bytes(40) + magic + b"\xf2" * 40).digest()[:16]
        self.up = Mppe(start(b"On the client side, this is the send key; on the server side, it is the receive key."))
        self.down = Mppe(start(b"On the client side, this is the receive key; on the server side, it is the send key."))


class Capture:
    def __init__(self):
        self.data = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)

    def ip(self, src, dst, protocol, payload):
        def octets(a):
            return bytes(map(int, a.split(".")))
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0) + octets(src) + octets(dst)
        frame = bytes(12) + b"\x08\x00" + head + payload
        self.data += struct.pack("<IIII", 1, 0, len(frame), len(frame)) + frame


def replay(program, capture, session):
    with tempfile.TemporaryDirectory() as d:
        pcap, about = os.path.join(d, "made.pcap"), os.path.join(d, "made.json")
        with open(pcap, "wb") as f:
            f.write(capture.data)
        with open(about, "w", encoding="utf-8") as f:
            json.dump(session, f)
        done = subprocess.run([program, pcap, about], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30)
        print(done.returncode, done.stdout.strip())
        return done.returncode


class Call:
    def __init__(self, capture, user, client, client_id, server_id):
        self.capture, self.user, self.client, self.ids, self.seq = capture, user, client, (server_id, client_id), [0, 0]
        reply = struct.pack("!HHIHHHHBBHIHHI", 32, 1, 0x1A2B3C4D, 8, 0, server_id, client_id, 1, 0, 0, 10000000, 64, 0, 0)
        capture.ip(SERVER, client, 6, struct.pack("!HHIIBBHHH", 1723, 4444, 1, 1, 0x50, 0x18, 512, 0, 0) + reply)

    def gre(self, way, ppp):
        ends = (SERVER, self.client) if way else (self.client, SERVER)
        self.capture.ip(*ends, 47, struct.pack("!HHHHI", 0x3001, 0x880B, len(ppp), self.ids[way], self.seq[way]) + ppp)
        self.seq[way] += 1

    def set_up(self):
        u = self.user
        self.gre(1, b"\xc2\x23" + struct.pack("!BBHB", 1, 1, 24, 16) + u.challenge + b"vpn")
        self.gre(0, b"\xc2\x23" + struct.pack("!BBHB", 2, 1, 54 + len(u.name), 49) + u.value + u.name)
        for way in (0, 1):
            self.gre(way, b"\x80\xfd" + struct.pack("!BBHBBI", 2, 1, 10, 18, 6, 0x01000040))

    def send(self, way, ppp):
        self.gre(way, b"\x00\xfd" + (self.user.down if way else self.user.up).encrypt(ppp))


def pptp(program):
    passwords = {"alice": "Wonder-Land7", "bob": "Builder_8x", "carol": "Choir-Boy3"}
    capture, sha, counts = Capture(), (hashlib.sha256(), hashlib.sha256()), {}
    calls = [Call(capture, User(name, passwords[name]), *ends)
             for name, *ends in (("alice", "192.0.2.77", 7, 100), ("bob", "192.0.2.77", 8, 200), ("carol", "192.0.2.1", 7, 300))]
    for call in calls:
        call.set_up()
    for i in range(60):
        call, way, ppp = calls[i % 3], i // 3 % 2, b"\x00\x21" + bytes([i]) * (20 + i)
        call.send(way, ppp)
        sha[way].update(ppp)
        name = ("c>s 0021", "s>c 0021")[way]
        counts[name] = counts.get(name, 0) + 1
    mode = {"bits": 128, "stateful": False}
    session = {"protocol": "pptp", "server": SERVER, "users": passwords, "mppe": {"c>s": mode, "s>c": mode},
               "expect": {"min_inner_packets": 60, "ppp_frames": counts, "undecryptable_until_reset": {},
                          "sha256_of_ppp_frames": {"c>s": sha[0].hexdigest(), "s>c": sha[1].hexdigest()}}}
    assert replay(program, capture, session) == 0
    for wrong in ({**passwords, "bob": passwords["alice"]}, {"alice": passwords["alice"]}):
        assert replay(program, capture, {**session, "users": wrong}) == 2


def esp_null(program):
    for name, size, icv, wireshark in (("sha1", 20, 12, "HMAC-SHA-1-96 [RFC2404]"), ("md5", 16, 12, "HMAC-MD5-96 [RFC2403]"),
                                       ("sha256", 32, 16, "HMAC-SHA-256-128 [RFC4868]")):
        capture, sas = Capture(), []
        for i, ends in enumerate((("192.0.2.1", SERVER), (SERVER, "192.0.2.1"))):
            key, spi = os.urandom(size), 0xC0000001 + i
            sas.append({"src": ends[0], "dst": ends[1], "spi": hex(spi), "encryption": "NULL", "encryption_key": "",
                        "authentication": wireshark, "authentication_key": "0x" + key.hex()})
            for n in range(1, 41):
                l2tp = struct.pack("!HHHHHH", 0xC802, 12, 1, 0, 0, 0) if n == 1 else b"\x00\x02\0\1\0\1\xff\x03\x00\x21" + bytes([n]) * n
                text = struct.pack("!HHHH", 1701, 1701, 8 + len(l2tp), 0) + l2tp
                pad = -(len(text) + 2) % 4
                packet = struct.pack("!II", spi, n) + text + bytes(range(1, 1 + pad)) + bytes([pad, 17])
                capture.ip(*ends, 50, packet + hmac.new(key, packet, name).digest()[:icv])
        session = {"protocol": "l2tp-ipsec", "server": SERVER, "sas": sas,
                   "expect": {"esp_frames": 80, "l2tp_control": 2, "l2tp_data": 78, "inner_ip": 78, "vj": 0}}
        assert replay(program, capture, session) == 0
        sas[0]["authentication_key"] = sas[1]["authentication_key"]
        assert replay(program, capture, session) == 1


{"pptp": pptp, "esp-null": esp_null}[sys.argv[2]](sys.argv[1])
