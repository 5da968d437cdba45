"""A slice of time of one series of probes: what graphs draw and windows add up."""

from collections.abc import Sequence

import msgspec


class Bucket(msgspec.Struct, frozen=True):
    """Probes sent in [start_ns, start_ns + step_ns). Times are `None` where nothing was answered.

    sent = answered + late + lost + still in flight; `failed` never left the box and is not in `sent`.
    """

    start_ns: int
    step_ns: int
    sent: int = 0
    answered: int = 0
    late: int = 0
    lost: int = 0
    failed: int = 0
    min_us: int | None = None
    p50_us: int | None = None
    p99_us: int | None = None
    max_us: int | None = None

    @property
    def settled(self) -> int:
        """How many probes the loss ratio rests on."""
        return self.answered + self.late + self.lost

    @property
    def loss_ratio(self) -> float | None:
        """Lost over settled, None where nothing has settled."""
        return self.lost / self.settled if self.settled else None


def worst_of(column: Sequence[Bucket]) -> Bucket:
    """Return several series' buckets of one time as one: counts added up, times those of the slowest."""
    first = column[0]
    return Bucket(
        first.start_ns,
        first.step_ns,
        sent=sum(bucket.sent for bucket in column),
        answered=sum(bucket.answered for bucket in column),
        late=sum(bucket.late for bucket in column),
        lost=sum(bucket.lost for bucket in column),
        failed=sum(bucket.failed for bucket in column),
        min_us=min((bucket.min_us for bucket in column if bucket.min_us is not None), default=None),
        p50_us=max((bucket.p50_us for bucket in column if bucket.p50_us is not None), default=None),
        p99_us=max((bucket.p99_us for bucket in column if bucket.p99_us is not None), default=None),
        max_us=max((bucket.max_us for bucket in column if bucket.max_us is not None), default=None),
    )
