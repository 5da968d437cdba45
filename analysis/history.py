"""A day of one series of probes in little memory: probe by probe at first, then slices of 10 s and of 60 s."""

from analysis.buckets import Bucket
from analysis.outages import Outage
from analysis.samples import Outcome
from analysis.window import Tally, Window


class SeriesHistory:
    """Probes of one series by time of sending."""

    def record(self, sent_ns: int, outcome: Outcome | int, rtt_us: int | None = None) -> None:
        """Add what became of one probe, in order of settling."""
        raise NotImplementedError

    def buckets(self, start_ns: int, end_ns: int, step_ns: int) -> tuple[Bucket, ...]:
        """Return the columns [k * step, (k + 1) * step) that touch [start_ns, end_ns), gaps included."""
        raise NotImplementedError

    def tally(self, start_ns: int, end_ns: int) -> Tally:
        """Return the sum of the probes sent in [start_ns, end_ns), mergeable with other series'."""
        raise NotImplementedError

    def window(self, start_ns: int, end_ns: int, in_flight: int = 0) -> Window:
        """Return `tally` as it is shown."""
        raise NotImplementedError

    def outages(self, start_ns: int, end_ns: int) -> tuple[Outage, ...]:
        """Return the outages that touch [start_ns, end_ns), oldest first; the last one may still be open."""
        raise NotImplementedError
