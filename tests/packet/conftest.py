# SPDX-License-Identifier: BSD-3-Clause
import ctypes
import itertools
import os
import signal

import pytest

from lab import CLIENT, SERVER, Lab
from mppe import Mppe

KEY_UP, KEY_DOWN = bytes(range(16)), bytes(range(100, 116))


def pytest_configure():
    """SIGTERM, also when whoever started this is gone, is as Ctrl-C: fixtures tidy up."""
    def interrupt(number, frame):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise KeyboardInterrupt
    signal.signal(signal.SIGTERM, interrupt)
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def programs():
    return os.environ["ADIT_DATAPLANE"], os.environ["ADIT_SEGCTL"]


@pytest.fixture(scope="module")
def lab(request):
    """One data plane for a file; a module that sets LCORES, WAN_DEVICE, LAN_DEVICE or INSIDE chooses its workers, its ports, its
    services for clients."""
    made = Lab(*programs(), lcores=getattr(request.module, "LCORES", "0@0,1@1"),
               wan=getattr(request.module, "WAN_DEVICE", "net_af_packet0,iface=vwan"),
               lan=getattr(request.module, "LAN_DEVICE", "net_af_packet1,iface=vlan"),
               inside=getattr(request.module, "INSIDE", ""))
    yield made
    alive, log = made.alive(), made.log_text()
    made.close()
    assert alive, "the data plane died:\n" + log


class Session:
    numbers = itertools.count(1)

    def __init__(self, lab, peer=CLIENT, bits=0, stateless=True, require=False, opened=True, acfc=1, pfc=1, mru=1400):
        n = next(self.numbers)
        self.lab, self.peer, self.call, self.peer_call = lab, peer, 1000 + n, 2000 + n
        self.handle, self.inner = n % 256 | (1 + n // 256) << 20, f"10.99.0.{1 + n % 250}"
        self.seq = 0
        control = lab.control
        assert control.do("add", self.handle, SERVER, peer, self.call, self.peer_call) == 0
        assert control.do("link", self.handle, 1400, mru, acfc, pfc) == 0
        self.up = self.down = None
        if bits:
            assert control.do("mppe", self.handle, bits, int(stateless), KEY_DOWN.hex(), KEY_UP.hex()) == 0
            self.up, self.down = Mppe(KEY_UP, bits, stateless), Mppe(KEY_DOWN, bits, stateless)
        if opened:
            assert control.do("open", self.handle, self.inner, int(require), 1, "tester") == 0

    def close(self):
        self.lab.control.do("close", self.handle)
        assert self.lab.control.hear("event", lambda o: o["event"] == 2 and o["handle"] == self.handle), "never gone"


@pytest.fixture
def session(lab):
    """A maker of sessions that closes what it made."""
    made = []

    def make(**how):
        made.append(Session(lab, **how))
        return made[-1]

    lab.wan.drain()
    lab.lan.drain()
    yield make
    for s in made:
        s.close()


def pytest_sessionfinish(session, exitstatus):
    """A file of which every test was skipped is skipped: meson's status 77, the reason as the last line."""
    stats = session.config.pluginmanager.get_plugin("terminalreporter").stats
    if exitstatus == 0 and stats.get("skipped") and not stats.get("passed"):
        session.exitstatus = 77
        session.config.skip_reason = stats["skipped"][0].longrepr[2]


def pytest_unconfigure(config):
    if hasattr(config, "skip_reason"):
        print(f"skipped: {config.skip_reason.removeprefix('Skipped: ')}")
