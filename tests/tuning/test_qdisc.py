"""Queues: what somebody chose comes back with its parameters; what could not be put back is not touched."""

from pathlib import Path

import pytest

from tests.lab.bed import Bed, can_make_namespaces, inside
from tests.tuning.boxes import TOOL, Ear, kernel_box, now, plan_of, want
from tuning import deadman
from tuning.commands import Done
from tuning.failure import Refused
from tuning.host import Host
from tuning.knobs.qdisc import KNOB
from tuning.steps import shown
from tuning.trial import apply, rollback

TOLD = Path("/proc/sys/net/core/default_qdisc")
DEFAULT = TOLD.read_text().strip() if TOLD.exists() else "pfifo_fast"
"""What hangs below a multi-queue root unless said otherwise; systemd asks for fq_codel."""
needs_namespaces = pytest.mark.skipif(not can_make_namespaces(), reason="network namespaces need root and ip(8)")


class Told(Host):
    """A box whose tc says what a kernel with these queues says."""

    def __init__(self, *lines: str) -> None:
        super().__init__("/nonexistent")
        self.lines = lines

    def run(self, *argv: str, text: str = "") -> Done:
        if argv[:2] == ("tc", "filter"):
            return Done(0)
        if argv[0] == "tc":
            return Done(0, "".join(f"{line} \n" for line in self.lines))
        if argv[0] == "ip":
            return Done(0, "2: eth0: <UP> mtu 1500 state UP\\    link/ether 02:00:00:00:00:07 brd ff\n")
        return super().run(*argv, text=text)


def undone(*lines: str, value: str) -> list[str]:
    (step,) = KNOB.steps(Told(*lines), "eth0", value)
    return [shown(act) for act in step.undo]


def test_a_default_queue_comes_back_by_deleting_ours() -> None:
    mq = ("qdisc mq 0: root", "qdisc fq_codel 0: parent :2 limit 10240p", "qdisc fq_codel 0: parent :1 limit 10240p")
    assert KNOB.read(Told(*mq), "eth0") == "mq fq_codel"
    assert undone(*mq, value="mq fq") == ["tc qdisc del dev eth0 root"]
    (step,) = KNOB.steps(Told(*mq), "eth0", "mq fq")
    assert [shown(act) for act in step.apply] == [
        "tc qdisc replace dev eth0 root handle 6c71: mq",
        "tc qdisc replace dev eth0 parent 6c71:2 handle 6d02: fq",
        "tc qdisc replace dev eth0 parent 6c71:1 handle 6d01: fq",
    ]


def test_a_chosen_queue_comes_back_with_its_parameters() -> None:
    assert undone(
        "qdisc fq_codel 8001: root refcnt 2 limit 10240p flows 1024 ecn",
        value="fq",
    ) == ["tc qdisc replace dev eth0 root handle 8001: fq_codel limit 10240 flows 1024 ecn"]
    assert undone(
        "qdisc fq 1: root refcnt 2 limit 10000p quantum 3028b low_rate_threshold 550Kbit horizon 10s",
        value="fq_codel",
    ) == [
        "tc qdisc replace dev eth0 root handle 1: fq limit 10000 quantum 3028 low_rate_threshold 550Kbit horizon 10s"
    ]


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("qdisc htb 1: root refcnt 2 r2q 10 default 0x30", "fq"),
        ("qdisc cake 8001: root refcnt 2 bandwidth 100Mbit", "fq"),
        ("qdisc fq_codel 8001: root limit 10240p new_option 7", "fq"),
        ("qdisc mq 0: root", "fq"),
        ("qdisc pfifo_fast 0: root refcnt 2 bands 3", "mq fq"),
        ("something else", "fq"),
    ],
)
def test_what_could_not_be_put_back_is_refused(line: str, value: str) -> None:
    with pytest.raises(Refused):
        KNOB.steps(Told(line), "eth0", value)


@pytest.fixture
def cable(bed: Bed) -> tuple[Bed, str]:
    name = bed.namespace()
    bed.ip(name, "link add v0 numtxqueues 4 numrxqueues 4 type veth peer name v1")
    bed.ip(name, "link set v0 up")
    return bed, name


@needs_namespaces
@pytest.mark.netns
@pytest.mark.parametrize("way", ["python", "script"])
@pytest.mark.parametrize(
    ("before", "current", "wanted"),
    [
        ([], "noqueue", "pfifo"),
        (["root handle 8001: pfifo limit 77"], "pfifo", "pfifo_fast"),
        (["root handle 8001: bfifo limit 15000"], "bfifo", "pfifo"),
        (["root handle 8001: fq_codel limit 500 noecn"], "fq_codel", "fq"),
        (["root handle 8001: fq limit 500 maxrate 1gbit"], "fq", "fq_codel"),
        (["root handle 8001: mq", "parent 8001:2 handle 8002: pfifo limit 9"], f"mq pfifo {DEFAULT}", "mq pfifo"),
    ],
)
def test_the_kernel_agrees(
    cable: tuple[Bed, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    before: list[str],
    current: str,
    wanted: str,
    way: str,
) -> None:
    monkeypatch.setattr(deadman, "arm", lambda *_: "nobody")
    _, name = cable
    host = kernel_box(tmp_path)
    with inside(name):
        for command in before:
            if host.run("tc", "qdisc", "replace", "dev", "v0", *command.split()).code:
                pytest.skip("this kernel has no such queue")
        found = sorted(host.run("tc", "qdisc", "show", "dev", "v0").out.splitlines())
        assert sorted(now(host, "qdisc", "v0").split()) == sorted(current.split())
        plan = plan_of(want(host, "qdisc", "v0", wanted))
        assert apply(host, plan, Ear(), TOOL)
        assert now(host, "qdisc", "v0") == wanted
        if way == "python":
            assert rollback(host, "", Ear(), TOOL)
        else:
            assert host.run("sh", str(deadman.folder(host, plan.id) / "revert.sh"), "--now").code == 0
        assert sorted(host.run("tc", "qdisc", "show", "dev", "v0").out.splitlines()) == found
