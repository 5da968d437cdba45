"""Results of a test reach whatever observes this box: what runs already, and what starts within the hour."""

import asyncio
import stat
from pathlib import Path

import msgspec
import pytest

from analysis.samples import BandwidthRun, Direction, Sample
from analysis.transfer.results import FRESH_NS
from collectors import results
from collectors.clock import Clock
from collectors.results import NAME, ResultsCollector, keep
from tests.samples import START_NS


def a_run(ended_ns: int, direction: Direction = "up") -> BandwidthRun:
    return BandwidthRun(
        ended_ns, ended_ns, "far", "192.0.2.9", 5209, "tcp", direction, 4, 8_000_000, 2_000_000, 10**8, 2 * 10**8
    )


def clock_at(now_ns: int) -> Clock:
    return Clock(lambda: now_ns, lambda: 0)


def ends(found: list) -> list[int]:
    return [result.ended_ns for result in found]


def started(folder: Path, now_ns: int) -> ResultsCollector:
    return ResultsCollector(clock_at(now_ns), folder, interval_s=0.01)


async def test_a_running_dashboard_learns_of_a_test_within_moments(tmp_path: Path) -> None:
    seen: list[Sample] = []
    told = asyncio.Event()

    def emit(sample: Sample) -> None:
        seen.append(sample)
        told.set()

    running = asyncio.create_task(started(tmp_path, START_NS).run(emit))
    try:
        keep([a_run(START_NS - 5)], tmp_path)
        async with asyncio.timeout(20):
            await told.wait()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert [sample.t for sample in seen] == [START_NS]


async def test_results_come_once_told_as_of_now(tmp_path: Path) -> None:
    collector = started(tmp_path, START_NS)
    assert collector.read() == []
    keep([a_run(START_NS - 5), a_run(START_NS - 4, "down")], tmp_path)
    assert [(one.t, one.ended_ns) for one in collector.read()] == [(START_NS, START_NS - 5), (START_NS, START_NS - 4)]
    assert collector.read() == []
    keep([a_run(START_NS - 3)], tmp_path)
    assert ends(collector.read()) == [START_NS - 3]


async def test_whoever_starts_later_is_told_the_last_hour(tmp_path: Path) -> None:
    keep([a_run(START_NS), a_run(START_NS + FRESH_NS // 2)], tmp_path)
    assert ends(started(tmp_path, START_NS + FRESH_NS + 1).read()) == [START_NS + FRESH_NS // 2]


async def test_a_clock_that_is_a_little_behind_loses_nothing(tmp_path: Path) -> None:
    keep([a_run(START_NS + 50)], tmp_path)
    assert ends(started(tmp_path, START_NS).read()) == [START_NS]


async def test_damage_and_half_a_line_are_passed_over(tmp_path: Path) -> None:
    keep([a_run(START_NS - 2)], tmp_path)
    with (tmp_path / NAME).open("ab") as file:
        file.write(b"\xff{]\n" + b'{"k":"mark","t":1}\n' + msgspec.json.encode(a_run(START_NS - 1)))
    collector = started(tmp_path, START_NS)
    assert ends(collector.read()) == [START_NS - 2]
    with (tmp_path / NAME).open("ab") as file:
        file.write(b"\n")
    assert ends(collector.read()) == [START_NS - 1]


async def test_the_file_stays_small_and_the_persons_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "LIMIT_BYTES", 4000)
    folder = tmp_path / "state"
    for second in range(100):
        keep([a_run(START_NS + second)], folder)
    path = folder / NAME
    assert path.stat().st_size < 5000
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [file.name for file in folder.iterdir()] == [NAME]
    assert ends(started(folder, START_NS + 200).read())[-1] == START_NS + 99
