"""A recorded box as samples: what the live collectors would have said there, from a folder or an archive.

A tree holds `proc/`, `sys/` and `etc/` as files at their own paths, `cmd/` with what commands printed, and may hold
a second reading of the counters some seconds later in `later/`. Without one, some commands print the same counters
again (`nstat`, `ip -s link`, `rdma statistic`), later than the files were read: file times tell by how much.
"""

import tarfile
from pathlib import Path
from typing import Final

from analysis.samples import (
    Facts,
    LinkInfo,
    LinkInfos,
    QdiscCounters,
    Qdiscs,
    Sample,
    TcpFlows,
)
from analysis.text import N_, say
from collectors import printed
from collectors.archive import INSIDE, Archive
from collectors.commands import Commands
from collectors.facts import read_facts
from collectors.links import driver_of, speed_of
from collectors.printed_json import AddressRow, LinkRow, QdiscRow, addresses
from collectors.recorded_counters import again, readings, time_of, unchanged
from collectors.recorded_facts import ADDRESSES, FLOWS, LINKS, QDISCS, answers, environment, network
from collectors.root import Root
from collectors.session.header import Unreadable

KEPT_FLOWS: Final = 20


def read_box(path: Path) -> list[Sample]:
    """Return the samples of a recorded box in order of time, facts last. Raises `Unreadable`."""
    root = open_tree(path)
    commands = Commands(root)
    counted = [*readings(root, commands), *again(root, commands)]
    counted += unchanged(counted)
    end = max((sample.t for sample in counted), default=_made(root))
    still = [_infos(root, commands, end), _qdiscs(commands, end), _flows(commands, end)]
    facts = read_facts(root, environment(commands), network(root, commands), answers(commands))
    known = [sample for sample in still if sample is not None]
    return [*sorted(counted, key=lambda sample: sample.t), *known, Facts(end, facts)]


def open_tree(path: Path) -> Root:
    """Return the tree of a folder, or of the only one in it, or of an archive. Raises `Unreadable`."""
    try:
        root = Root(str(_top(path))) if path.is_dir() else Archive(path)
    except FileNotFoundError:
        raise Unreadable(say(N_("There is no “{path}”."), path=path)) from None
    except (OSError, EOFError, tarfile.TarError) as failure:
        what = N_("“{path}” is no recorded box that can be read: {why}. A folder, .tar or .tar.gz is one.")
        raise Unreadable(say(what, path=path, why=failure)) from failure
    if not root.exists("proc"):
        what = N_("“{path}” holds no recorded box: there is no folder proc in it.")
        raise Unreadable(say(what, path=path))
    return root


def _top(path: Path) -> Path:
    if path.resolve() == Path("/"):
        raise OSError("/")
    folders = [entry for entry in path.iterdir() if entry.is_dir()]
    return folders[0] if len(folders) == 1 and folders[0].name not in INSIDE else path


def _made(root: Root) -> int:
    return time_of(root, "proc/version") or 0


def _infos(root: Root, commands: Commands, t: int) -> LinkInfos | None:
    rows = commands.find_rows(LINKS, LinkRow)
    own = list(addresses(commands.find_rows(ADDRESSES, AddressRow)))
    links = tuple(
        LinkInfo(
            name=row.ifname,
            mtu=row.mtu,
            kind=_kind(root, commands, row),
            speed_mbps=speed_of(root, row.ifname),
            operstate=row.operstate.lower(),
            mac=row.address if row.address.strip("0:") else None,
            addresses=tuple(address for name, address in own if name == row.ifname),
        )
        for row in rows
    )
    return LinkInfos(t, links) if links else None


def _kind(root: Root, commands: Commands, row: LinkRow) -> str | None:
    told = printed.lines(commands.find(f"ethtool -i {row.ifname}")).get("driver")
    return driver_of(root, row.ifname) or row.linkinfo.info_kind or told or None


def _qdiscs(commands: Commands, t: int) -> Qdiscs | None:
    rows = commands.find_rows(QDISCS[0], QdiscRow)
    counted = tuple(
        QdiscCounters(
            interface=row.dev,
            kind=row.kind,
            handle=row.handle,
            parent="root" if row.root else row.parent,
            packets=row.packets,
            drops=row.drops,
            overlimits=row.overlimits,
            requeues=row.requeues,
            backlog_bytes=row.backlog,
        )
        for row in rows
    )
    return Qdiscs(t, counted) if counted else None


def _flows(commands: Commands, t: int) -> TcpFlows | None:
    text = next((text for line in FLOWS if (text := commands.find(line))), "")
    if not text:
        return None
    found = list(printed.flows(text))
    moved = [flow for flow in found if flow.bytes_acked + flow.bytes_received]
    moved.sort(key=lambda flow: flow.bytes_acked + flow.bytes_received, reverse=True)
    return TcpFlows(t, tuple(moved[:KEPT_FLOWS]), len(found))
