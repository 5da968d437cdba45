"""Processors, backlog, memory and TCP counters."""

from pathlib import Path

import psutil
from hypothesis import given
from hypothesis import strategies as st

from analysis.samples import CoreTimes, Host, TcpCounters
from collectors.clock import Clock
from collectors.host import TCP_COUNTERS, HostCollector, core_times, counters, softnet
from tests.collectors.planted import plant
from tests.collectors.watching import watching

TICKS = st.lists(st.integers(0, 2**63), min_size=10, max_size=10)
COUNTS = st.integers(0, 2**32 - 1)


@given(st.lists(TICKS, max_size=8))
def test_busy_is_all_that_is_neither_idle_nor_waiting_for_disks(cores: list[list[int]]) -> None:
    lines = ["cpu  1 2 3 4 5 6 7 8 9 10"]
    lines += [f"cpu{number} {' '.join(map(str, fields))}" for number, fields in enumerate(cores)]
    told = core_times("\n".join([*lines, "intr 5 6 7", "ctxt 3"]))
    for core, (user, nice, system, idle, wait, irq, softirq, steal, *_) in zip(told, cores, strict=True):
        assert core.busy == user + nice + system + irq + softirq + steal
        assert (core.softirq, core.total) == (softirq, core.busy + idle + wait)


@given(st.lists(st.tuples(COUNTS, COUNTS, COUNTS), max_size=8))
def test_the_backlog_is_hexadecimal_one_line_a_processor(rows: list[tuple[int, int, int]]) -> None:
    text = "\n".join(f"{a:08x} {b:08x} {c:08x} {0:08x} {1:08x}" for a, b, c in rows)
    assert list(zip(*softnet(text), strict=True)) == rows


@given(st.dictionaries(st.sampled_from([*sorted(TCP_COUNTERS["TcpExt"]), "Unheard", "Of"]), st.integers(0, 2**64)))
def test_counters_are_found_by_name_wherever_they_stand(values: dict[str, int]) -> None:
    text = f"TcpExt: {' '.join(values)}\nTcpExt: {' '.join(map(str, values.values()))}\nOther: A\nOther: 1\n"
    assert counters(text) == {f"TcpExt{k}": v for k, v in values.items() if k in TCP_COUNTERS["TcpExt"]}


def test_a_counter_that_this_kernel_lacks_is_missing_and_not_zero() -> None:
    assert counters("Tcp: InSegs OutSegs\nTcp: 7 9") == {"TcpInSegs": 7, "TcpOutSegs": 9}


def test_maximum_connections_of_minus_one_are_no_trouble() -> None:
    assert counters("Tcp: MaxConn RetransSegs\nTcp: -1 3") == {"TcpRetransSegs": 3}


async def test_a_box_is_told_once_a_second_from_its_files(tmp_path: Path) -> None:
    root = plant(
        tmp_path,
        {
            "proc/stat": "cpu  9 9 9 9 9 9 9 9\ncpu0 1 2 3 4 5 6 7 8 0 0\nintr 1",
            "proc/net/softnet_stat": "0000000a 00000001 00000002 0",
            "proc/net/snmp": "Tcp: OutSegs RetransSegs\nTcp: 100 3",
            "proc/net/netstat": "TcpExt: ListenDrops\nTcpExt: 4",
        },
    )
    async with watching(HostCollector(Clock(), root, interval_s=0.01)) as watcher:
        host = await watcher.until(Host)
        tcp = await watcher.until(TcpCounters)
        await watcher.until(Host, lambda later: later.t > host.t)
    assert host.cores == (CoreTimes(27, 7, 36),)
    assert (host.softnet_processed, host.softnet_dropped, host.softnet_squeezed) == ((10,), (1,), (2,))
    assert host.memory_total == psutil.virtual_memory().total
    assert tcp.counters == {"TcpOutSegs": 100, "TcpRetransSegs": 3, "TcpExtListenDrops": 4}


def test_this_kernel_tells_what_is_asked_of_it() -> None:
    told = HostCollector(Clock()).tcp().counters
    assert {
        "TcpOutSegs",
        "TcpRetransSegs",
        "TcpExtListenOverflows",
        "TcpExtTCPTimeouts",
        "IpExtInCEPkts",
    } <= told.keys()
