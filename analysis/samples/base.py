"""What every sample is made of."""

import msgspec


class Sample(msgspec.Struct, frozen=True, tag_field="k", omit_defaults=True):
    """Anything observed at one time. `t`: ns since the epoch."""

    t: int


class Row(msgspec.Struct, frozen=True, array_like=True):
    """One row of a columnar or repeated part of a sample."""
