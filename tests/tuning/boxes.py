"""Boxes to change: a namespace with the kernel's own settings, and trees of files with programs that act on them."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from tests.lab.bed import Bed
from tuning.commands import TOOLS
from tuning.host import Host
from tuning.knobs.registry import KNOBS
from tuning.plan import Request, Wanted, request
from tuning.reports import Report

TOOL = "longpipe 0"


def kernel_box(folder: Path) -> Host:
    """The running kernel in the namespace of the calling thread; files of /etc and /var are in `folder`."""
    for name in ("proc", "sys"):
        (folder / name).symlink_to(f"/{name}")
    (folder / "etc").mkdir()
    return Host(str(folder))


@contextmanager
def tap_namespace() -> Iterator[tuple[Bed, str]]:
    """A namespace with an interface t0 that has queues, offloads and an MTU."""
    bed = Bed()
    try:
        name = bed.namespace()
        bed.ip(name, "tuntap add t0 mode tap")
        bed.ip(name, "link set t0 up")
        yield bed, name
    finally:
        bed.close()


def file_box(folder: Path, files: dict[str, str]) -> Host:
    """A box that is nothing but files, and stand-ins for ip, ethtool, rdma, modprobe and rmmod."""
    for path, text in {"/proc/sys/kernel/random/boot_id": "boot-1\n", **files}.items():
        file = folder / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (folder / "etc").mkdir(exist_ok=True)
    programs = folder / "bin"
    programs.mkdir()
    for name, body in _PROGRAMS.items():
        program = programs / name
        program.write_text(f"#!/bin/sh\nbox={folder}\n{body}")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return Host(str(folder), f"{programs}:{TOOLS}")


def now(host: Host, knob: str, key: str) -> str:
    return KNOBS[knob].read(host, key)


def want(host: Host, knob: str, key: str, value: str, **more: str) -> Wanted:
    """A change from what is so now."""
    fields = {"knob": knob, "key": key, "current": now(host, knob, key), "proposed": value, "risk": "R0"}
    return msgspec.convert({**fields, **more}, Wanted)


def plan_of(*changes: Wanted, management: tuple[str, ...] = (), seconds: int = 120) -> Request:
    return request(changes, management, deadman_s=seconds)


class Ear(list[Report]):
    """Hears every report."""

    def __call__(self, report: Report) -> None:
        self.append(report)

    @property
    def events(self) -> list[str]:
        return [report.event for report in self]


def is_root() -> bool:
    return os.geteuid() == 0


_PROGRAMS = {
    "ip": """
[ -e "$box/gone" ] && exit 1
case "$*" in
*"link show dev"*)
    printf '3: eth0: <UP> mtu %s qdisc mq state UP' "$(cat "$box/mtu")"
    printf '\\\\    link/ether 02:00:00:00:00:07 brd ff\\n' ;;
*"link set dev eth0 mtu"*) echo "$6" > "$box/mtu" ;;
*"route get 10.0.0.2"*) echo '10.0.0.2 dev eth0 src 10.0.0.1' ;;
*"route get"*) echo '192.0.2.1 via 10.1.0.254 dev eth9 src 10.1.0.1' ;;
esac
""",
    "ping": """
[ ! -e "$box/small-hop" ]
""",
    "ethtool": """
file="$box/ethtool.$1"
case $1 in
-g) printf 'Ring parameters for eth0:\\nPre-set maximums:\\nRX:\\t\\t8192\\nTX:\\t\\t8192\\n'
    printf 'Current hardware settings:\\nRX:\\t\\t%s\\nTX:\\t\\t%s\\n' "$(cat "$box/rx")" "$(cat "$box/tx")" ;;
-G) echo "$4" > "$box/$3" ;;
-l) printf 'Channel parameters for eth0:\\nPre-set maximums:\\nRX:\\t\\tn/a\\nCombined:\\t63\\n'
    printf 'Current hardware settings:\\nRX:\\t\\tn/a\\nCombined:\\t%s\\n' "$(cat "$box/combined")" ;;
-L) echo "$4" > "$box/$3" ;;
-c) printf 'Coalesce parameters for eth0:\\nAdaptive RX: %s  TX: off\\nrx-usecs:\\t%s\\nrx-usecs-irq:\\t9\\n' \\
    "$(cat "$box/adaptive-rx")" "$(cat "$box/rx-usecs")" ;;
-C) echo "$4" > "$box/$3" ;;
esac
""",
    "rdma": """
case "$1 $2" in
"link add") echo "link $3/1 state ACTIVE physical_state LINK_UP netdev $7" > "$box/rdma-link" ;;
"link delete") rm "$box/rdma-link" ;;
"link ") cat "$box/rdma-link" 2>/dev/null; true ;;
esac
""",
    "modprobe": """
[ -e "$box/no-modules" ] && { echo "modprobe: FATAL: Module $2 not found." >&2; exit 1; }
echo "$2 16384 0 - Live 0x0" >> "$box/proc/modules"
""",
    "rmmod": """
sed -i "/^$2 /d" "$box/proc/modules"
""",
}


def can_ping() -> bool:
    return Host().run("ping", "-c", "1", "-W", "1", "127.0.0.1").code == 0
