# SPDX-License-Identifier: BSD-3-Clause
"""MPPE once more, slowly and apart from crypto/: RFC 3078, RFC 3079 section 3 (40, 56 and 128 bits)."""
import hashlib
import struct


class Rc4:
    def __init__(self, key):
        s, j = list(range(256)), 0
        for i in range(256):
            j = (j + s[i] + key[i % len(key)]) & 255
            s[i], s[j] = s[j], s[i]
        self.s, self.i, self.j = s, 0, 0

    def crypt(self, data):
        out, s, i, j = bytearray(), self.s, self.i, self.j
        for octet in data:
            i = (i + 1) & 255
            j = (j + s[i]) & 255
            s[i], s[j] = s[j], s[i]
            out.append(octet ^ s[(s[i] + s[j]) & 255])
        self.i, self.j = i, j
        return bytes(out)


class Mppe:
    """One direction, either end of it."""

    SALT = {40: b"\xd1\x26\x9e", 56: b"\xd1", 128: b""}

    def __init__(self, start, bits=128, stateless=True):
        self.size = 16 if bits == 128 else 8
        self.start, self.bits, self.stateless = start[: self.size], bits, stateless
        self.count = 0
        self.key = self._salt(self._sha(self.start))
        self.rc4 = Rc4(self.key)

    def _sha(self, key):
        return hashlib.sha1(self.start + bytes(40) + key + b"\xf2" * 40).digest()[: self.size]

    def _salt(self, key):
        return self.SALT[self.bits] + key[len(self.SALT[self.bits]):]

    def _change_key(self):
        interim = self._sha(self.key)
        self.key = self._salt(Rc4(interim).crypt(interim))
        self.rc4 = Rc4(self.key)

    def encrypt(self, data):
        header = 0x1000 | self.count
        if self.stateless or self.count & 0xFF == 0xFF:
            self._change_key()
            header |= 0x8000
        self.count = (self.count + 1) & 0xFFF
        return struct.pack("!H", header) + self.rc4.crypt(data)

    def decrypt(self, data):
        header = struct.unpack("!H", data[:2])[0]
        assert header & 0x1000, "not encrypted"
        while True:
            if self.stateless or self.count & 0xFF == 0xFF:
                self._change_key()
            arrived = self.count == header & 0xFFF
            self.count = (self.count + 1) & 0xFFF
            if arrived:
                return self.rc4.crypt(data[2:])
            assert self.stateless or header & 0x8000, "lost packets"

    def skip(self, n):
        """Packets that are never sent."""
        for _ in range(n):
            self.encrypt(b"\x00")
