"""One check of one service, as a client of its kind would meet it; what it ended with is a sample."""

import asyncio
from collections.abc import Callable, Sequence

from analysis.samples import Check, DnsAnswer, Phases
from analysis.services.answers import is_good, working
from analysis.services.fold import FAILURES
from analysis.services.settings import ServiceSettings, resolver_address
from analysis.services.url import place
from analysis.text import N_, Sentence, say
from collectors.clock import Clock
from collectors.names import Lookup
from collectors.services.dns import Resolver, ask
from collectors.services.tls import Trust
from collectors.services.visit import Visit


class Checker:
    """Checks services. `lookup` resolves names; `resolvers` tells whom this box asks; `agent` is our name in HTTP."""

    def __init__(
        self,
        clock: Clock,
        lookup: Lookup,
        resolvers: Callable[[], Sequence[str]],
        agent: str = "longpipe",
        trust: Trust | None = None,
    ) -> None:
        self._clock = clock
        self._lookup = lookup
        self._resolvers = resolvers
        self._agent = agent
        self._trust = trust or Trust()

    def prepare(self, services: Sequence[ServiceSettings]) -> None:
        """Read what certificates this box trusts, where that will be asked: it takes a while, which nobody times."""
        if any(place(service.url).kind in ("tls", "https") for service in services):
            self._trust.prepare()

    async def check(self, service: ServiceSettings) -> Check:
        """Check once; how it failed is part of the sample."""
        if place(service.url).kind == "dns":
            return await self._ask(service)
        visit = Visit(service, self._lookup, self._trust, self._agent)
        await visit.make(self._clock.now_ns())
        return visit.told(self._clock.now_ns())

    async def _ask(self, service: ServiceSettings) -> Check:
        """Ask every resolver for every record at once."""
        name = place(service.url).host
        resolvers = whom(service.resolvers, self._resolvers())
        questions = [
            ask(resolver, name, record, service.timeout_s) for resolver in resolvers for record in service.records
        ]
        answers = tuple(await asyncio.gather(*questions))
        slowest_us = max((answer.took_us for answer in answers if answer.took_us is not None), default=None)
        problem = _problem(answers)
        return Check(
            self._clock.now_ns(),
            service.label,
            failure=None if problem is None else "answer",
            why=problem,
            phases=Phases(whole_us=slowest_us),
            answers=answers,
        )


def whom(wanted: Sequence[str], system: Sequence[str]) -> list[Resolver]:
    """Return the resolvers to ask, each once; "system" stands for those of this box."""
    texts = [address for text in wanted for address in (system if text == "system" else (text,))]
    found = (resolver_address(text) for text in texts)
    return list(dict.fromkeys(resolver for resolver in found if resolver is not None))


def _problem(answers: tuple[DnsAnswer, ...]) -> Sentence | None:
    """Return which resolvers do not give an address, None where all do."""
    works = working(answers)
    failing = [resolver for resolver, does in works.items() if not does]
    if not works:
        return say(N_("this box has no resolvers in /etc/resolv.conf"))
    if not failing:
        return None
    said = next(_said(answer) for answer in answers if answer.resolver in failing and not is_good(answer))
    args = {"resolvers": ", ".join(failing), "said": said}
    if len(failing) == len(works):
        return say(N_("{resolvers}: {said}"), **args)
    return say(N_("{resolvers}: {said}; resolvers that have an address: {n}"), **args, n=len(works) - len(failing))


def _said(answer: DnsAnswer) -> Sentence:
    if answer.failure is not None:
        return FAILURES[answer.failure]
    if answer.rcode == "NOERROR":
        return say(N_("no address"))
    return say(N_("{rcode}"), rcode=answer.rcode or "–")
