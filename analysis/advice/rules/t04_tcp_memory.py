"""T4: the memory of all TCP sockets together (tcp_mem), counted in pages."""

from typing import Final

from analysis.advice.changes import sysctl
from analysis.advice.plan import Evidence
from analysis.advice.rule import Keep, Outcome, Proposal, Rule
from analysis.advice.situation import Missing, Situation
from analysis.advice.units import duration, memory
from analysis.text import N_, say

KEY: Final = "net.ipv4.tcp_mem"
_COUNTER: Final = "TcpExtTCPMemoryPressures"
_SHARES: Final = (0.06, 0.09, 0.25)


def decide(situation: Situation) -> Outcome:
    """Raise to at most 6, 9 and 25 % of memory while TCP runs into memory pressure."""
    growth = situation.observed()
    if _COUNTER not in growth.tcp:
        raise Missing(say(N_("The counter TCPMemoryPressures was not read.")))
    if not growth.tcp[_COUNTER]:
        return Keep(say(N_("TCP had memory enough in {time}."), time=duration(growth.seconds)))
    page = situation.number("memory.page_bytes")
    pages = situation.number("memory.total_bytes") // max(page, 1)
    current = situation.numbers(f"sysctl.{KEY}")
    target = tuple(max(old, int(pages * share)) for old, share in zip(current, _SHARES, strict=False))
    if target == current:
        return Keep(
            say(
                N_("TCP may use {max} already; more would starve the rest of the box."),
                max=memory(current[-1] * page),
            )
        )
    return Proposal(
        severity="warn",
        confidence="high",
        evidence=(
            Evidence(_COUNTER, growth.tcp[_COUNTER], say(N_("growth within {time}"), time=duration(growth.seconds))),
            situation.evidence(f"sysctl.{KEY}"),
        ),
        formula=say(
            N_("6, 9 and 25 % of {pages} pages of {page} bytes, never less than now"), pages=pages, page=page
        ),
        effect=say(N_("windows are no longer cut for want of socket memory")),
        changes=(
            sysctl(
                situation,
                KEY,
                " ".join(map(str, target)),
                say(
                    N_("all sockets together {old} → {new}; the unit is pages"),
                    old=memory(current[-1] * page),
                    new=memory(target[-1] * page),
                ),
            ),
        ),
    )


RULE: Final = Rule(
    id="T4",
    title=say(N_("Give TCP more memory in all")),
    risk="R0",
    scope="host",
    persists="sysctl.d",
    authority=("Linux net/ipv4/tcp.c tcp_init_mem()", "bpftune tcp-buffer: 6 %, 9 %, 25 %"),
    decide=decide,
)
