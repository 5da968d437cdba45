"""D2, D12, D14 to D18: the NCCL environment of running processes. A person acts: only a restart applies it."""

from collections.abc import Callable
from typing import Final

from analysis.advice.plan import Evidence, Severity
from analysis.advice.rdma import NO_DEVICE, NO_HARDWARE, devices, hardware
from analysis.advice.rule import Irrelevant, Keep, Outcome, Proposal, Rule, Unsure
from analysis.advice.situation import Missing, Situation
from analysis.advice.sizing import longest_rtt
from analysis.advice.units import duration
from analysis.text import N_, Sentence, say

_NO_NCCL: Final = Irrelevant(say(N_("No process with an NCCL environment is running.")))
_TIMEOUT_UNIT_S: Final = 4.096e-6
_TIMEOUT_DEFAULT: Final = 20
_LONG_S: Final = 0.020
_FAST_MBPS: Final = 100_000


def _idle(situation: Situation) -> bool:
    return situation.number("nccl.processes") == 0


def _env(situation: Situation, name: str) -> str | None:
    return situation.find(f"nccl.env.{name}")


def _tell(
    situation: Situation,
    keys: tuple[str, ...],
    formula: Sentence,
    effect: Sentence,
    order: Sentence,
    severity: Severity = "warn",
) -> Proposal:
    known = tuple(situation.evidence(key) for key in keys if situation.find(key) is not None)
    return Proposal(
        severity=severity, confidence="medium", evidence=known, formula=formula, effect=effect, instructions=(order,)
    )


def gid_index(situation: Situation) -> Outcome:
    """D2: set before NCCL 2.21, left alone since."""
    if not devices(situation):
        return NO_DEVICE
    if _idle(situation):
        return _NO_NCCL
    version, index = _version(situation.text("nccl.version")), _env(situation, "NCCL_IB_GID_INDEX")
    keys = ("nccl.version", "nccl.env.NCCL_IB_GID_INDEX")
    if version >= (2, 21) and index is not None:
        return _tell(
            situation,
            keys,
            say(N_("NCCL 2.21 and later choose the GID by themselves")),
            say(N_("the right GID on each host, even where indices differ")),
            say(N_("Remove NCCL_IB_GID_INDEX={index} from the environment."), index=index),
        )
    if version < (2, 21) and index is None:
        return _tell(
            situation,
            keys,
            say(N_("before 2.21 NCCL takes GID 0, which is RoCE v1")),
            say(N_("traffic is routable RoCE v2")),
            say(
                N_(
                    "Set NCCL_IB_GID_INDEX to the index of the RoCE v2 GID with the IPv4 address (show_gids; "
                    "often, but not always, 3)."
                )
            ),
        )
    return Keep(say(N_("The GID index suits this version of NCCL.")))


def _version(text: str) -> tuple[int, ...]:
    parts = tuple(int(part) for part in text.split(".")[:2] if part.isdecimal())
    if len(parts) < 2:
        raise Missing(say(N_("The version of NCCL, “{text}”, is not understood."), text=text))
    return parts


def relaxed_ordering(situation: Situation) -> Outcome:
    """D12: 2 is automatic, and the default."""
    if _idle(situation):
        return _NO_NCCL
    value = _env(situation, "NCCL_IB_PCI_RELAXED_ORDERING")
    if value in {None, "2", "1"}:
        return Keep(say(N_("NCCL uses relaxed ordering where it is to be had.")))
    return _tell(
        situation,
        ("nccl.env.NCCL_IB_PCI_RELAXED_ORDERING",),
        say(N_("{value} instead of 2 (automatic, the default)"), value=value),
        say(N_("PCIe writes may overtake each other, which virtual machines need for full speed")),
        say(N_("Remove NCCL_IB_PCI_RELAXED_ORDERING, unless it works around a known fault.")),
        "info",
    )


def device_list(situation: Situation) -> Outcome:
    """D14: a list without "=" is of prefixes."""
    if not (names := devices(situation)):
        return NO_DEVICE
    if _idle(situation):
        return _NO_NCCL
    value = _env(situation, "NCCL_IB_HCA")
    if value is None or value.startswith(("=", "^")):
        return Keep(say(N_("NCCL takes every device, or exactly those named.")))
    wanted = [part.partition(":")[0] for part in value.split(",") if part]
    extra = [n for n in names if n not in wanted and any(n.startswith(part) for part in wanted)]
    if not extra or not any(part in names for part in wanted):
        return Keep(say(N_("The list names no device by accident.")))
    return _tell(
        situation,
        ("nccl.env.NCCL_IB_HCA", "rdma.devices"),
        say(N_("without “=” each name is a prefix: {extra} match too"), extra=", ".join(extra)),
        say(N_("only the devices meant are used")),
        say(N_('Set NCCL_IB_HCA="={list}".'), list=value),
    )


def socket_interface(situation: Situation) -> Outcome:
    """D15: likewise for the bootstrap interface."""
    if _idle(situation):
        return _NO_NCCL
    value = _env(situation, "NCCL_SOCKET_IFNAME")
    if value is None:
        return Unsure(
            say(N_('NCCL chooses the bootstrap interface; if it hangs, set NCCL_SOCKET_IFNAME="=INTERFACE".'))
        )
    if value.startswith(("=", "^")):
        return Keep(say(N_("The bootstrap interface is named exactly.")))
    wanted = [part for part in value.split(",") if part]
    matched = [n for n in situation.named("link", "mtu") if n.startswith(tuple(wanted))]
    if 0 < len(matched) <= len(wanted):
        return Keep(say(N_("The list matches only the interfaces it names.")))
    what = say(N_("“{value}” is a prefix and matches {matched}"), value=value, matched=", ".join(matched) or "–")
    return _tell(
        situation,
        ("nccl.env.NCCL_SOCKET_IFNAME",),
        what,
        say(N_("bootstrap uses the interface that the other ranks can reach")),
        say(N_('Name it exactly: NCCL_SOCKET_IFNAME="=INTERFACE".')),
    )


def timeout(situation: Situation) -> Outcome:
    """D16: the time-out exceeds four round trips."""
    if not hardware(situation):
        return NO_HARDWARE if devices(situation) else NO_DEVICE
    if _idle(situation):
        return _NO_NCCL
    rtt = longest_rtt(situation)
    text = _env(situation, "NCCL_IB_TIMEOUT")
    exponent = int(text) if text is not None and text.isdecimal() else _TIMEOUT_DEFAULT
    waits = _TIMEOUT_UNIT_S * 2 ** min(exponent, 31)
    if waits > 4 * rtt.value:
        return Keep(
            say(N_("NCCL waits {time} for an acknowledgement, more than four round trips."), time=duration(waits))
        )
    needed = next((n for n in range(32) if _TIMEOUT_UNIT_S * 2**n > 4 * rtt.value), 31)
    proposal = _tell(
        situation,
        ("nccl.env.NCCL_IB_TIMEOUT",),
        say(N_("4.096 µs × 2^{n} = {time} ≤ 4 × {rtt}"), n=exponent, time=duration(waits), rtt=duration(rtt.value)),
        say(N_("no resending of what is still on its way, and no abort after seven tries")),
        say(N_("Set NCCL_IB_TIMEOUT={n}, or remove it (the default is 20)."), n=max(needed, exponent)),
    )
    return Proposal(
        severity=proposal.severity,
        confidence=rtt.confidence,
        evidence=(*proposal.evidence, rtt.evidence),
        formula=proposal.formula,
        effect=proposal.effect,
        instructions=proposal.instructions,
    )


def queue_pairs(situation: Situation) -> Outcome:
    """D17: more queue pairs where equal paths are unevenly used."""
    if not hardware(situation):
        return NO_HARDWARE if devices(situation) else NO_DEVICE
    if situation.find("roce.qp_imbalance") is None:
        return Unsure(say(N_("Only a capture shows how evenly queue pairs are used; none was looked at for this.")))
    imbalance = situation.text("roce.qp_imbalance")
    try:
        ratio = float(imbalance)
    except ValueError:
        raise Missing(say(N_("The balance of the queue pairs, “{text}”, is not a number."), text=imbalance)) from None
    if not ratio > 1.5:
        return Keep(say(N_("The queue pairs carry about the same (busiest {ratio} × mean)."), ratio=imbalance))
    return _tell(
        situation,
        ("roce.qp_imbalance",),
        say(N_("busiest queue pair {ratio} × mean > 1.5"), ratio=imbalance),
        say(N_("traffic is spread over more of the equal paths")),
        say(N_("Try NCCL_IB_QPS_PER_CONNECTION=4 (2 to 8), and NCCL_IB_SPLIT_DATA_ON_QPS=1; measure both.")),
    )


def socket_threads(situation: Situation) -> Outcome:
    """D18: several TCP connections for NCCL without RDMA."""
    if hardware(situation):
        return Irrelevant(say(N_("NCCL uses RDMA here, not TCP.")))
    if _idle(situation):
        return _NO_NCCL
    speeds = {n: situation.find_number(f"link.{n}.speed_mbps") or 0 for n in situation.named("link", "speed_mbps")}
    rtt = longest_rtt(situation)
    fast = max(speeds.values(), default=0) >= _FAST_MBPS
    if not fast and rtt.value <= _LONG_S:
        return Keep(say(N_("One connection between two ranks fills this line.")))
    threads, sockets = (_count(situation, name) for name in ("NCCL_SOCKET_NTHREADS", "NCCL_NSOCKS_PERTHREAD"))
    if threads * sockets > 1:
        return Keep(say(N_("NCCL uses {n} connections already."), n=threads * sockets))
    reason = (
        Evidence("link.speed_mbps", max(speeds.values(), default=0), say(N_("fastest link")))
        if fast
        else rtt.evidence
    )
    return Proposal(
        severity="info",
        confidence="medium",
        evidence=(reason,),
        formula=say(N_("threads × sockets ≤ 64; the loss bound of TCP holds for each connection by itself")),
        effect=say(N_("several connections share the path; each is bound by loss and window alone")),
        instructions=(
            say(N_("Start NCCL with NCCL_SOCKET_NTHREADS=4 and NCCL_NSOCKS_PERTHREAD=4, and measure; it costs CPU.")),
        ),
    )


def _count(situation: Situation, name: str) -> int:
    value = _env(situation, name)
    return int(value) if value is not None and value.isdecimal() and len(value) < 6 else 1


def _rule(number: str, title: str, decide: Callable[[Situation], Outcome], authority: str) -> Rule:
    return Rule(
        id=number,
        title=say(title),
        risk="R0",
        scope="application",
        persists="application",
        authority=(authority,),
        decide=decide,
    )


_ENVIRONMENT: Final = "NCCL documentation, environment variables"
RULES: Final = (
    _rule("D2", N_("Choose the GID as this NCCL expects"), gid_index, f"{_ENVIRONMENT}: NCCL_IB_GID_INDEX"),
    _rule("D12", N_("Let PCIe writes overtake"), relaxed_ordering, f"{_ENVIRONMENT}: NCCL_IB_PCI_RELAXED_ORDERING"),
    _rule("D14", N_("Name RDMA devices exactly"), device_list, f"{_ENVIRONMENT}: NCCL_IB_HCA"),
    _rule("D15", N_("Name the bootstrap interface exactly"), socket_interface, f"{_ENVIRONMENT}: NCCL_SOCKET_IFNAME"),
    _rule(
        "D16",
        N_("Wait long enough for acknowledgements"),
        timeout,
        f"{_ENVIRONMENT}: NCCL_IB_TIMEOUT; factor 4 is a heuristic",
    ),
    _rule("D17", N_("Spread over more queue pairs"), queue_pairs, f"{_ENVIRONMENT}: NCCL_IB_QPS_PER_CONNECTION"),
    _rule(
        "D18",
        N_("Use several TCP connections between ranks"),
        socket_threads,
        f"{_ENVIRONMENT}: NCCL_SOCKET_NTHREADS",
    ),
)
