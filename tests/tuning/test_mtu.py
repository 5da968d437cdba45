"""Larger frames over a real cable: they stay where the other end answers them in full size."""

from pathlib import Path

import pytest

from tests.lab.bed import Bed, can_make_namespaces, inside
from tests.tuning.boxes import TOOL, Ear, can_ping, kernel_box, now, plan_of, want
from tuning import deadman
from tuning.trial import apply, rollback

pytestmark = [
    pytest.mark.netns,
    pytest.mark.skipif(not can_make_namespaces(), reason="network namespaces need root and ip(8)"),
    pytest.mark.skipif(not can_ping(), reason="needs ping(8)"),
]


@pytest.mark.parametrize("address", ["10.9.0.2", "fd09::2"])
def test_frames_that_are_answered_stay(
    bed: Bed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setattr(deadman, "arm", lambda *_: "nobody")
    near, far = bed.namespace(), bed.namespace()
    bed.veth((near, "v0", "10.9.0.1/24"), (far, "v1", "10.9.0.2/24"))
    bed.ip(near, "addr add fd09::1/64 dev v0 nodad")
    bed.ip(far, "addr add fd09::2/64 dev v1 nodad")
    bed.ip(far, "link set v1 mtu 9000")
    host, ear = kernel_box(tmp_path), Ear()
    with inside(near):
        assert apply(host, plan_of(want(host, "mtu", "v0", f"9000 proven by {address}")), ear, TOOL), ear
        assert now(host, "mtu", "v0") == "9000"
        assert rollback(host, "", ear, TOOL)
        assert now(host, "mtu", "v0") == "1500"
