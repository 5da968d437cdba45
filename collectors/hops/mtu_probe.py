"""Measures a path's MTU with packets that must not be fragmented, apart from everything told of hops."""

import asyncio
from typing import Final

from analysis.samples import HopAnswer, PathMtu
from collectors.clock import Clock
from collectors.hops.engine import HopEngine, reached
from collectors.hops.mtu import MtuSearch, Verdict

TRIES: Final = 3
"""A size that is not answered so often in a row is taken not to pass; at 10 % loss that errs once in a thousand."""
GAP_S: Final = 0.02
FAR_TTL: Final = 64
ROUNDS: Final = 16
"""More than any search takes; a path that answers otherwise every time must not be asked for ever."""
REFILL_S: Final = 1.05
"""Between two questions to one router: many send one ICMP error a second (icmp(7), icmp_ratelimit)."""
_WAIT_S: Final = (0.25, 2.0)


class MtuProbe:
    """One measurement, by echo requests whatever the path's protocol: other answers are limited, or never large.

    Their replies are as large as they are; what cannot come back counts as not passed.
    """

    def __init__(self, engine: HopEngine, clock: Clock, path: int) -> None:
        self._engine = engine
        self._clock = clock
        self._path = path
        self._search = MtuSearch(engine.path(path).family)
        self._probes = 0

    async def run(self) -> PathMtu:
        """Return the path's MTU."""
        search = self._search
        for _ in range(ROUNDS):
            sizes = search.sizes()
            if not sizes:
                break
            search.judge(await self._try(sizes))
        after = await self._last_before() if search.black_hole else None
        return PathMtu(
            self._clock.now_ns(),
            self._path,
            search.passed,
            None if search.passed is None else search.refused,
            search.local_mtu,
            search.said_mtu,
            search.said_by,
            search.black_hole,
            after,
            self._probes,
        )

    async def _try(self, sizes: tuple[int, ...]) -> dict[int, Verdict]:
        """Return what becomes of each size, each tried up to `TRIES` times."""
        verdicts: dict[int, Verdict] = {}
        for _ in range(TRIES):
            open_sizes = [size for size in sizes if size not in verdicts]
            found = await asyncio.gather(
                *(self._once(size, FAR_TTL, at * GAP_S) for at, size in enumerate(open_sizes))
            )
            verdicts |= {size: told for size, told in zip(open_sizes, found, strict=True) if told is not None}
        local = self._search.local_mtu
        beyond = {size for size in sizes if local is not None and size > local}
        silent = {size: Verdict() for size in sizes if size not in verdicts and size not in beyond}
        return {size: verdict for size, verdict in (verdicts | silent).items() if size not in beyond}

    async def _once(self, size: int, ttl: int, after_s: float) -> Verdict | None:
        """Send one packet and return what became of it; None where nothing came back or it could not leave.

        On a busy box answers wait to be read: what has come when time is up counts, also if it is read only then.
        """
        await asyncio.sleep(after_s)
        answered: asyncio.Future[tuple[HopAnswer | None, int | None]] = asyncio.get_running_loop().create_future()

        def judge(answer: HopAnswer | None, mtu: int | None) -> None:
            if not answered.done():
                answered.set_result((answer, mtu))

        timeout_s = self._timeout_s()
        problem = self._engine.probe(self._path, ttl, size, judge, int(timeout_s * 1e9))
        if problem == "EMSGSIZE":
            self._search.limit(self._engine.local_mtu(self._path) or size - 1)
            return None
        self._probes += 1
        if problem is not None:
            return None
        await asyncio.wait([answered], timeout=timeout_s)
        if not answered.done():
            return None
        answer, mtu = answered.result()
        if answer is not None and mtu is not None:
            return Verdict(told=True, mtu=mtu or None, sender=answer.address)
        passed = reached(answer) if ttl == FAR_TTL else answer is not None
        return Verdict(passed=True) if passed else None

    def _timeout_s(self) -> float:
        """Return how long an answer is waited for: twice the path's round trip, where that is known."""
        rtt_ns = self._engine.path(self._path).rtt_ns
        return _WAIT_S[1] if rtt_ns is None else min(max(_WAIT_S[0], 2 * rtt_ns / 1e9 + 0.1), _WAIT_S[1])

    async def _last_before(self) -> int | None:
        """Return the last hop that answers a packet that is too big to pass, where one clear border is seen."""
        distance, size = self._engine.distance(self._path), self._search.refused
        if distance is None or size is None:
            return None
        heard = dict.fromkeys(range(1, distance), False)
        for turn in range(TRIES):
            await asyncio.sleep(REFILL_S if turn else 0)
            asked = [ttl for ttl, was in heard.items() if not was]
            found = await asyncio.gather(*(self._once(size, ttl, at * GAP_S) for at, ttl in enumerate(asked)))
            for ttl, verdict in zip(asked, found, strict=True):
                heard[ttl] = verdict is not None
        through = [ttl for ttl, was in heard.items() if was]
        return max(through) if through else 0
