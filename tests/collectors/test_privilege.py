"""What this process may do, and the exact command for the rest."""

import json
import os
import subprocess
import sys

import pytest

from collectors.privilege import Privilege, look, missing

EVERYTHING = Privilege(
    root=True,
    raw_icmp=True,
    datagram_icmp=False,
    capture=True,
    net_admin=True,
    container="none",
    user_namespace=False,
)
NOTHING = Privilege(
    root=False,
    raw_icmp=False,
    datagram_icmp=False,
    capture=False,
    net_admin=False,
    container="none",
    user_namespace=False,
)

AS_NOBODY = """
import json, os
from collectors.privilege import look
os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
told = look()
print(json.dumps([told.root, told.raw_icmp, told.capture, told.net_admin]))
"""


def test_whoever_may_do_everything_lacks_nothing() -> None:
    assert missing(EVERYTHING) == ()


def test_whoever_may_do_nothing_is_told_what_is_lost_and_how_to_get_it() -> None:
    icmp, capture, admin = missing(NOTHING)
    assert icmp.command == 'sudo sysctl -w net.ipv4.ping_group_range="0 2147483647"'
    assert (capture.command, admin.command) == ("sudo longpipe", "sudo longpipe")
    assert "TCP" in str(icmp.what)


def test_inside_a_container_it_takes_another_way_of_starting_it() -> None:
    inside = Privilege(
        root=True,
        raw_icmp=False,
        datagram_icmp=True,
        capture=False,
        net_admin=False,
        container="docker",
        user_namespace=True,
    )
    assert all(
        need.command and need.command.startswith("docker run --network=host --cap-add") for need in missing(inside)
    )


def test_no_advice_gives_every_python_program_a_capability() -> None:
    assert not any("setcap" in (need.command or "") for need in missing(NOTHING))


def test_a_process_without_privilege_sees_that_it_has_none() -> None:
    if os.geteuid() != 0:
        pytest.skip("becoming nobody needs root")
    done = subprocess.run([sys.executable, "-c", AS_NOBODY], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [False, False, False, False]


def test_root_sees_what_it_may() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    assert look().root
