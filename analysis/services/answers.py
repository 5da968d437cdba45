"""What several resolvers' answers say of each other. What is only likely is said to be likely."""

from collections import defaultdict
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Literal, NamedTuple

from analysis.samples import DnsAnswer
from analysis.severity import Severity
from analysis.text import N_, Sentence, say


class Finding(NamedTuple):
    """One thing worth knowing about answers or certificates."""

    severity: Severity
    text: Sentence
    host: str = ""
    """Of a service that is down: whether the host answers probes tells where to look."""


def findings(answers: tuple[DnsAnswer, ...]) -> Iterator[Finding]:
    """Yield what does not fit together in one round of questions about one name, the gravest first."""
    found = [*_two_answers(answers)]
    for record in ("A", "AAAA"):
        same = [answer for answer in answers if answer.record == record and answer.rcode is not None]
        found += _compared(record, same)
    order: tuple[Severity, ...] = ("bad", "warn", "notice")
    yield from sorted(found, key=lambda finding: order.index(finding.severity))


def _two_answers(answers: tuple[DnsAnswer, ...]) -> Iterator[Finding]:
    for answer in answers:
        if answer.also:
            text = N_(
                "One {record} question to {resolver} got {n} different answers ({first}; {other}): something on the "
                "way answers too. DNS is probably poisoned here."
            )
            args = {"first": _listed(answer.addresses), "other": _listed(answer.also[0])}
            n = 1 + len(answer.also)
            yield Finding("warn", say(text, record=answer.record, resolver=answer.resolver, n=n, **args))


def _compared(record: Literal["A", "AAAA"], answers: list[DnsAnswer]) -> Iterator[Finding]:
    full = [answer for answer in answers if answer.addresses]
    denied = [answer for answer in answers if answer.rcode == "NXDOMAIN"]
    inner = [answer for answer in full if not any(map(_is_public, answer.addresses))]
    if full and denied:
        text = N_(
            "{resolvers}: no such name, but {others} has {record} addresses: probably a name of a private network, "
            "or a blocked one."
        )
        yield Finding("warn", say(text, resolvers=_who(denied), others=_who(full), record=record))
    if inner and len(inner) < len(full):
        outer = [answer for answer in full if answer not in inner]
        text = N_(
            "{resolvers} answers {addresses}, which nobody has on the Internet; {others} answers otherwise: probably "
            "a private network's own view, or a poisoned or blocked answer."
        )
        args = {"addresses": _listed(inner[0].addresses), "others": _who(outer)}
        yield Finding("warn", say(text, resolvers=_who(inner), **args))
    elif _all_differ(full):
        text = N_(
            "{resolvers} give different {record} addresses: usual where a network of caches answers by place. It is "
            "no fault by itself."
        )
        yield Finding("notice", say(text, resolvers=_who(full), record=record))


def _all_differ(answers: list[DnsAnswer]) -> bool:
    """Tell whether some two answers have no address in common; resolvers shuffle and cut what they give."""
    sets = [frozenset(answer.addresses) for answer in answers]
    return any(not one & other for n, one in enumerate(sets) for other in sets[n + 1 :])


def _is_public(address: str) -> bool:
    try:
        return ip_address(address).is_global
    except ValueError:
        return False


def _who(answers: list[DnsAnswer]) -> str:
    return ", ".join(dict.fromkeys(answer.resolver for answer in answers))


def _listed(addresses: tuple[str, ...]) -> str:
    return ", ".join(addresses[:3]) or "–"


def working(answers: tuple[DnsAnswer, ...]) -> dict[str, bool]:
    """Return for each resolver, in order, whether it gave any address and failed in nothing."""
    asked: dict[str, list[DnsAnswer]] = defaultdict(list)
    for answer in answers:
        asked[answer.resolver].append(answer)
    return {
        resolver: any(answer.addresses for answer in given) and all(answer.rcode == "NOERROR" for answer in given)
        for resolver, given in asked.items()
    }


def is_good(answer: DnsAnswer) -> bool:
    """Return whether one answer holds an address."""
    return answer.rcode == "NOERROR" and bool(answer.addresses)
