"""A whole machine to do harm to, where systemd is PID 1: named by the environment, never guessed.

LONGPIPE_LAB_SSH    a command that, with one more word, runs that word in a shell as root there ("ssh root@lab")
LONGPIPE_LAB_POWER  a command that cuts the power, starts the machine again and ends once SSH answers

longpipe is installed there, and so are tc, ethtool and nft. Nothing else may use the machine.
"""

import json
import os
import re
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

SSH = shlex.split(os.environ.get("LONGPIPE_LAB_SSH", ""))
POWER = shlex.split(os.environ.get("LONGPIPE_LAB_POWER", ""))
needs_machine = pytest.mark.skipif(not SSH, reason="LONGPIPE_LAB_SSH names no machine that may be broken")
needs_power = pytest.mark.skipif(not POWER, reason="LONGPIPE_LAB_POWER names no way to cut the machine's power")
SETTINGS = "tcp_slow_start_after_idle tcp_wmem tcp_rmem tcp_congestion_control"


class Machine:
    """The machine, with the interface that carries our session and one that does not."""

    def __init__(self) -> None:
        self.management = self.run(
            "ip -o route get ${SSH_CONNECTION%% *} | sed 's/.* dev \\([^ ]*\\) .*/\\1/'"
        ).strip()
        cards = self.run("cd /sys/class/net; ls -d */device").split()
        names = [card.removesuffix("/device") for card in cards]
        self.spare = next(name for name in reversed(names) if name != self.management)

    def run(self, command: str) -> str:
        """Run a command to its end, whatever its exit code, and return what it says."""
        done = subprocess.run([*SSH, command], check=False, capture_output=True, text=True, timeout=300)
        return done.stdout + done.stderr

    def tune(self, words: str) -> tuple[int, str]:
        """Run `longpipe tune …`; return its exit code and what it says."""
        found = re.fullmatch(r"(.*)=(\d+)\s*", self.run(f"longpipe tune {words} 2>&1; echo =$?"), re.DOTALL)
        assert found, "the machine did not answer"
        return int(found[2]), found[1]

    @contextmanager
    def session(self, command: str) -> "Iterator[subprocess.Popen[str]]":
        """Start a session with a terminal of its own, which is killed at the end at the latest."""
        argv = [*SSH[:-1], "-tt", SSH[-1], command]
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield process
            finally:
                process.kill()

    def values(self) -> str:
        """Return everything that these tests change."""
        keys = " ".join(f"net.ipv4.{name}" for name in SETTINGS.split())
        both = f"{self.management} {self.spare}"
        looks = (
            "tc qdisc show dev $i; ip -o link show dev $i | grep -o 'mtu [0-9]*'; ethtool -k $i | grep receive-off"
        )
        return self.run(f"sysctl {keys}; for i in {both}; do {looks}; done")

    def until(self, condition: Callable[[], bool], seconds: float = 300) -> None:
        """Wait for a condition."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "it never happened"
            time.sleep(0.5)

    def journal(self) -> list[dict[str, Any]]:
        """Return what the journal says of the last plan."""
        lines = self.run("cat /var/lib/longpipe-tuning/journal").splitlines()
        records = [json.loads(line) for line in lines if line.startswith("{")]
        return [record for record in records if record["plan"] == records[-1]["plan"]]


def power_cycle() -> None:
    """Cut the power, as if somebody had pulled the plug, and start again."""
    subprocess.run(POWER, check=True, timeout=900)
