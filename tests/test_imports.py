"""The boundaries between the packages hold at run time too, where a linter cannot see deferred imports."""

import subprocess
import sys

import pytest

HEAVY = {"scapy", "pyroute2", "numpy", "textual", "rich", "psutil", "ping3", "zstandard"}


def loaded_by(statement: str) -> set[str]:
    """Return the top-level modules a fresh interpreter holds after `statement`."""
    code = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("statement", "forbidden"),
    [
        ("import tui.__main__", HEAVY | {"msgspec", "asyncio", "analysis", "collectors", "tuning"}),
        ("import analysis.model, analysis.view", HEAVY | {"asyncio", "socket", "subprocess"}),
        ("import collectors.hub, collectors.store", {"textual", "rich", "scapy", "tuning"}),
    ],
)
def test_what_a_module_brings_along(statement: str, forbidden: set[str]) -> None:
    assert not loaded_by(statement) & forbidden
