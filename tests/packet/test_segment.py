# SPDX-License-Identifier: BSD-3-Clause
"""What a hostile, second or dead control process can do to the data plane: T21, T19."""
import pytest
from scapy.layers.inet import IP, UDP

from lab import LAN_HOST, Control, eventually, gre
from test_pptp import inner, send_up, to_lan

EINVAL, EBUSY = -22, -16


def test_hostile_command_records(lab, session):
    s = session()
    before = lab.control.stats()["bad_records"]
    handle = s.handle.to_bytes(4, "little").hex()
    records = ["", "ff", "01ff8000", "01018000" + "ff" * 124, "01020000", "0102ffff", "00028000" + handle,
               "01028000" + "ffffffff" * 31, "01048000" + handle + "00" * 8 + "ff" * 112]
    for record in records:
        lab.control.say("raw", record or "00")
    assert eventually(lambda: lab.control.stats()["bad_records"] >= before + len(records) - 1)
    send_up(s, inner(s))
    assert to_lan(s), "traffic goes on"


def test_hostile_ring_counters(lab, session):
    s = session()
    lab.control.say("layout")
    layout = lab.control.hear("command_ring")
    for part in ("command_ring", "inject_ring"):
        for value in ("ffffffff", "00000080", "efbeadde"):
            lab.control.say("poke", layout[part], value)
    for part in ("event_ring", "punt_ring0"):
        for value in ("ffffffff", "00000080"):
            lab.control.say("poke", layout[part] + 64, value)
    for n in range(20):
        send_up(s, inner(s))
        assert to_lan(s), "traffic goes on"
    assert lab.alive()
    # A new control process gets rings that work.
    lab.control.close()
    eventually(lambda: False, 0.2)
    lab.attach()
    assert lab.control.do("close", s.handle) in (0, -2, EINVAL)


@pytest.mark.parametrize("words,status", [
    (("add", 0, "192.0.2.10", "192.0.2.1", 9, 9), EINVAL),
    (("add", (1 << 20) | 255, "192.0.2.10", "192.0.2.1", 0, 9), EINVAL),
    (("add", (1 << 20) | 300, "192.0.2.10", "192.0.2.1", 9, 9), EINVAL),
    (("add", (1 << 20) | 254, "0.0.0.0", "192.0.2.1", 9, 9), EINVAL),
])
def test_bad_add_is_refused(lab, words, status):
    assert lab.control.do(*words) == status


def test_slot_and_call_id_are_given_once(lab, session):
    s = session()
    assert lab.control.do("add", s.handle, "192.0.2.10", "192.0.2.1", 9999, 9) == EBUSY
    assert lab.control.do("add", (1 << 20) | 250, "192.0.2.10", "192.0.2.1", s.call, 9) == EBUSY


def test_second_control_is_refused(lab):
    other = Control(lab.segctl, lab.socket, lab.ns("gw"))
    try:
        assert other.hear("refused")["refused"] == 2
    finally:
        other.close()


def test_death_of_control_does_not_stop_traffic(lab, session):  # T19
    s = session(bits=128)
    send_up(s, inner(s))
    assert to_lan(s)
    lab.control.close()
    for _ in range(50):
        send_up(s, inner(s))
        assert to_lan(s)
    lab.attach()
    assert lab.control.stats()["live"] >= 1


def test_removal_under_traffic(lab, session):
    made = session()
    for n in range(50):
        for k in range(5):
            send_up(made, inner(made))
        if n == 25:
            lab.control.say("close", made.handle)
    assert lab.control.hear("event", lambda o: o["event"] == 2 and o["handle"] == made.handle)
    seen = []
    while len(seen) < 2 or seen[-1] != seen[-2]:  # what is still on its way
        seen.append(lab.drops("gre_unknown_call"))
        eventually(lambda: False, 0.3)
    with lab.drop_rises("gre_unknown_call"):
        lab.wan.send(gre(made.call, b"\x21" + bytes(IP(src=made.inner, dst=LAN_HOST) / UDP()), 999))
    made.close = lambda: None


def test_thousands_of_sessions_leave_nothing(lab):
    free = lab.control.stats()["mbufs_free"]
    for n in range(2000):
        handle = 200 | (n % 4000 + 1) << 20
        assert lab.control.do("add", handle, "192.0.2.10", "192.0.2.1", 5000 + n, 7) == 0
        assert lab.control.do("open", handle, "10.99.0.253", 0, 1, "u") == 0
        lab.control.say("close", handle)
        assert lab.control.hear("event", lambda o: o["event"] == 2 and o["handle"] == handle)
        lab.control.kept.clear()
    assert eventually(lambda: abs(lab.control.stats()["mbufs_free"] - free) < 1200)
