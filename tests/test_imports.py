"""The boundaries between the packages hold at run time too, where a linter cannot see deferred imports."""

import subprocess
import sys
from pathlib import Path

import pytest

LATER = {"scapy", "pyroute2", "numpy", "dns", "h11", "zfec", "maxminddb"}
"""What the dashboard begins without: it is loaded when it is needed."""
HEAVY = LATER | {"textual", "rich", "psutil", "ping3", "zstandard"}


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
        ("import tuning.executor, tuning.wizard", HEAVY | {"asyncio", "collectors", "tui"}),
        ("import collectors.hub, collectors.store", {"textual", "rich", "scapy", "tuning"}),
        (
            "import tui.commands.bandwidth, tui.commands.check",
            HEAVY | {"msgspec", "asyncio", "analysis", "collectors"},
        ),
        ("import tui.app, tui.screens.dashboard", LATER | {"psutil", "ping3"}),
        (
            "from tui.live import Clock, Settings, live_collectors; live_collectors(Settings(), Clock())",
            LATER | {"textual", "rich", "tuning"},
        ),
    ],
)
def test_what_a_module_brings_along(statement: str, forbidden: set[str]) -> None:
    assert not loaded_by(statement) & forbidden


def test_one_module_changes_a_host_by_running_programs() -> None:
    sources = Path(__file__).parents[1].glob("tuning/**/*.py")
    assert [path.name for path in sources if "subprocess" in path.read_text(encoding="utf-8")] == ["commands.py"]
