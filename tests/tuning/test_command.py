"""`longpipe tune` as a person runs it: on a real kernel, in a namespace, with an /etc and a /var/lib of its own."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab.bed import ROOT, Bed, can_make_namespaces
from tests.tuning.boxes import tap_namespace

pytestmark = [
    pytest.mark.netns,
    pytest.mark.skipif(not can_make_namespaces(), reason="network namespaces need root, ip(8) and /dev/net/tun"),
    pytest.mark.skipif(Path("/run/systemd/system").exists(), reason="systemd keeps the countdown: see test_systemd"),
]
IDLE = "net.ipv4.tcp_slow_start_after_idle"
SET = f"--set=sysctl:{IDLE}=0"
_MOUNTS = """
mount --bind "$1/etc" /etc && mount --bind "$1/varlib" /var/lib || exit 99
[ "$2" = rw ] || mount -o remount,ro,bind /etc || exit 99
shift 2
exec "$@"
"""


class Box:
    def __init__(self, bed: Bed, namespace: str, folder: Path) -> None:
        self.bed, self.namespace, self.folder = bed, namespace, folder
        self.drop_in = folder / "etc/sysctl.d/90-longpipe.conf"
        self.state = folder / "varlib/longpipe-tuning"
        for name in ("etc", "varlib"):
            (folder / name).mkdir()

    def argv(self, *words: str, etc: str = "rw", user: tuple[str, ...] = ()) -> list[str]:
        inside = ["ip", "netns", "exec", self.namespace, "unshare", "-m", "--propagation", "private"]
        mounted = ["sh", "-c", _MOUNTS, "sh", str(self.folder), etc]
        return [*inside, *mounted, *user, sys.executable, "-m", "tui", "tune", *words]

    def tune(self, *words: str, etc: str = "rw", user: tuple[str, ...] = ()) -> tuple[int, str]:
        """Run `longpipe tune WORDS` and return its exit code and everything that it said."""
        argv = self.argv(*words, etc=etc, user=user)
        done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=ROOT, env=environment())
        assert done.returncode != 99, done.stderr
        return done.returncode, done.stdout + done.stderr

    def idle(self) -> str:
        return self.bed.run(self.namespace, "cat", f"/proc/sys/{IDLE.replace('.', '/')}").strip()

    def mtu(self) -> int:
        return int(json.loads(self.bed.ip(self.namespace, "-j link show dev t0"))[0]["mtu"])


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SSH_")}
    return kept | {"LC_ALL": "C.UTF-8"}


def until(condition: Callable[[], bool], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    with tap_namespace() as (bed, name):
        yield Box(bed, name, tmp_path)


def test_try_keep_and_put_back(box: Box) -> None:
    code, said = box.tune("apply", SET)
    assert code == 0
    assert "To try this: sudo " in said
    assert box.idle() == "1", "without --yes nothing is done"

    code, said = box.tune("apply", "--yes", SET)
    assert code == 0, said
    assert "longpipe tune confirm" in said
    assert box.idle() == "0"
    assert not box.drop_in.exists(), "a trial changes the running kernel only"

    code, said = box.tune("apply", "--yes", "--set=sysctl:net.ipv4.tcp_mtu_probing=1")
    assert code == 1, "one trial at a time"
    assert "under way" in said

    code, said = box.tune("confirm")
    assert code == 0, said
    assert [line for line in box.drop_in.read_text().splitlines() if line[0] != "#"] == [f"{IDLE} = 0"]

    code, said = box.tune("apply", "--yes", SET)
    assert (code, said) == (0, "Everything is so already; nothing was changed.\n")

    code, said = box.tune("status", "--json")
    assert code == 0
    assert [trial["state"] for trial in json.loads(said)["trials"]] == ["confirmed"]

    code, said = box.tune("rollback")
    assert code == 0, said
    assert box.idle() == "1"
    assert not box.drop_in.exists()


def test_a_session_that_dies_takes_its_change_with_it(box: Box) -> None:
    argv = box.argv("apply", "--yes", "--timeout=6", "--set=mtu:t0=1400")
    process = subprocess.Popen(
        argv, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment(), start_new_session=True
    )
    assert process.stdout
    with process.stdout as lines:
        assert any(line.startswith("t0: in force") for line in lines)
        assert box.mtu() == 1400
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    until(lambda: box.mtu() == 1500)
    until(lambda: '"state":"reverted"' in (box.state / "journal").read_text().splitlines()[-1])
    code, said = box.tune("confirm")
    assert code == 1
    assert "nothing to confirm" in said


def test_two_at_once(box: Box) -> None:
    box.state.mkdir(mode=0o700)
    with (box.state / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        code, said = box.tune("apply", "--yes", SET)
    assert code == 1
    assert "Another longpipe is changing this box right now" in said
    assert box.idle() == "1"


def test_read_only_etc(box: Box) -> None:
    assert box.tune("apply", "--yes", SET, etc="ro")[0] == 0
    code, said = box.tune("confirm", etc="ro")
    assert code == 3
    assert "until the next reboot only" in said
    assert box.idle() == "0", "what was kept stays in force"

    code, said = box.tune("confirm")
    assert code == 0, "confirming again writes what could not be written"
    assert box.drop_in.exists()

    code, said = box.tune("rollback", etc="ro")
    assert code == 3
    assert "could not be written" in said
    assert box.idle() == "1"


def test_a_file_that_somebody_edited_is_left_alone(box: Box) -> None:
    box.drop_in.parent.mkdir()
    box.drop_in.write_text("net.ipv4.tcp_sack = 0\n")
    assert box.tune("apply", "--yes", SET)[0] == 0
    code, said = box.tune("confirm")
    assert code == 3
    assert "is not as longpipe wrote it" in said
    assert box.drop_in.read_text() == "net.ipv4.tcp_sack = 0\n"


def test_without_privileges(box: Box) -> None:
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    code, said = box.tune("apply", "--yes", SET, user=nobody)
    assert code == 4
    assert f"sudo {sys.executable} -m tui tune apply --yes {SET}" in said
    assert box.tune("apply", SET, user=nobody)[0] == 0, "to look needs no privilege"


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["--set=sysctl:net.ipv4.tcp_mtu_probing=7"], 1, "takes a whole number from 0 to 2"),
        (["--set=sysctl:kernel.panic=1"], 1, "is not among the settings"),
        (["--set=mtu:t0=1400", SET], 1, "can cut the path of your session"),
        (["--set=nonsense"], 2, "is no change"),
        (["--timeout=9000", SET], 1, "time to confirm"),
    ],
)
def test_what_is_refused(box: Box, words: list[str], code: int, sentence: str) -> None:
    done, said = box.tune("apply", "--yes", *words)
    assert done == code, said
    assert sentence in said
    assert (box.idle(), box.mtu()) == ("1", 1500)
    assert not (box.state / "journal").exists()
