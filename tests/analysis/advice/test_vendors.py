"""What affects cards and switches of others is told per maker, with a source, and never invented."""

import pytest

from analysis.advice.plan import Recommendation
from analysis.advice.vendors import CARDS, SWITCHES
from tests.analysis.advice.situations import RDMA, box, verdict

BY_HAND = {"goal": "lossless-fabric"}


def steps(rule: str, changed: dict[str, str | None]) -> list[str]:
    advice = verdict(rule, box({**RDMA, **changed}, **BY_HAND))
    assert isinstance(advice, Recommendation), advice
    assert advice.changes == ()
    assert advice.risk == "R4"
    return [str(step) for step in advice.instructions]


@pytest.mark.parametrize(
    ("driver", "command"),
    [
        ("mlx5_core", "mlnx_qos -i eth0 --pfc=0,0,0,1,0,0,0,0"),
        ("bnxt_re", "bnxt_setupcc.sh -d mlx5_0 -i eth0"),
        ("irdma", "dcb pfc set dev eth0 prio-pfc all:off 3:on"),
    ],
)
def test_each_maker_has_its_own_commands_after_the_switches(driver: str, command: str) -> None:
    told = steps("D6", {"rdma.mlx5_0.driver": driver, "link.eth0.driver": driver, "link.eth0.pfc_priorities": ""})
    mine = [step for step in told if "eth0 (" in step]
    assert len(mine) == 1
    assert command in mine[0]
    assert told.index(mine[0]) > max(n for n, step in enumerate(told) if step.startswith("On the switch"))


def test_a_card_without_a_source_gets_its_manual() -> None:
    new = {"rdma.mlx5_0.driver": "new_rdma", "link.eth0.driver": "new_eth"}
    told = steps("D6", {**new, "link.eth0.pfc_priorities": ""})
    assert any("see its manual" in step for step in told)
    assert not any("mlnx_qos" in step for step in told)


def test_every_switch_is_told_and_what_has_no_source_is_left_to_the_manual() -> None:
    told = steps("D6", {"link.eth0.pfc_priorities": ""})
    assert all(any(switch.system in step for step in told) for switch in SWITCHES)
    assert any("SONiC" in step and "For DSCP see your switch's manual" in step for step in told)
    assert "see your switch's manual" in told[len(SWITCHES) + 1]
    trust = steps("D5", {"link.eth0.dcb_trust": "pcp"})
    assert any("qos trust dscp" in step for step in trust)


def test_every_row_has_a_source() -> None:
    assert all(row.source for row in (*CARDS, *SWITCHES))
