# SPDX-License-Identifier: BSD-3-Clause
"""The data plane on hugepages, where the machine has memory for them, and without them when somebody else was first."""
import mmap

import pytest
from scapy.layers.inet import IP, UDP

from conftest import programs
from lab import LAN_HOST, Lab
from test_pptp import down, inner, send_up, to_lan

RESERVE, PAGES = "/proc/sys/vm/nr_hugepages", 128  # of 2 MiB: the 256 MiB of the laboratory's configuration


def meminfo():
    with open("/proc/meminfo") as f:
        return {name: int(rest.split()[0]) for name, rest in (line.split(":") for line in f)}


def reserve(pages):
    try:
        with open(RESERVE, "w") as f:
            f.write(str(pages))
    except OSError:
        pass  # seen by what is free afterwards


@pytest.fixture(scope="module")
def free_pages():
    before = meminfo()
    if before.get("Hugepagesize") != 2048:
        pytest.skip("no hugepages of 2 MiB in this kernel")
    reserve(before["HugePages_Total"] + PAGES)
    try:
        free = meminfo()["HugePages_Free"]
        if free < PAGES:
            pytest.skip(f"{PAGES} hugepages can't be reserved, {free} are free")
        yield free
    finally:
        reserve(before["HugePages_Total"])


@pytest.fixture(scope="module", params=["true", '"auto"'])
def lab(free_pages, request):
    made = Lab(*programs(), hugepages=request.param)
    yield made
    made.close()


@pytest.fixture
def taken(free_pages):
    """Reserved for us, and then another program's: promised to it, so they look free."""
    pages = mmap.mmap(-1, meminfo()["HugePages_Free"] << 21, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x40000)
    made = Lab(*programs(), hugepages='"auto"')
    yield made
    made.close()
    pages.close()


def transparent_kb(lab):
    with open(f"/proc/{lab.process.pid}/smaps_rollup") as f:
        return sum(int(line.split()[1]) for line in f if line.startswith("AnonHugePages:"))


def test_pages_that_vanished(taken):
    log = taken.log_text()
    assert "memory: 256 MiB of ordinary pages (0 MiB of hugepages are free)" in log
    with open("/sys/kernel/mm/transparent_hugepage/enabled") as f:
        if "[never]" in f.read():
            return
    assert "memory: the kernel puts it on transparent hugepages as it is used" in log
    # Tables and packet buffers are on them: most of what it uses of EAL's 256 MiB.
    assert transparent_kb(taken) >= 64 << 10, transparent_kb(taken)


def test_traffic_on_hugepages(lab, free_pages, session):
    assert free_pages - meminfo()["HugePages_Free"] >= PAGES, lab.log_text()
    assert "memory: 256 MiB of hugepages" in lab.log_text()
    s = session(bits=128)
    for _ in range(20):
        send_up(s, inner(s))
        assert to_lan(s)
        assert down(s, IP(src=LAN_HOST, dst=s.inner) / UDP() / b"x")


def test_pages_are_given_back(lab, free_pages):
    lab.close()
    assert lab.process.returncode == 0, lab.process.returncode
    assert meminfo()["HugePages_Free"] == free_pages
