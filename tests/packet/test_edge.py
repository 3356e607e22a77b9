# SPDX-License-Identifier: BSD-3-Clause
"""R3, R12: what control has not allowed stays out, and what it allows no longer does too."""
import pytest
from scapy.layers.inet import IP, TCP, UDP

from l2tp import ClearPath, L2tpSession, header
from lab import CLIENT, SERVER, gre
from test_l2tp import inner as l2tp_inner, to_lan as l2tp_to_lan
from test_pptp import inner, send_up, to_lan


@pytest.fixture(autouse=True)
def open_again(lab):
    yield
    assert lab.gateway() == 0


def test_pptp_switched_off(lab, session):
    s = session()
    send_up(s, inner(s))
    assert to_lan(s)
    assert lab.gateway(pptp=0) == 0
    with lab.drop_rises("edge_filter", 2):
        send_up(s, inner(s))
        lab.wan.send(IP(src=CLIENT, dst=SERVER) / TCP(sport=4242, dport=1723, flags="S"))
    assert lab.gateway() == 0
    send_up(s, inner(s))
    assert to_lan(s), "a session survives the switch"


def test_clear_l2tp_refused(lab):  # T20
    s = L2tpSession(lab, ClearPath(lab.wan))
    assert lab.gateway(clear_l2tp=0) == 0
    with lab.drop_rises("l2tp_clear", 2):
        s.send(l2tp_inner(s))
        s.path.send(header(0, 0, 0, length=True, flags=0x8000))
    assert not lab.control.hear("punt", timeout=0.3)
    assert lab.gateway() == 0
    s.send(l2tp_inner(s))
    assert l2tp_to_lan(s)
    s.close()


def test_l2tp_to_an_address_that_is_not_ours(lab):
    with lab.drop_rises("edge_filter"):
        lab.wan.send(IP(src=CLIENT, dst="192.0.2.11") / UDP(sport=1701, dport=1701) / header(1, 1))


@pytest.mark.parametrize("flags", [(2, 0, 0), (0, 2, 0), (0, 0, 255)])
def test_hostile_flags(lab, flags):  # T21
    assert lab.gateway(pptp=flags[0], ipsec=flags[1], clear_l2tp=flags[2]) == -22
    with lab.drop_rises("gre_unknown_call"):
        lab.wan.send(gre(64000, b"\x21" + b"x" * 40, 1))
