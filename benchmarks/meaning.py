"""What statistics cost: µs per probe folded, bytes per series and day, µs per question asked of them."""

import random
import tracemalloc
from collections.abc import Callable
from time import perf_counter

from analysis.history import SeriesHistory
from analysis.sketch import RELATIVE_ERROR, Sketch
from analysis.window import merged

S = 10**9
START = 1_790_000_000 * S
DAY = 90_000


def probes(seconds: int, hz: int = 1, spread_us: float = 5000.0) -> list[tuple[int, int, int]]:
    """Settled probes with 2 % loss around 150 ms."""
    dice = random.Random(7)
    return [
        (START + i * S // hz, int(dice.random() < 0.02), int(150_000 + dice.expovariate(1 / spread_us)))
        for i in range(seconds * hz)
    ]


def folded(rows: list[tuple[int, int, int]]) -> tuple[SeriesHistory, float]:
    history = SeriesHistory()
    started = perf_counter()
    for row in rows:
        history.record(*row)
    return history, perf_counter() - started


def memory_kib(rows: list[tuple[int, int, int]]) -> float:
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    history, _ = folded(rows)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert history.packed_bytes()
    return (after - before) / 1024


def best_us(ask: Callable[[], object], times: int = 20) -> float:
    def once() -> float:
        started = perf_counter()
        ask()
        return perf_counter() - started

    return min(once() for _ in range(times)) * 1e6


def main() -> None:
    hour = probes(3600)
    spent = sum(folded(hour)[1] for _ in range(20)) / 20
    print(f"fold, one hour at 1 Hz        {spent / len(hour) * 1e6:8.2f} µs/probe")
    print(f"  100 series, one hour        {spent * 100:8.2f} s")
    print(f"  100 series at 1 Hz, live    {spent / 36:8.3%} of a core")
    for spread in (100.0, 5000.0, 50_000.0):
        kib = memory_kib(probes(DAY, spread_us=spread))
        print(f"a day at 1 Hz, ±{spread / 1000:4.1f} ms       {kib:8.0f} KiB/series")
    history, _ = folded(probes(DAY))
    end = START + DAY * S
    for name, seconds in (("1 min", 60), ("10 min", 600), ("1 h", 3600), ("24 h", 86_400)):
        start = end - seconds * S
        print(f"window of {name:6}              {best_us(lambda a=start: history.window(a, end)):8.0f} µs")
    for name, seconds, step in (("4 min", 240, 1), ("1 h", 3600, 20), ("24 h", 86_400, 360)):
        a, b = end - seconds * S, step * S
        first = best_us(lambda a=a, b=b: history.buckets(a, end, b), times=1)
        again = best_us(lambda a=a, b=b: history.buckets(a, end, b))
        print(f"240 columns of {name:6}         {first:8.0f} µs, then {again:.0f} µs")
    route = best_us(lambda: merged(history.tally(end - 600 * S, end) for _ in range(10)))
    print(f"route of 10 targets, 10 min   {route:8.0f} µs")
    sketch = Sketch(rtt for _, _, rtt in hour)
    print(f"sketch of an hour             {len(sketch.encode()):8} bytes, error <= {RELATIVE_ERROR:.2%}")


if __name__ == "__main__":
    main()
