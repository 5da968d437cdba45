"""How bad something is."""

from typing import Literal, TypeAlias

Severity: TypeAlias = Literal["ok", "notice", "warn", "bad", "unknown"]
