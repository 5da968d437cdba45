"""Series of several sessions on one timeline: what is probed the same way is the same series, whatever its number."""

from typing import Final

import msgspec

from analysis.samples import Probes, Sample, Series

FRESH: Final = 1 << 40
"""Numbers from here on are given to series of older sessions that the newest one does not have."""

_What = tuple[object, ...]


class Identities:
    """Renumbers the series of older sessions; those of the newest one keep their numbers.

    A program that is started again numbers its series from 1 again: without this, yesterday's series 1 would be
    drawn as today's.
    """

    def __init__(self, newest: str) -> None:
        self._newest = newest
        self._by_what: dict[_What, int] = {}
        self._by_number: dict[tuple[str, int], int] = {}

    def number(self, session: str, series: int) -> int:
        """Return the number on this timeline of a session's series."""
        if session == self._newest:
            return series
        return self._by_number.setdefault((session, series), FRESH + len(self._by_number))

    def learn(self, session: str, series: Series) -> None:
        """Note what a session's number stands for."""
        what = _what(series)
        if session == self._newest:
            self._by_what[what] = series.id
        elif (session, series.id) not in self._by_number:
            number = self._by_what.setdefault(what, FRESH + len(self._by_number))
            self._by_number[session, series.id] = number

    def translate(self, session: str, sample: Sample) -> Sample:
        """Return a sample with this timeline's numbers."""
        if type(sample) is Series:
            self.learn(session, sample)
            return msgspec.structs.replace(sample, id=self.number(session, sample.id))
        if type(sample) is Probes and session != self._newest:
            return msgspec.structs.replace(
                sample,
                series=tuple(self.number(session, series) for series in sample.series),
                in_flight=tuple((self.number(session, series), count) for series, count in sample.in_flight),
            )
        return sample


def _what(series: Series) -> _What:
    return (
        series.target,
        series.address,
        series.protocol,
        series.port,
        series.route,
        series.role,
        series.payload_bytes,
        series.dscp,
        series.dont_fragment,
    )
