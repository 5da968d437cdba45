"""What forward error correction would make of a recorded pattern of losses.

Blocks of `block` datagrams, the first `needed` of them data, the others added: any `needed` restore them all
(a Reed-Solomon erasure code, Rizzo, ACM CCR 27(2), 1997). A block that loses more than was added keeps its losses.
"""

from typing import Final, NamedTuple

import numpy as np

from analysis.samples import FecRun
from analysis.text import N_, Sentence, say
from analysis.transfer.datagrams import Flags, of_runs
from analysis.units import milliseconds, percent

ADDED: Final = (1, 2, 4, 6, 10)
"""To ten datagrams of data: the redundancies that are always predicted."""
DATA: Final = 10


class Code(NamedTuple):
    """Any `needed` of `block` datagrams restore all."""

    needed: int
    block: int

    @property
    def added_ratio(self) -> float:
        """Bytes more than the data."""
        return self.block / self.needed - 1


class Predicted(NamedTuple):
    """What a code leaves of the losses, on average over where its blocks could begin in the pattern."""

    code: Code
    residual_ratio: float
    n: int
    """Datagrams of data that the average is taken over."""
    wait_us: int
    """Longest time from a loss to its repair: the sending of a block."""


def predict(lost: Flags, code: Code, packets_per_s: float) -> Predicted | None:
    """Apply a code to a pattern of losses; None where the pattern is shorter than a block."""
    starts = len(lost) - code.block + 1
    if starts < 1:
        return None
    total = np.concatenate(([0], np.cumsum(lost)))
    in_block = total[code.block :][:starts] - total[:starts]
    in_data = total[code.needed :][:starts] - total[:starts]
    left = int(in_data[in_block > code.block - code.needed].sum())
    wait_us = round((code.block - 1) / packets_per_s * 1e6)
    return Predicted(code, left / (starts * code.needed), starts * code.needed, wait_us)


def codes(chosen: Code) -> tuple[Code, ...]:
    """Return the codes to compare, the chosen one among them, by what they add."""
    return tuple(sorted({chosen, *(Code(DATA, DATA + added) for added in ADDED)}, key=lambda code: code.added_ratio))


def predictions(run: FecRun) -> tuple[Predicted, ...]:
    """Return what each of `codes` would have made of the plain datagrams, as far as their pattern is long enough."""
    if not run.pattern or not 0 < run.needed < run.block:
        return ()
    lost = of_runs(run.pattern)
    per_s = run.paced_bps / 8 / run.payload_bytes
    found = (predict(lost, code, per_s) for code in codes(Code(run.needed, run.block)))
    return tuple(one for one in found if one is not None)


def residual_ratio(run: FecRun) -> float | None:
    """Return the share of data that neither came nor was restored, None where none was sent."""
    return (run.sources - run.arrived - run.restored) / run.sources if run.sources else None


def loss_ratio(run: FecRun) -> float | None:
    """Return the share of plain datagrams that was lost."""
    return (run.plain.sent - run.plain.received) / run.plain.sent if run.plain.sent else None


def conclusion(run: FecRun) -> Sentence:
    """Say what this code buys and costs, as measured."""
    code = Code(run.needed, run.block)
    before, after = loss_ratio(run), residual_ratio(run)
    if before is None or after is None:
        return say(N_("No datagram arrived, so nothing can be said of error correction."))
    if not run.plain.sent - run.plain.received and run.sources == run.arrived:
        text = N_("No loss in {n} datagrams: error correction would cost {more} more bytes and buy nothing here now.")
        return say(text, n=run.plain.sent + run.coded.sent, more=percent(code.added_ratio))
    wait = _wait_us(run, code)
    longest = max((length for length, _ in (*run.plain.bursts, *run.coded.bursts)), default=0)
    words = {
        "more": percent(code.added_ratio),
        "before": percent(before),
        "after": percent(after),
        "delay": milliseconds(wait),
        "n": run.sources,
        "burst": longest,
        "added": code.block - code.needed,
    }
    if longest > code.block - code.needed:
        text = N_(
            "{more} more bytes turn {before} loss into {after} (n {n}), at up to {delay} ms more delay. Up to "
            "{burst} datagrams in a row are lost: blocks with {added} added cannot restore such bursts."
        )
    else:
        text = N_("{more} more bytes turn {before} loss into {after} (n {n}), at up to {delay} ms more delay.")
    return say(text, **words)


def _wait_us(run: FecRun, code: Code) -> float:
    """Return the longest wait for a restored datagram, as measured or else as the pace has it."""
    if run.wait_max_us is not None:
        return run.wait_max_us
    return (code.block - 1) * run.payload_bytes * 8e6 / run.paced_bps


def prediction(predicted: Predicted) -> Sentence:
    """Say what a code would leave of the recorded losses."""
    text = N_("{needed}+{added}: {more} more bytes leave {after} loss, at up to {delay} ms more delay.")
    code = predicted.code
    return say(
        text,
        needed=code.needed,
        added=code.block - code.needed,
        more=percent(code.added_ratio),
        after=percent(predicted.residual_ratio),
        delay=milliseconds(predicted.wait_us),
    )
