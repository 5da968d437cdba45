"""What a session says of itself."""

from typing import Literal

from analysis.samples.base import Sample
from analysis.text import Sentence


class Health(Sample, frozen=True, tag="health"):
    """A collector's state changed: running, missing something, or failed and waiting to be started again."""

    collector: str
    state: Literal["running", "missing", "failed"]
    problem: Sentence | None = None
    retry_s: float | None = None


class Mark(Sample, frozen=True, tag="mark"):
    """A moment the person wants to find again."""

    text: str = ""


class Dropped(Sample, frozen=True, tag="dropped"):
    """Samples lost between collector and reader because a queue was full."""

    count: int
    where: str
