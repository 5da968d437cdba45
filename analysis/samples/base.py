"""What every sample is made of."""

import msgspec


class Sample(msgspec.Struct, frozen=True, tag_field="k", omit_defaults=True, gc=False):
    """Anything observed at one time. `t`: ns since the epoch. None can be part of a cycle: none is looked for."""

    t: int


class Row(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One row of a columnar or repeated part of a sample."""
