"""Whatever dies and whenever, whoever writes beside us: a value is as it was found, or the conflict is told.

Random plans on a real kernel, in a namespace; the process dies before or after any of its acts and records, and
somebody else writes a setting at any such moment. Then the box is put back by Python or by the dead-man's script.
"""

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.lab.bed import can_make_namespaces, inside
from tests.tuning.boxes import TOOL, Ear, kernel_box, now, plan_of, tap_namespace, want
from tuning import deadman
from tuning.failure import Refused
from tuning.host import Host, put
from tuning.journal import Journal, Record
from tuning.knobs.registry import KNOBS
from tuning.plan import Request
from tuning.steps import Act
from tuning.trial import apply, rollback

pytestmark = [
    pytest.mark.netns,
    pytest.mark.skipif(not can_make_namespaces(), reason="network namespaces need root, ip(8) and /dev/net/tun"),
]

FOUND = {
    "net.ipv4.tcp_slow_start_after_idle": "1",
    "net.ipv4.tcp_mtu_probing": "0",
    "net.ipv4.tcp_notsent_lowat": "4294967295",
    "net.ipv4.tcp_max_syn_backlog": "128",
    "net.ipv4.tcp_rmem": "4096 131072 6291456",
    "net.ipv4.ip_local_reserved_ports": "",
    "net.ipv4.tcp_congestion_control": "reno",
}
VALUES = {
    "net.ipv4.tcp_slow_start_after_idle": ["0"],
    "net.ipv4.tcp_mtu_probing": ["1", "2"],
    "net.ipv4.tcp_notsent_lowat": ["131072", "65536"],
    "net.ipv4.tcp_max_syn_backlog": ["4096", "8192"],
    "net.ipv4.tcp_rmem": ["4096 131072 33554432", "4096 262144 67108864"],
    "net.ipv4.ip_local_reserved_ports": ["8080", "8265,10001,30000-32767"],
    "net.ipv4.tcp_congestion_control": ["bbr"],
}
FOREIGN = {
    "net.ipv4.tcp_mtu_probing": "2",
    "net.ipv4.tcp_notsent_lowat": "1000000",
    "net.ipv4.tcp_max_syn_backlog": "1000",
    "net.ipv4.tcp_rmem": "4096 87380 5000000",
    "net.ipv4.ip_local_reserved_ports": "22",
}
"""What nobody but somebody else would write."""
Writing = tuple[int, str, str]
"""After how many moments which setting gets which value."""


@dataclass(frozen=True)
class Story:
    chosen: tuple[tuple[str, str], ...]
    death: int | None
    other: Writing | None


@st.composite
def stories(draw: st.DrawFn) -> Story:
    keys = draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=4, unique=True))
    chosen = tuple((key, draw(st.sampled_from(VALUES[key]))) for key in keys)
    contested = sorted(FOREIGN.keys() & set(keys)) or sorted(FOREIGN)
    other = None
    if draw(st.booleans()):
        key = draw(st.sampled_from(contested))
        value = draw(st.sampled_from([FOREIGN[key], FOREIGN[key], *VALUES[key], FOUND[key]]))
        other = draw(st.sampled_from([*range(4, 30), 99, 99, 99])), key, value
    return Story(chosen, draw(st.none() | st.integers(0, 30)), other)


MOST = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


class Killed(BaseException):
    """The process is gone: nothing of it runs any more."""


@dataclass
class Fate:
    """Counts the moments at which something may happen; dies at `death`, and lets somebody else write at theirs."""

    host: Host
    death: int | None = None
    other: Writing | None = None
    moments: int = 0
    written: bool = False
    wrote_over: str = ""

    def moment(self, *, recording: bool = True) -> None:
        """Between a comparison and the write after it nobody else writes here: that moment no program can close."""
        if recording and self.other and self.other[0] <= self.moments and not self.written:
            self.write()
        if self.death == self.moments:
            raise Killed
        self.moments += 1

    def write(self) -> None:
        assert self.other
        _, key, value = self.other
        self.wrote_over = now(self.host, "sysctl", key)
        put(path_of(key), value)
        self.written = True


class Mortal(Host):
    fate: Fate

    def act(self, act: Act) -> None:
        self.fate.moment(recording=False)
        super().act(act)
        self.fate.moment(recording=False)


@dataclass
class Outcome:
    values: dict[str, str]
    states: dict[str, str]
    refused: bool
    fate: Fate = field(repr=False)


def path_of(key: str) -> Path:
    return Path("/proc/sys", *key.split("."))


def reset() -> None:
    for key, value in FOUND.items():
        put(path_of(key), value)


def values(host: Host) -> dict[str, str]:
    return {key: now(host, "sysctl", key) for key in FOUND}


@pytest.fixture(scope="module")
def namespace() -> Iterator[str]:
    with tap_namespace() as (_, name):
        yield name


@pytest.fixture
def unarmed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The countdown itself is tried elsewhere; here the script is run at the moment that the test wants."""
    monkeypatch.setattr(deadman, "arm", lambda *_: "nobody")


def live(
    story: Story,
    recover: Callable[[Host, Request], None],
) -> Outcome:
    """Apply a plan until something kills us, let somebody else write, put back, and look."""
    folder = Path(tempfile.mkdtemp())
    try:
        reset()
        host = Mortal(str(kernel_box(folder).root))
        host.fate = Fate(host, story.death, story.other)
        append, refused = Journal.append, False

        def dying(journal: Journal, record: Record) -> None:
            host.fate.moment()
            append(journal, record)
            host.fate.moment()

        plan = plan_of(*(want(host, "sysctl", key, value) for key, value in story.chosen))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Journal, "append", dying)
            try:
                apply(host, plan, Ear(), TOOL)
            except Killed:
                pass
            except Refused:
                refused = True
        if story.other and not host.fate.written:
            host.fate.write()
        survivor = Host(str(folder))
        recover(survivor, plan)
        trial = Journal(survivor).trials().get(plan.id)
        states = {trial.steps[n].key: state for n, state in trial.reached.items()} if trial else {}
        return Outcome(values(survivor), states, refused, host.fate)
    finally:
        shutil.rmtree(folder)


def by_python(host: Host, _: Request) -> None:
    try:
        rollback(host, "", Ear(), TOOL)
    except Refused:
        assert not any(trial.in_force for trial in Journal(host).trials().values())


def by_script(host: Host, plan: Request) -> None:
    script = deadman.folder(host, plan.id) / "revert.sh"
    if script.exists():
        host.run("sh", str(script))


def by_both(host: Host, plan: Request) -> None:
    by_script(host, plan)
    by_python(host, plan)


UNTOUCHED = Story((("net.ipv4.tcp_mtu_probing", "1"),), 4, (99, "net.ipv4.tcp_mtu_probing", "1"))
"""We died before we had begun, and somebody else set the very same."""


@MOST
@example(story=UNTOUCHED, way=by_both)
@given(story=stories(), way=st.sampled_from([by_python, by_both]))
def test_no_third_state(
    unarmed: None,
    namespace: str,
    story: Story,
    way: Callable[[Host, Request], None],
) -> None:
    with inside(namespace):
        outcome = live(story, way)
    for key, found in FOUND.items():
        if story.other and key == story.other[1]:
            expect_of_contested(outcome, key, found, dict(story.chosen).get(key), story.other[2])
        else:
            assert outcome.values[key] == found, f"{key} was not put back"


def expect_of_contested(outcome: Outcome, key: str, found: str, planned: str | None, theirs: str) -> None:
    """What becomes of a setting that somebody else has written too."""
    value, state = outcome.values[key], outcome.states.get(key)
    if theirs == found:
        assert value == found
    elif outcome.fate.wrote_over == planned != found:
        # We had set it, then they did.
        assert value == (found if theirs == planned else theirs)
        assert state == ("reverted" if theirs == planned else "conflict")
    elif theirs == planned and state == "reverted":
        # They set what we were about to set, and we died in that very moment: it cannot be told who it was.
        assert value == found
    else:
        assert value == theirs, f"{key} was theirs to set"


@settings(MOST, max_examples=8)
@example(story=UNTOUCHED)
@given(story=stories())
def test_the_script_does_what_python_does(
    unarmed: None,
    namespace: str,
    story: Story,
) -> None:
    with inside(namespace):
        python = live(story, by_python)
        script = live(story, by_script)
    assert script.values == python.values
    begun = [key for key, state in python.states.items() if state in {"reverted", "conflict"}]
    assert [script.states.get(key) for key in begun] == [python.states[key] for key in begun]


@settings(MOST, max_examples=7)
@given(death=st.integers(0, 14))
def test_queue_and_offload_go_back_whenever_we_die(unarmed: None, namespace: str, death: int) -> None:
    with inside(namespace), tempfile.TemporaryDirectory() as folder:
        host = Mortal(str(kernel_box(Path(folder)).root))
        host.fate = Fate(host, death)
        before = host.run("tc", "qdisc", "show").out, host.run("ethtool", "-k", "t0").out
        plan = plan_of(want(host, "qdisc", "t0", "pfifo"), want(host, "feature", "t0.gro", "off"))
        with pytest.MonkeyPatch.context() as patch:
            append = Journal.append

            def dying(journal: Journal, record: Record) -> None:
                host.fate.moment()
                append(journal, record)
                host.fate.moment()

            patch.setattr(Journal, "append", dying)
            with contextlib.suppress(Killed):
                apply(host, plan, Ear(), TOOL)
        (by_script if death % 2 else by_python)(Host(folder), plan)
        assert (host.run("tc", "qdisc", "show").out, host.run("ethtool", "-k", "t0").out) == before


def test_all_knobs_are_known_to_the_registry() -> None:
    assert {"sysctl", "qdisc", "module", "ring", "channels", "coalesce", "feature"} <= KNOBS.keys()
    assert {"rps", "irq", "mtu", "rdma", "rdma-link"} <= KNOBS.keys()
