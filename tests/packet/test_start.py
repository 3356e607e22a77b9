# SPDX-License-Identifier: BSD-3-Clause
"""A second data plane beside one that runs: refused with a clear error, and the first goes on."""
import pytest
from test_pptp import inner, send_up, to_lan

OTHER_DEVICES = [("net_af_packet0,iface=vwan", "net_null0"), ("net_af_packet1,iface=vlan", "net_null1")]
OTHER_NAMES = [('"wan0"', '"wan9"'), ('"lan0"', '"lan9"'), ('"adit0"', '"adit9"'), ("192.0.2.10/24", "192.0.3.10/24"),
               ("198.51.100.1/24", "203.0.113.1/24")]


@pytest.mark.parametrize("changes,said", [
    ([], "port wan0: device net_af_packet0,iface=vwan is in use by another data plane"),
    (OTHER_NAMES, "port wan9: device net_af_packet0,iface=vwan is in use by another data plane"),
    (OTHER_DEVICES, "TAP wan0: in use, by another data plane?"),
    (OTHER_DEVICES + OTHER_NAMES, "another data plane answers there"),
])
def test_a_second_data_plane(lab, session, changes, said):
    s = session(bits=128)
    status, log = lab.second(*changes)
    assert status == 1 and said in log, log
    assert "ready" not in log
    send_up(s, inner(s))
    assert to_lan(s), "the first goes on"


def test_hugepages_that_are_not_there(lab):
    status, log = lab.second(*OTHER_DEVICES, *OTHER_NAMES, ("hugepages = false", "hugepages = true"),
                             ("memory_mb = 256", "memory_mb = 1000000"))
    assert status == 1 and "eal.hugepages = true needs 1000000 MiB of free hugepages" in log, log


def test_memory_is_named(lab):
    status, log = lab.second(*OTHER_DEVICES, ("hugepages = false", 'hugepages = "auto"'))
    assert status == 1 and "memory: 256 MiB of " in log, log


def test_a_device_that_does_not_exist(lab):
    status, log = lab.second(*OTHER_NAMES, ("iface=vwan", "iface=nowhere"))
    assert status == 1 and "port wan9: interface nowhere: No such device" in log, log
