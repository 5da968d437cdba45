"""How bad something is."""

from typing import Final, Literal, TypeAlias

Severity: TypeAlias = Literal["ok", "notice", "warn", "bad", "unknown"]
GRAVITY: Final[dict[Severity, int]] = {"ok": 0, "unknown": 1, "notice": 2, "warn": 3, "bad": 4}
