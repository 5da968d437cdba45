"""What is to be seen of one path: frozen, made from a trace, drawn and told by others."""

from typing import Literal, TypeAlias

import msgspec

from analysis.path.epochs import Spread
from analysis.path.statistics import Count
from analysis.samples import HopPath, PathMtu
from analysis.text import Sentence
from analysis.window import Window

Loss: TypeAlias = Literal["none", "real", "limited", "silent", "unsure"]
"""Whether a hop's loss is the path's: `real` later hops lose too; `limited` they do not, so the router only answers
seldom; `silent` never answers; `unsure` too few probes to tell."""


class Router(msgspec.Struct, frozen=True):
    """One address that answers at a hop."""

    address: str
    answers: int
    flows: tuple[int, ...]


class HopRow(msgspec.Struct, frozen=True):
    """One hop of the current epoch."""

    ttl: int
    routers: tuple[Router, ...]
    """The busiest first; empty for a silent hop."""
    window: Window
    loss: Loss
    is_target: bool = False
    spread: Spread | None = None
    labels: tuple[int, ...] = ()
    """MPLS labels of the last answer that had any."""
    quoted_dscp: int | None = None
    quoted_ecn: int | None = None
    back_hops: int | None = None
    """Length of the way back, from the TTL of the answers and a usual start of 64, 128 or 255."""
    rewritten: bool = False
    refusal: int | None = None
    """ICMP code with which this hop says that the target cannot be reached."""


class LossStart(msgspec.Struct, frozen=True):
    """Where loss that reaches the target starts: behind hop `after` (0: this box), not later than at hop `by`."""

    after: int
    by: int
    before: Count
    behind: Count
    target: Count


class LossyMember(msgspec.Struct, frozen=True):
    """A router that the losing flows have in common and the others avoid."""

    ttl: int
    address: str
    flows: tuple[int, ...]
    through: Count
    others: Count


class Hint(msgspec.Struct, frozen=True):
    """Something that answers let guess; `code` names it for machines."""

    code: Literal["nat", "asymmetric", "bleached", "ecn", "blocked", "mtu", "black-hole", "latency"]
    text: Sentence
    ttl: int | None = None


class PathView(msgspec.Struct, frozen=True):
    """One path now. `hops` ends with the target where it answers, else with the last hop that does."""

    path: HopPath
    start_ns: int
    end_ns: int
    hops: tuple[HopRow, ...]
    reached: bool
    epoch_ns: int
    """Since when the path is as it is; rows count from there on."""
    changes: tuple[int, ...]
    """When the path changed within the window, in ns."""
    start: LossStart | None
    member: LossyMember | None
    hints: tuple[Hint, ...]
    mtu: PathMtu | None = None

    @property
    def target(self) -> HopRow | None:
        """The target's own row, None where it does not answer."""
        return self.hops[-1] if self.hops and self.hops[-1].is_target else None
