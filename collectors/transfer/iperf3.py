"""Runs an iperf3 client that is installed here, against a server of the person's, and reads its report."""

import asyncio
import contextlib
import shutil
from typing import Final, Literal

import msgspec

from analysis.samples import DatagramCounts, SenderAccount
from analysis.text import N_, say
from collectors.probe.stream import Binding
from collectors.transfer.client import Moved
from collectors.transfer.talk import Gone
from collectors.transfer.wire import Arrived, Ask

PORT: Final = 5201
REPORT_LIMIT: Final = 32 << 20
SLACK_S: Final = 30.0


class _Sum(msgspec.Struct):
    """Bytes and time of one side; UDP has the rest."""

    seconds: float = 0.0
    bytes: int = 0
    retransmits: int | None = None
    jitter_ms: float | None = None
    lost_packets: int | None = None
    packets: int | None = None


class _Side(msgspec.Struct):
    bytes: int = 0
    max_snd_cwnd: int | None = None
    mean_rtt: int | None = None
    min_rtt: int | None = None
    retransmits: int | None = None


class _Stream(msgspec.Struct):
    sender: _Side | None = None
    receiver: _Side | None = None


class _End(msgspec.Struct):
    streams: list[_Stream] = []
    sum_sent: _Sum | None = None
    sum_received: _Sum | None = None
    sum: _Sum | None = None
    sender_tcp_congestion: str | None = None


class _Start(msgspec.Struct):
    tcp_mss_default: int = 0


class Report(msgspec.Struct):
    """What is read of `iperf3 -J`."""

    start: _Start = msgspec.field(default_factory=_Start)
    end: _End = msgspec.field(default_factory=_End)
    error: str | None = None


def command(host: str, port: int, ask: Ask, direction: Literal["up", "down"], binding: Binding) -> list[str]:
    """Return the argument vector. The cap becomes a limit of the rate, so that it holds whatever the line can do.

    Raises `Gone` for a way out that packets take by their mark: iperf3 sets none.
    """
    if binding.mark:
        raise Gone(say(N_("iperf3 cannot take that route: packets take it by a mark. Leave out --iperf3.")))
    omit = int(ask.seconds * 0.2)
    words = ["iperf3", "-c", host, "-p", str(port), "-J", "-6" if ":" in host else "-4", "-P", str(ask.flows)]
    words += ["-t", str(max(1, round(ask.seconds) - omit)), "-O", str(omit)]
    words += ["-R"] if direction == "down" else []
    words += ["-B", binding.source] if binding.source else []
    words += ["--bind-dev", binding.interface] if binding.interface else []
    if ask.protocol == "udp":
        return [*words, "-u", "-l", str(ask.payload_bytes), "-b", str(ask.pace_bps)]
    return [*words, "-b", str(int(ask.most_bytes * 8 / max(1.0, ask.seconds) / ask.flows))]


async def run(words: list[str], ask: Ask) -> Report:
    """Run iperf3 and return its report. Raises `Gone` with what it said itself where it failed."""
    program = shutil.which(words[0])
    if program is None:
        raise Gone(
            say(
                N_("iperf3 is not installed here. Install it ({command}), or leave out --iperf3."),
                command="apt install iperf3",
            )
        )
    process = await asyncio.create_subprocess_exec(
        program,
        *words[1:],
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None  # noqa: S101 - a pipe was asked for
    try:
        async with asyncio.timeout(ask.seconds + SLACK_S):
            text = await process.stdout.read(REPORT_LIMIT)
            while len(text) < REPORT_LIMIT and (more := await process.stdout.read(REPORT_LIMIT - len(text))):
                text += more
            await process.wait()
    except TimeoutError as late:
        raise Gone(say(N_("iperf3 did not come to its end."))) from late
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return read(text)


def read(text: bytes) -> Report:
    """Return a report. Raises `Gone` where it tells of a failure, or is none."""
    try:
        report = msgspec.json.decode(text, type=Report)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise Gone(say(N_("iperf3 printed something that is not its report."))) from problem
    if report.error:
        raise Gone(say(N_("iperf3 says: {problem}. At the other end, run: iperf3 -s"), problem=report.error))
    return report


def moved(report: Report, ask: Ask, direction: Literal["up", "down"]) -> Moved:
    """Return a report in our own terms."""
    end = report.end
    got = (end.sum if ask.protocol == "udp" else end.sum_received) or _Sum()
    sent = (end.sum_sent or end.sum or _Sum()).bytes
    arrived = Arrived(
        bytes=max(0, _received(got, ask)),
        span_ns=max(0, int(got.seconds * 1e9)),
        skipped_ns=int(ask.seconds * 0.2) * 10**9,
        moved_bytes=max(0, sent),
        flow_bytes=tuple(max(0, one.receiver.bytes) for one in end.streams if one.receiver is not None)[: ask.flows],
        datagrams=_datagrams(got) if ask.protocol == "udp" else None,
    )
    account = _account(report) if ask.protocol == "tcp" else None
    if direction == "up":
        return Moved(up=arrived, up_sender=account, up_bytes=sent, up_capped=_held(arrived, ask))
    return Moved(down=arrived, down_sender=account, down_bytes=sent, down_capped=_held(arrived, ask))


def _received(got: _Sum, ask: Ask) -> int:
    if ask.protocol == "tcp" or not got.packets:
        return got.bytes
    return (got.packets - (got.lost_packets or 0)) * ask.payload_bytes


def _held(arrived: Arrived, ask: Ask) -> bool:
    """Tell whether the limit of the rate was reached."""
    return (
        ask.protocol == "tcp" and arrived.bytes / max(arrived.span_ns, 1) > 0.9 * ask.most_bytes / ask.seconds / 1e9
    )


def _datagrams(got: _Sum) -> DatagramCounts:
    sent, lost = max(0, got.packets or 0), max(0, got.lost_packets or 0)
    return DatagramCounts(
        sent, max(0, sent - lost), jitter_us=None if got.jitter_ms is None else round(got.jitter_ms * 1000, 1)
    )


def _account(report: Report) -> SenderAccount:
    end = report.end
    sides = [one.sender for one in end.streams if one.sender is not None]
    mss = max(1, report.start.tcp_mss_default)
    rtts = [side.mean_rtt for side in sides if side.mean_rtt]
    least = [side.min_rtt for side in sides if side.min_rtt]
    resent = end.sum_sent.retransmits if end.sum_sent else None
    return SenderAccount(
        cc=end.sender_tcp_congestion or "",
        mss=mss,
        cwnd_packets=sum(side.max_snd_cwnd or 0 for side in sides) // mss,
        rtt_us=round(sum(rtts) / len(rtts)) if rtts else None,
        min_rtt_us=min(least, default=None),
        bytes_sent=end.sum_sent.bytes if end.sum_sent else None,
        bytes_retrans=None if resent is None else resent * mss,
    )
