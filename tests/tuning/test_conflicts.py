"""Whoever else sets a setting is found before longpipe sets it too."""

from pathlib import Path

import pytest

from analysis.advice.plan import Knob
from tuning.conflicts import CONF, conflicts
from tuning.host import Host
from tuning.keep import SYSCTL
from tuning.plan import Wanted

RMEM = "net.ipv4.tcp_rmem"


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(str(tmp_path))


def write(host: Host, path: str, text: str) -> None:
    file = host.path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def wanted(key: str = RMEM, knob: Knob = "sysctl") -> tuple[Wanted]:
    return (Wanted(knob, key, "", "", "R0"),)


def found(host: Host, key: str = RMEM, knob: Knob = "sysctl") -> list[tuple[str, str, bool]]:
    return [(setter.where, setter.value, setter.wins) for setter in conflicts(host, wanted(key, knob))]


def test_the_name_of_a_file_decides_who_wins(host: Host) -> None:
    write(host, "/usr/lib/sysctl.d/10-network.conf", f"# buffers\n{RMEM} = 1 2 3\n")
    write(host, "/etc/sysctl.d/99-mine.conf", "net/ipv4/tcp_rmem=4 5 6\nnet.ipv4.tcp_wmem = 7 8 9\n")
    write(host, SYSCTL, f"{RMEM} = 0 0 0\n")
    assert found(host) == [
        ("/usr/lib/sysctl.d/10-network.conf", "1 2 3", False),
        ("/etc/sysctl.d/99-mine.conf", "4 5 6", True),
    ]


def test_a_file_in_etc_hides_one_of_the_same_name(host: Host) -> None:
    write(host, "/usr/lib/sysctl.d/50-a.conf", f"{RMEM} = 1 2 3\n")
    write(host, "/etc/sysctl.d/50-a.conf", "")
    assert found(host) == []


def test_sysctl_conf_counts_once(host: Host) -> None:
    write(host, CONF, f"-{RMEM} = 1 2 3\n;{RMEM} = 9 9 9\n")
    assert found(host) == [(CONF, "1 2 3", True)]
    assert "Debian 13" in str(conflicts(host, wanted())[0].text)
    host.path("/etc/sysctl.d").mkdir()
    host.path("/etc/sysctl.d/99-sysctl.conf").symlink_to("../sysctl.conf")
    assert found(host) == [("/etc/sysctl.d/99-sysctl.conf", "1 2 3", True)]


def test_interfaces_with_a_dot(host: Host) -> None:
    write(host, "/etc/sysctl.d/50-a.conf", "net/ipv4/conf/eth0.7/rp_filter = 2\n")
    assert found(host, "net.ipv4.conf.eth0/7.rp_filter") == [("/etc/sysctl.d/50-a.conf", "2", False)]


def test_tuned_with_what_its_profile_includes(host: Host) -> None:
    write(host, "/etc/tuned/active_profile", "network-throughput\n")
    write(
        host,
        "/usr/lib/tuned/network-throughput/tuned.conf",
        "[main]\ninclude=throughput-performance\n[sysctl]\na=1\n",
    )
    path = "/usr/lib/tuned/profiles/throughput-performance/tuned.conf"
    write(host, path, f"[main]\ninclude=network-throughput\n[sysctl]\n{RMEM}=>1 2 3\nbroken\n")
    assert found(host) == [(path, "1 2 3", True)]


def test_network_manager_for_cards_and_bpftune_for_sysctls(host: Host) -> None:
    host.path("/run/NetworkManager").mkdir(parents=True)
    write(host, "/proc/77/comm", "bpftune\n")
    assert found(host, "eth0", "mtu") == [("NetworkManager", "", False)]
    assert found(host) == [("bpftune", "", False)]


def test_files_that_are_not_text(host: Host) -> None:
    write(host, "/etc/sysctl.d/50-a.conf", "")
    host.path("/etc/sysctl.d/50-a.conf").write_bytes(b"\xff\x00=\x1b[2J\n" + RMEM.encode() + b"=1 2 3")
    assert found(host) == [("/etc/sysctl.d/50-a.conf", "1 2 3", False)]
