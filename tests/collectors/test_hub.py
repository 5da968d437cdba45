"""Collectors run apart from the screen; one that fails is told, started again, and stops nobody else."""

import threading
from collections.abc import Sequence

import pytest

from analysis.samples import Dropped, Health, Mark, Sample
from analysis.text import Sentence
from collectors import hub
from collectors.base import Emit, Need, Unavailable
from collectors.clock import Clock
from collectors.clockwatch import ClockWatch
from collectors.hub import Hub, Inbox


class Scripted:
    """A collector that does what `steps` say, one for each start."""

    def __init__(self, name: str, *steps: object) -> None:
        self.name = name
        self.steps = list(steps)
        self.threads: set[int] = set()

    def needs(self) -> Sequence[Need]:
        return ()

    async def run(self, emit: Emit) -> None:
        self.threads.add(threading.get_ident())
        step = self.steps.pop(0) if self.steps else None
        if isinstance(step, Exception):
            raise step
        emit(Mark(1, f"{self.name} {step}"))


class Seen:
    """A sink one can wait on."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self._changed = threading.Condition()

    def __call__(self, sample: Sample) -> None:
        with self._changed:
            self.samples.append(sample)
            self._changed.notify_all()

    def wait_for(self, text: str) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: text in str(self.samples), timeout=90)


def run_until(text: str, *collectors: Scripted) -> list[Sample]:
    seen = Seen()
    hub = Hub(collectors, Clock())
    hub.subscribe(seen)
    hub.start()
    try:
        seen.wait_for(text)
    finally:
        hub.stop()
    return seen.samples


def test_collectors_run_on_a_thread_of_their_own() -> None:
    collector = Scripted("a", "once")
    run_until("a once", collector)
    assert threading.get_ident() not in collector.threads


def test_a_failing_collector_is_told_and_started_again_while_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "BACKOFF_S", (0.0,))
    of_tasks = ExceptionGroup("unhandled errors in a TaskGroup", [OSError(19, "No such device")])
    failing = Scripted("bad", OSError(13, "Permission denied"), of_tasks, "again")
    samples = run_until("bad again", failing, Scripted("good", "fine"))
    told = [s for s in samples if isinstance(s, Health) and s.state == "failed"]
    assert [str(health.problem) for health in told] == ["Permission denied (13)", "No such device (19)"]
    assert [health.retry_s for health in told] == [0.0, 0.0]
    assert any(isinstance(s, Mark) and s.text == "good fine" for s in samples)


def test_a_collector_that_can_never_work_here_says_so_once() -> None:
    missing = Scripted("rdma", Unavailable(Sentence("no such hardware"), permanent=True))
    samples = run_until("no such hardware", missing)
    told = [s for s in samples if isinstance(s, Health) and s.state == "missing"]
    assert len(told) == 1
    assert told[0].retry_s is None


def test_stopping_twice_and_before_starting_is_harmless() -> None:
    hub = Hub([], Clock())
    hub.stop()
    hub.start()
    hub.stop()
    hub.stop()


def test_a_reader_that_is_too_far_behind_loses_the_oldest_and_is_told_how_many() -> None:
    inbox = Inbox(Clock(), limit=3, where="screen")
    for n in range(5):
        inbox.put(Mark(n))
    taken = inbox.drain()
    assert [sample.t for sample in taken[:3]] == [2, 3, 4]
    assert isinstance(taken[3], Dropped)
    assert taken[3].count == 2
    assert inbox.drain() == []


def test_a_wall_clock_that_is_set_by_an_hour_bends_no_time() -> None:
    wall, mono = [10**18], [5 * 10**9]
    clock = Clock(wall=lambda: wall[0], mono=lambda: mono[0])
    wall[0] += 3600 * 10**9
    mono[0] += 10**9
    assert clock.now_ns() == 10**18 + 10**9
    assert clock.wall_step_ns() == 3599 * 10**9


async def test_a_clock_that_is_set_by_an_hour_and_back_is_told_each_time() -> None:
    steps_s = iter((0, 1, 3600, 3601, 3600, 0, -3600))
    wall_ns = 10**18
    told: list[Health] = []

    def wall() -> int:
        return wall_ns + next(steps_s) * 10**9

    watch = ClockWatch(Clock(wall=wall, mono=lambda: 0), interval_s=0.001)
    with pytest.raises(RuntimeError):  # the script has ended
        await watch.run(told.append)
    assert [str(health.problem) for health in told] == [
        "The clock of this box is 1h00m ahead of the times here: it was set, or the box slept.",
        "None",
        "The clock of this box is 1h00m behind the times here: it was set back.",
    ]
