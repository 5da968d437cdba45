"""A session without the names of the box, its network and its people. What is not known to be harmless goes.

Numbers, times and words of a fixed vocabulary stay. Addresses and names get stand-ins. Any other text gets a
stand-in too, word by word, so that a kind of sample added later is safe before anybody thinks of it here.
"""

import errno
import os
import re
from collections.abc import Iterator
from typing import Final
from uuid import uuid4

import msgspec

from analysis.samples import (
    AnySample,
    BandwidthRun,
    Fact,
    Facts,
    FecRun,
    HopPath,
    Host,
    LinkInfos,
    Links,
    Mark,
    Name,
    NicCounters,
    Probes,
    Qdiscs,
    Rdma,
    RoceTick,
    Routes,
    Sample,
    Series,
)
from collectors.session.header import Header
from collectors.session.pseudonyms import Pseudonyms
from collectors.session.vocabulary import VOCABULARY

SCRUBBED: Final = frozenset(
    (
        *("k", "protocol", "stamps", "role", "socket", "state", "operstate", "link_layer", "cc", "kind", "handle"),
        *("parent", "driver", "collector", "where", "reason", "source", "text", "tool"),
    )
)
"""Fields whose text is longpipe's or the kernel's own: only learnt names and addresses are taken out of it."""

_PHRASES: Final = frozenset(os.strerror(number) for number in errno.errorcode) | {*errno.errorcode.values()}
_NUMBER: Final = re.compile(
    r"[+-]?\d+(?:\.\d+)?(?:%|[nuµm]?s|min|[hd]|[kKMGT]?i?[Bb]?(?:it|ps)?(?:/s)?)?"
    r"|\d+/\d+|0x[0-9a-fA-F]{1,8}|[\df]{1,8}(?:,[\df]{1,8})+|[\da-f]{1,4}:[\da-f]{0,4}"
)
_SEPARATORS: Final = re.compile(r"""([\s,;|=@()\[\]{}<>"']+)""")
_WITH_LENGTH: Final = re.compile(r"(.+?)(/\d{1,3})?")
_WITH_PORT: Final = re.compile(r"([\d.]+)(:\d{1,5})")
_RELEASE: Final = re.compile(r"\d+\.\d+(?:\.\d+)?")


class Redactor:
    """Replaces names consistently within one export. Let it `learn` everything before anything is rewritten."""

    def __init__(self) -> None:
        self._names = Pseudonyms()
        self._session = str(uuid4())

    def learn_header(self, header: Header) -> None:
        """Note the names in a header."""
        self._names.learn(header.host, "host")
        for entry in _dicts(header.config.get("targets")):
            self._learn(_text(entry.get("host")), "target")
            self._learn(_text(entry.get("name")), "target")
        for entry in _dicts(header.config.get("routes")):
            self._learn(_text(entry.get("interface")), "if")
            self._learn(_text(entry.get("name")), "route")

    def learn(self, sample: Sample) -> None:
        """Note the names in a sample."""
        match sample:
            case Series() | Name() | HopPath() | BandwidthRun() | FecRun():
                self._learn(sample.target, "target")
            case Links() | LinkInfos():
                for row in sample.rows if isinstance(sample, Links) else sample.links:
                    self._learn(row.name, "if")
            case Qdiscs():
                for queue in sample.rows:
                    self._learn(queue.interface, "if")
            case Rdma():
                for port in sample.ports:
                    self._learn(port.device, "rdma")
                    self._learn(port.netdev or "", "if")
            case NicCounters():
                for interface in sample.interfaces:
                    self._learn(interface, "if")
            case RoceTick():
                self._learn(sample.interface, "if")
            case Routes():
                for route in sample.routes:
                    self._learn(route.interface, "if")
                    self._learn(route.name, "route")
            case Facts():
                for key, fact in sample.facts.items():
                    self._learn(_interface_in(key), "if")
                    if key == "kernel.release" and fact.value and not _RELEASE.fullmatch(fact.value):
                        self._learn(fact.value, "kernel")

    def header(self, header: Header) -> Header:
        """Return a header without names."""
        hidden = msgspec.convert(self._value(msgspec.to_builtins(header), ""), Header)
        names = [self._names.scrubbed(note.name) for note in header.collectors]
        return msgspec.structs.replace(
            hidden,
            session=self._session,
            started=header.started,
            host=self._names.stand_in(header.host, "host"),
            collectors=tuple(
                msgspec.structs.replace(note, name=name) for note, name in zip(hidden.collectors, names, strict=True)
            ),
            redacted=True,
        )

    def sample(self, sample: Sample) -> Sample:
        """Return a sample without names."""
        if isinstance(sample, Host) or (isinstance(sample, Probes) and not sample.notes):
            return sample  # numbers only, and most of a session
        if isinstance(sample, Mark):
            text = sample.text
            return Mark(sample.t, text if text in VOCABULARY or not text else self._names.stand_in(text, "mark"))
        data = msgspec.convert(self._value(msgspec.to_builtins(sample), ""), dict[str, object])
        if isinstance(sample, Facts):
            data["facts"] = {self._names.scrubbed(key): self._fact(key, fact) for key, fact in sample.facts.items()}
        hidden: Sample = msgspec.convert(data, AnySample)
        return hidden

    def _learn(self, name: str, kind: str) -> None:
        if name and name not in VOCABULARY:
            self._names.learn(name, kind)

    def _value(self, value: object, field: str, *, strict: bool = False) -> object:
        """Return any value without names; `field` is what it is called where it stands. `strict`: all text goes."""
        if isinstance(value, str):
            return self._names.scrubbed(value) if field in SCRUBBED and not strict else self._hidden(value)
        strict = strict or field == "config"
        if isinstance(value, dict):
            if field == "args":  # of a sentence: texts are what fills it, tables are sentences themselves
                return {key: self._value(v, "" if isinstance(v, str) else "sentence") for key, v in value.items()}
            return {self._names.scrubbed(key): self._value(v, key, strict=strict) for key, v in value.items()}
        if isinstance(value, list | tuple):
            return [self._value(item, field, strict=strict) for item in value]
        return value

    def _fact(self, key: str, fact: Fact) -> dict[str, object]:
        """Return a fact without names, with as much of the kernel's version and of its drivers as is everybody's."""
        data = msgspec.convert(self._value(msgspec.to_builtins(fact), ""), dict[str, object])
        if fact.value is not None and key == "kernel.release":
            release = _RELEASE.match(fact.value)
            data["value"] = release[0] if release else ""
        elif fact.value is not None and key.startswith("link.") and key.endswith(".driver"):
            data["value"] = self._names.scrubbed(fact.value)
        return data

    def _hidden(self, text: str) -> str:
        """Return a text of which only numbers, known words and stand-ins are left."""
        if text in _PHRASES or text in VOCABULARY:
            return text
        known = self._names.known(text)
        return known or "".join(self._word(part) for part in _SEPARATORS.split(text))

    def _word(self, word: str) -> str:
        if not word or word in VOCABULARY or word in _PHRASES or _SEPARATORS.fullmatch(word):
            return word
        if (known := self._names.known(word)) is not None:
            return known
        head, percent, zone = word.partition("%")
        for form in (_WITH_LENGTH, _WITH_PORT):
            found = form.fullmatch(head)
            if found and self._names.is_address(found[1]):
                decorated = self._names.addresses(found[1]) + (found[2] or "")
                return decorated + (percent + self._names.stand_in(zone, "if") if zone else "")
        return word if _NUMBER.fullmatch(word) else self._names.stand_in(word, "text")


def _dicts(value: object) -> Iterator[dict[str, object]]:
    """Yield the tables of a list in a configuration, which may be anything."""
    if isinstance(value, list | tuple):
        yield from (entry for entry in value if isinstance(entry, dict))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _interface_in(key: str) -> str:
    """Return the interface in a fact's key ("link.eth0.mtu"), or "" where there is none."""
    head, _, rest = key.partition(".")
    return rest.rpartition(".")[0] if head in ("link", "qdisc") else ""
