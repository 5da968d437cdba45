"""A slice of time of one series of probes: what graphs draw and windows add up."""

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
