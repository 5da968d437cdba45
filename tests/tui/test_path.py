"""`longpipe path` prints one table or one document, and its exit code says how the path is."""

import subprocess
import sys
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.path.carriers import identify
from analysis.path.document import Document, document
from analysis.path.hops import path_view
from analysis.path.locate import verdict
from analysis.path.trace import Traces
from analysis.samples import HopAnswer, HopKind, HopPath, Hops, Outcome, PathMtu
from collectors.carriers import load_table
from tests.lab.bed import ROOT, Bed, can_make_namespaces
from tests.lab.network import End, Router
from tests.lab.path import add_network
from tui.pathview import path_rows
from tui.text import tell
from tui.widgets.runs import row_text

ROUTERS = (Router("10.99.1.1"), Router("59.43.1.1", delay_ms=3), Router("59.43.2.1", delay_ms=4))
TARGETS = {
    "10.210.0.1": End(ROUTERS, delay_ms=5),
    "10.210.0.2": End((Router("10.99.1.1"), Router("10.99.2.1", loss=0.6), Router("10.99.3.1")), delay_ms=5),
}


@pytest.fixture(scope="module")
def net() -> Iterator[str]:
    if not can_make_namespaces():
        pytest.skip("network namespaces need root, ip(8) and /dev/net/tun")
    bed = Bed()
    try:
        namespace = bed.namespace()
        add_network(bed, namespace, TARGETS)
        yield namespace
    finally:
        bed.close()


def longpipe(net: str, *args: str) -> subprocess.CompletedProcess[str]:
    argv = ["ip", "netns", "exec", net, sys.executable, "-m", "tui", "path", *args]
    return subprocess.run(argv, capture_output=True, text=True, check=False, cwd=ROOT, timeout=180)


@pytest.mark.netns
def test_a_healthy_path_is_one_document_and_exit_code_zero(net: str) -> None:
    done = longpipe(net, "10.210.0.1", "--json", "--count", "2", "--interval", "0.2", "--mtu")
    assert (done.returncode, done.stderr) == (0, "")
    found = msgspec.json.decode(done.stdout, type=Document)
    assert [hop.routers[0].address for hop in found.hops] == ["10.99.1.1", "59.43.1.1", "59.43.2.1", "10.210.0.1"]
    assert found.reached
    assert found.mtu is not None
    assert found.mtu.mtu == 9216
    assert (found.carrier.long_haul, found.carrier.direction) == ("CN2", "forward")
    assert found.verdict.severity == "ok"


@pytest.mark.netns
def test_a_lossy_path_is_told_in_a_sentence_and_exit_code_three(net: str) -> None:
    done = longpipe(net, "10.210.0.2", "--count", "12", "--interval", "0.2", "--tcp", "443")
    assert done.returncode == 3, done.stderr
    assert "BAD" in done.stdout.splitlines()[1]
    assert "10.99.1.1" in done.stdout


@pytest.mark.netns
def test_what_cannot_be_is_refused_with_a_sentence(net: str) -> None:
    for args, code in (
        (("10.210.0.1", "--flows", "4"), 2),
        (("no..name",), 1),
        (("x", "--flows", "65"), 2),
    ):
        done = longpipe(net, *args)
        assert (done.returncode, done.stdout) == (code, "")
        assert done.stderr.strip()


addresses = st.sampled_from(
    ["59.43.1.1", "202.97.1.1", "2001:db8:1234:5678:9abc:def0:1234:5678", "\x1b[31mred", "[b]x"]
)


@settings(max_examples=40)
@given(st.lists(st.lists(addresses, max_size=3), min_size=1, max_size=12), st.integers(40, 160), st.booleans())
def test_rows_fit_and_hold_no_controls_whatever_answers(hops: list[list[str]], width: int, ascii_only: bool) -> None:
    traces = Traces()
    traces.fold(HopPath(0, 1, "far", "192.0.2.1"))
    for ttl, routers in enumerate(hops, 1):
        for n, address in enumerate(routers):
            answer = HopAnswer(address, HopKind.EXCEEDED, labels=(16,), quoted_tos=104)
            traces.fold(
                Hops(10**9 + n, (1,), (0,), (ttl,), (n,), (0,), (int(Outcome.ANSWERED),), (1500,), (0,), (answer,))
            )
    traces.fold(PathMtu(2 * 10**9, 1, 1400, 1401, black_hole=True))
    view = path_view(traces.by_id[1], 3 * 10**9)
    carrier = identify(((row.ttl, router.address) for row in view.hops for router in row.routers), load_table())
    rows = path_rows(view, width, "ascii" if ascii_only else "unicode", carrier)
    for row in rows:
        text = row_text(row)
        assert len(text) <= width
        assert text.isprintable()
    assert msgspec.json.decode(msgspec.json.encode(document(view, carrier, verdict(view), tell)), type=Document)
