"""What this box lets us do: a list of checks, each with the exact command that would change it."""

import os
import platform
import sys
from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from collectors.base import Need
from collectors.privilege import Privilege
from collectors.root import Root
from tui import __version__
from tui.cli import CommandError, Exit
from tui.terminal import glyphs_for, over_ssh
from tui.text import _, language, tell

State = Literal["ok", "notice", "degraded", "missing"]
"""`missing`: a privilege is. `degraded`: something works less well than it could. `notice`: good to know."""


class Check(msgspec.Struct, frozen=True, omit_defaults=True):
    """One finding. `id` is stable, for programs; `text` is in the person's language; `command` would change it."""

    id: str
    state: State
    text: str
    command: str | None = None


class Report(msgspec.Struct, frozen=True, tag="longpipe.doctor/1", tag_field="schema"):
    """Everything that `longpipe doctor --json` prints. Fields are added, never changed, while the schema is /1."""

    version: str
    exit_code: int
    checks: tuple[Check, ...]


def report(checks: Iterable[Check]) -> Report:
    """Return the checks with the exit code that they make."""
    found = tuple(checks)
    states = {check.state for check in found}
    code = Exit.PRIVILEGE if "missing" in states else Exit.DEGRADED if "degraded" in states else Exit.OK
    return Report(__version__, int(code), found)


def examine(config_file: str | None) -> Iterator[Check]:
    """Yield every check of this box. Sends nothing and changes nothing."""
    from collectors import privilege

    may = privilege.look()
    yield versions()
    yield from configuration(config_file)
    yield from abilities(may, privilege.missing(may))
    yield rdma(Root())
    yield terminal(sys.stdout.encoding or "", os.environ.get("TERM", ""), over_ssh(os.environ))
    yield cell_diff()


def versions() -> Check:
    """Tell what is running."""
    import textual

    text = _(
        "longpipe {version}, Python {python}, Textual {textual}, Linux {kernel}",
        version=__version__,
        python=platform.python_version(),
        textual=textual.__version__,
        kernel=platform.release(),
    )
    return Check("versions", "ok", text)


def configuration(file: str | None) -> Iterator[Check]:
    """Tell which configuration is in force, or why none is."""
    from tui.config.load import load

    try:
        found = load(file=file)
    except CommandError as error:
        yield Check("configuration", "degraded", str(error), "longpipe config --check")
        return
    if found.files:
        yield Check("configuration", "ok", _("Configuration: {names}", names=", ".join(found.files)))
    else:
        command = "mkdir -p ~/.config/longpipe && longpipe config --template > ~/.config/longpipe/config.toml"
        yield Check("configuration", "ok", _("Configuration: as shipped, there is no file. To begin one:"), command)
    for notice in found.notices:
        yield Check("configuration.sudo", "notice", notice)


def abilities(may: Privilege, needs: Iterable[Need]) -> Iterator[Check]:
    """Tell what is allowed and what is not."""
    if may.raw_icmp:
        yield Check("icmp", "ok", _("ICMP probes use raw sockets."))
    elif may.datagram_icmp:
        yield Check("icmp", "ok", _("ICMP probes use datagram sockets."))
    if may.capture:
        yield Check("capture", "ok", _("Packets can be captured."))
    if may.net_admin:
        yield Check("net_admin", "ok", _("Network settings can be changed, and probes can carry marks."))
    if may.container != "none":
        yield Check("container", "notice", _("This is a container ({kind}).", kind=may.container))
    for need in needs:
        yield Check("privilege", "missing", tell(need.what), need.command)


def rdma(root: Root) -> Check:
    """Tell whether there is RDMA hardware to look at."""
    from collectors.rdma import read_ports, why_absent

    if ports := read_ports(root):
        names = ", ".join(sorted({port.device for port in ports}))
        return Check("rdma", "ok", _("RDMA devices: {names}", names=names))
    return Check("rdma", "notice", tell(why_absent(root, os.environ)))


def terminal(encoding: str, term: str, ssh: bool) -> Check:
    """Tell what the screen will look like."""
    text = _(
        "Terminal {term}, encoding {encoding}, language {language}{ssh}",
        term=term or "–",
        encoding=encoding or "–",
        language=language(),
        ssh=_(", over SSH") if ssh else "",
    )
    if glyphs_for("auto", encoding, term) == "ascii":
        return Check("terminal", "notice", f"{text}. {_('Graphs are drawn with ASCII characters.')}")
    return Check("terminal", "ok", text)


def cell_diff() -> Check:
    """Tell whether only changed cells are sent, which needs the Textual that this was written for."""
    from tui.output.celldiff import PINNED, fits

    if fits():
        return Check("cell_diff", "ok", _("Only changed cells are sent to the terminal."))
    text = _("Whole regions are sent to the terminal: this is not Textual {version}. To change it:", version=PINNED)
    return Check("cell_diff", "degraded", text, f"pip install textual=={PINNED}")
