"""Sessions for the tests of this folder."""

from pathlib import Path

from analysis.samples import Health, Mark, Outcome, Probes, Route, Routes, Sample, Series
from collectors.clock import Clock
from collectors.session.header import Header, new_header
from collectors.session.writer import SessionWriter

T0 = 1_763_000_000 * 10**9
SECOND = 10**9
TOOL = "longpipe test"


def a_header(host: str = "box", session: str | None = None, part: int = 0) -> Header:
    header = new_header(Clock(lambda: T0, lambda: 5), TOOL, {"refresh_s": 1.0}, ())
    changes = {"host": host, "part": part} | ({"session": session} if session else {})
    return Header(**{name: changes.get(name, getattr(header, name)) for name in Header.__struct_fields__})


def a_second(second: int, series: int = 3, start: int = T0) -> Probes:
    """One batch: series 1 is lost every tenth second, series 2 comes back late, the others are answered."""
    t = start + second * SECOND
    special = {3: Outcome.LOST, 4: Outcome.LATE}.get(second % 10, Outcome.ANSWERED)
    outcomes = [special if n == 1 else Outcome.ANSWERED for n in range(1, series + 1)]
    return Probes(
        t,
        series=tuple(range(1, series + 1)),
        age_us=tuple(100_000 * n for n in range(1, series + 1)),
        outcome=tuple(outcomes),
        rtt_us=tuple(
            10_000 * n + (second * 7919) % 1000 if outcome is Outcome.ANSWERED else None
            for n, outcome in enumerate(outcomes, 1)
        ),
    )


def a_session(seconds: int, series: int = 3, start: int = T0) -> list[Sample]:
    """Definitions, then a batch a second, with a mark and a change of routes on the way."""
    samples: list[Sample] = [
        Health(start, "prober", "running"),
        Routes(start, (Route("r1", "wan", 4, "eth0"),)),
        *(Series(start + n, n, f"target{n}.example", f"192.0.2.{n}", route="r1") for n in range(1, series + 1)),
    ]
    for second in range(1, seconds + 1):
        samples.append(a_second(second, series, start))
        if second == seconds // 2:
            samples.append(Mark(start + second * SECOND + 1, "here"))
            samples.append(Routes(start + second * SECOND + 2, (Route("r1", "wan", 4, "eth0", up=False),)))
    return samples


def write_session(path: Path, samples: list[Sample], header: Header | None = None) -> Path:
    writer = SessionWriter(path, header or a_header())
    for sample in samples:
        writer.write(sample)
        writer.flush()
    writer.close()
    return path
