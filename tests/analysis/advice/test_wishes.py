"""What a person asks for: shaping and a bond; and larger frames only with what proves them."""

from typing import Any

import pytest
from msgspec.structs import replace

from analysis.advice.plan import Kept, NotApplicable, Recommendation, Unknown
from analysis.advice.situation import Bond, Shape
from tests.analysis.advice.situations import PATH, RDMA, box, verdict

SHAPE = Shape("eth0", 900_000_000)
QUEUES = {"module.sch_htb": "available", "module.cls_u32": "builtin", "module.sch_fq_codel": "loaded"}
FULL = replace(PATH, rtt_us=230_000, min_rtt_us=150_000)
SECOND = {
    "link.eth1.mtu": "1500",
    "link.eth1.driver": "mlx5_core",
    "link.eth2.mtu": "1500",
    "link.eth2.driver": "mlx5_core",
    "managers": "netplan systemd-networkd",
}
BOND = Bond("bond0", ("eth1", "eth2"), "802.3ad", "10.0.0.5/24")


def shaped(changed: dict[str, str | None] | None = None, **fields: Any) -> Recommendation:
    advice = verdict("T31", box({**QUEUES, **(changed or {})}, shape=SHAPE, **fields))
    assert isinstance(advice, Recommendation), advice
    return advice


def test_shaping_that_was_asked_for_is_one_change() -> None:
    (change,) = shaped({"management.port": "2222"}).changes
    assert (change.knob, change.key) == ("shaping", "eth0")
    assert (change.current, change.proposed) == ("mq fq_codel", "htb 900mbit ssh 2222 fq_codel")


def test_bbr_keeps_its_pacing_and_a_bare_kernel_gets_what_it_has() -> None:
    bbr = {"sysctl.net.ipv4.tcp_congestion_control": "bbr", "module.sch_fq": "available"}
    assert shaped(bbr).changes[0].proposed.endswith(" fq")
    bare = {"module.sch_fq_codel": "missing", "module.sch_fq": "missing", "qdisc.eth0.leaves": "pfifo_fast"}
    assert shaped(bare).changes[0].proposed.endswith(" pfifo")


def test_shaping_under_the_session_is_risky_and_roce_is_told_to_bypass_it() -> None:
    assert shaped({"management.interfaces": "eth0"}).risk == "R2"
    assert shaped({"management.interfaces": "eth9"}).risk == "R1"
    assert any("RoCE" in str(note) for note in shaped(RDMA).instructions)
    assert not any("RoCE" in str(note) for note in shaped().instructions)


@pytest.mark.parametrize(
    ("changed", "ends"),
    [
        ({"module.sch_htb": "missing"}, Unknown),
        ({"module.cls_u32": "missing"}, Unknown),
        ({"qdisc.eth0.root": None}, Unknown),
        ({"qdisc.eth0.root": "htb"}, Kept),
        ({"link.eth0.speed_mbps": "100"}, Kept),
    ],
)
def test_shaping_that_could_not_work_is_not_proposed(changed: dict[str, str | None], ends: type) -> None:
    assert type(verdict("T31", box({**QUEUES, **changed}, shape=SHAPE))) is ends


def test_a_standing_queue_is_a_reason_to_ask_never_to_shape() -> None:
    advice = verdict("T31", box(QUEUES, paths=(FULL,), bandwidth_bps=100_000_000))
    assert isinstance(advice, Recommendation)
    assert advice.changes == ()
    assert "--shape eth0=95mbit" in str(advice.instructions[0])
    assert str(advice.formula).startswith("230 ms − 150 ms = 80 ms in queues")
    assert isinstance(verdict("T31", box(QUEUES, paths=(FULL,))), Unknown)
    few = replace(FULL, settled=20)
    assert isinstance(verdict("T31", box(QUEUES, paths=(few,), bandwidth_bps=100_000_000)), NotApplicable)


def bonded(changed: dict[str, str | None] | None = None, bond: Bond = BOND) -> Recommendation:
    advice = verdict("T32", box({**SECOND, **(changed or {})}, bond=bond))
    assert isinstance(advice, Recommendation), advice
    return advice


def test_a_bond_is_instructions_and_a_file_of_its_own() -> None:
    advice = bonded()
    assert advice.changes == ()
    assert advice.risk == "R4"
    (file,) = advice.files
    assert (file.path, file.mode) == ("/etc/netplan/60-longpipe-bond0.yaml", "0600")
    assert "mode: 802.3ad" in file.text
    assert 'addresses: ["10.0.0.5/24"]' in file.text
    steps = [str(step) for step in advice.instructions]
    assert "does not carry this out" in steps[0]
    order = [
        next(n for n, step in enumerate(steps) if word in step)
        for word in ("switch", "systemd-run", "apply", "ad_pa")
    ]
    assert order == sorted(order)
    assert any("ad_aggregator_id" in step and "eth2" in step for step in steps)


def test_without_lacp_no_switch_is_needed_and_nobody_else_is_affected() -> None:
    advice = bonded(bond=replace(BOND, mode="active-backup"))
    assert advice.risk == "R2"
    assert not any("switch:" in str(step) or "ad_partner_mac" in str(step) for step in advice.instructions)


def test_members_with_addresses_and_under_the_session_are_told() -> None:
    told = bonded({"link.eth1.subnets": "192.0.2.0/24", "management.interfaces": "eth2"}).instructions
    assert any("move addresses" in str(step) for step in told)
    assert any("console" in str(step) for step in told)


@pytest.mark.parametrize(
    ("managers", "files", "command"),
    [("NetworkManager", 0, "nmcli connection add type bond"), ("ifupdown", 1, "ifup bond0")],
)
def test_each_manager_of_the_network_has_its_own_way(managers: str, files: int, command: str) -> None:
    advice = bonded({"managers": managers})
    assert len(advice.files) == files
    assert all(file.mode == "0600" for file in advice.files)
    assert any(command in str(step) for step in advice.instructions)
    assert any("systemd-run" in str(step) for step in advice.instructions)


@pytest.mark.parametrize(
    ("changed", "bond", "ends"),
    [
        ({}, replace(BOND, mode="balance-rr"), Kept),
        ({}, replace(BOND, members=("eth1",)), Kept),
        ({}, replace(BOND, members=("eth1", "eth7")), Unknown),
        ({"link.eth2.master": "br0"}, BOND, Kept),
        ({"link.bond0.mtu": "1500"}, BOND, Kept),
        ({"managers": "connman"}, BOND, Unknown),
    ],
)
def test_a_bond_that_would_not_work_is_not_proposed(changed: dict[str, str | None], bond: Bond, ends: type) -> None:
    answer = verdict("T32", box({**SECOND, **changed}, bond=bond))
    assert type(answer) is ends, answer


def test_what_the_own_interface_holds_back_proves_nothing_about_larger_frames() -> None:
    inside = {"route.default_interfaces": "wan0", "management.interfaces": "wan0"}
    capped = replace(PATH, largest_bytes=1500, capped=True)
    answer = verdict("T19", box(inside, goal="storage", paths=(capped,)))
    assert isinstance(answer, Unknown)
    assert "mtu:eth0=9000 proven by 198.51.100.7" in str(answer.why)
    refused = replace(PATH, largest_bytes=1500)
    assert isinstance(verdict("T19", box(inside, goal="storage", paths=(refused,))), Kept)
