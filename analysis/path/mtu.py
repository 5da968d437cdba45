"""What the path MTU means for those who send."""

from collections.abc import Iterator

from analysis.path.view import Hint
from analysis.samples import PathMtu
from analysis.text import N_, Sentence, say


def mtu_hints(mtu: PathMtu | None) -> Iterator[Hint]:
    """Yield what is wrong about a path's MTU."""
    if mtu is None or mtu.mtu is None or mtu.refused is None:
        return
    if mtu.black_hole:
        yield Hint("black-hole", _black_hole(mtu), mtu.after_ttl)
    elif mtu.said_mtu is not None and mtu.said_mtu != mtu.mtu:
        text = say(
            N_("{router} says that {said} bytes pass, but {mtu} do: senders that believe it suffer."),
            router=mtu.said_by or "–",
            said=mtu.said_mtu,
            mtu=mtu.mtu,
        )
        yield Hint("mtu", text)


def _black_hole(mtu: PathMtu) -> Sentence:
    if mtu.after_ttl is None:
        return say(
            N_(
                "Packets above {mtu} bytes vanish without a word: TCP hangs once it sends full segments."
                " Lower the MTU here, or clamp the MSS."
            ),
            mtu=mtu.mtu,
        )
    return say(
        N_(
            "Packets above {mtu} bytes vanish without a word behind hop {hop}: TCP hangs once it sends full"
            " segments. Lower the MTU here, or clamp the MSS."
        ),
        mtu=mtu.mtu,
        hop=mtu.after_ttl,
    )
