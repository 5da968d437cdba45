"""Shaping and bonds asked for on the command line: understood or refused, and files never written over."""

import stat
from pathlib import Path

import pytest

from analysis.advice.plan import Generated
from analysis.advice.situation import Bond, Shape
from tui.cli import CommandError
from tui.tune.wishes import bond, shape, write


def test_what_is_asked_for_is_understood() -> None:
    assert shape("eth0.7=900mbit") == Shape("eth0.7", 900_000_000)
    assert shape("eth0=1gbit") == Shape("eth0", 1_000_000_000)
    assert bond("bond0=eth1,eth2") == Bond("bond0", ("eth1", "eth2"), "active-backup", "")
    assert bond("bond0=802.3ad,eth1,fd00::5/64,eth2") == Bond("bond0", ("eth1", "eth2"), "802.3ad", "fd00::5/64")


@pytest.mark.parametrize(
    "text", ["", "eth0", "eth0=", "eth0=900", "eth0=0mbit", "=900mbit", "../x=1gbit", "-x=1gbit"]
)
def test_a_shaping_that_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(CommandError):
        shape(text)


@pytest.mark.parametrize(
    "text",
    [
        "bond0",
        "bond0=",
        "=eth1,eth2",
        "bond0=eth1,eth1",
        "bond0=eth1,,eth2",
        "bond0=eth1,eth2;reboot",
        "bond0=eth1,eth2,802.3ad,balance-xor",
        "bond0=eth1,eth2,10.0.0.5/33",
        'bond0=eth1,eth2,fe80::1%";/64',
        "bond0=eth1,eth2,$(x)/24",
    ],
)
def test_a_bond_that_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(CommandError):
        bond(text)


def test_files_are_private_and_never_written_over(tmp_path: Path) -> None:
    file = Generated("/etc/netplan/60-longpipe-bond0.yaml", "0600", "network: {}\n")
    (path,) = write(str(tmp_path), [file])
    assert path == tmp_path / "60-longpipe-bond0.yaml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text("mine")
    with pytest.raises(CommandError):
        list(write(str(tmp_path), [file]))
    assert path.read_text() == "mine"
    with pytest.raises(CommandError):
        list(write(str(tmp_path / "nowhere"), [file]))
