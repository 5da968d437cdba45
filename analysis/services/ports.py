"""Ports as they must be, and what it means where they are not."""

from typing import Final

from analysis.samples import PortRow, Ports
from analysis.text import N_, Sentence, say


def is_met(row: PortRow) -> bool:
    """Return whether a port is as it must be. What listens on 127.0.0.1 only, nobody else can reach."""
    return row.state == "open" if row.wanted else row.state != "open" or row.listener == "loopback"


def port_text(row: PortRow) -> Sentence:
    """Return what a port's state means, and what a listener of this box has to do with it."""
    listener, state = row.listener, _state(row)
    if row.wanted and row.state != "open" and listener == "none":
        return say(N_("{state}; nothing listens there on this box: start the service"), state=state)
    if row.wanted and row.state != "open" and listener == "loopback":
        return say(
            N_("{state}; its service listens on 127.0.0.1 only: let it listen where others can come"),
            state=state,
        )
    if row.wanted and row.state != "open" and listener is not None:
        return say(N_("{state}, though a service listens there: look at the firewall of this box"), state=state)
    if not row.wanted and row.state == "open":
        return say(_EXPOSED.get(listener or "", N_("open, and it must not be reachable")))
    if not row.wanted and listener in ("every", "one"):
        return say(N_("{state}, as it must be, though a service of this box listens for others"), state=state)
    return state


_EXPOSED: Final = {
    "every": N_(
        "open, and it must not be reachable: its service listens on all addresses; bind it to 127.0.0.1 or to the "
        "inner network, or have a firewall close the port"
    ),
    "one": N_("open, and it must not be reachable: its service listens on this address, not on 127.0.0.1 only"),
    "loopback": N_("open to this box alone: its service listens on 127.0.0.1 only"),
}
_REFUSED: Final = say(N_("refused"))
_SILENT: Final = say(N_("filtered: no answer"))


def _state(row: PortRow) -> Sentence:
    if row.state == "open":
        return say(N_("open"))
    if row.state == "filtered":
        return _SILENT
    if row.icmp is not None and row.by:
        word = say(N_("closed")) if row.state == "closed" else say(N_("unreachable"))
        return say(N_("{state}: {who} said so ({icmp})"), state=word, who=row.by, icmp=row.icmp)
    if row.state == "closed":
        return _REFUSED
    return say(N_("unreachable: this box has no way there"))


def ports_note(ports: Ports) -> Sentence:
    """Return from where was looked, and what that cannot say."""
    if ports.is_local:
        return say(
            N_("Seen from this box itself: nothing in front of it was passed, so who else gets in is not known.")
        )
    return say(N_("Seen from this box only: others may be let in or kept out where it is not."))
