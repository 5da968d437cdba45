"""What sections of the configuration are made of."""

from collections.abc import Iterable
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from analysis.text import Sentence

Positive = Annotated[float, Meta(gt=0)]
NotNegative = Annotated[float, Meta(ge=0)]
Ratio = Annotated[float, Meta(ge=0, le=1)]
PositiveRatio = Annotated[float, Meta(gt=0, le=1)]
Text = Annotated[str, Meta(min_length=1)]
Port = Annotated[int, Meta(ge=1, le=65535)]
Unsigned32 = Annotated[int, Meta(ge=0, le=2**32 - 1)]


class Fault(NamedTuple):
    """What is wrong with a section whose values are each of the right type."""

    key: str
    text: Sentence


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A section of the configuration: unknown keys are refused."""

    def faults(self) -> Iterable[Fault]:
        """Return what is wrong with the values together; nothing, where every value stands for itself."""
        return ()
