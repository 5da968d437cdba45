"""What the capture helper is told, as JSON in its one argument."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

SNAP: Final = 128
"""Bytes of each frame: all RoCE headers, and little of what people send."""
SAVE_BYTES: Final = 256 << 20
LEAST_SAVE_BYTES: Final = 16 << 20
"""Half of it holds what is taken from the ring at once."""


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One capture."""

    interface: Annotated[str, Meta(min_length=1, max_length=15)]
    snap: Annotated[int, Meta(ge=64, le=65535)] = SNAP
    flows: Annotated[int, Meta(ge=0, le=65536)] = 16
    """Flows told one by one each second; the rest together."""
    blocks: Annotated[int, Meta(ge=2, le=1024)] = 32
    """Size of the ring in MiB."""
    save: str | None = None
    """File to keep the packets in; none are kept where nobody asks."""
    save_bytes: Annotated[int, Meta(ge=LEAST_SAVE_BYTES)] = SAVE_BYTES
    """Room for saved packets; when it is used up, the older half goes."""


def health_name(interface: str) -> str:
    """Return the name under which the health of one interface's capture is told."""
    return f"roce {interface}"
