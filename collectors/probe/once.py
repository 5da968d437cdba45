"""One echo request, now, to one host: ping3 in a thread."""

import itertools
import secrets
from typing import Final

from analysis.text import N_, Sentence, say
from collectors.threads import DaemonThreads

_THREADS: Final = DaemonThreads(2, "longpipe-check")
_SEQUENCES: Final = itertools.count(secrets.randbelow(1 << 16))


async def check_once(host: str, timeout_s: float = 2.0) -> int | Sentence:
    """Return the round-trip time to `host` in microseconds, or why there is none.

    For "does it answer at all": the time is the process's own and may read some milliseconds too long.
    """
    return await _THREADS.call(_check, host, timeout_s)


def _check(host: str, timeout_s: float) -> int | Sentence:
    import ping3
    from ping3.errors import PingError, Timeout

    ping3.EXCEPTIONS = True  # else a timeout and an unknown host are None and False
    try:
        # ping3 matches replies by id and sequence only: a sequence used once cannot be answered by another host.
        delay_s = ping3.ping(host, timeout=timeout_s, seq=next(_SEQUENCES) % (1 << 16))
    except Timeout:
        return say(N_("{host} did not answer within {seconds} s."), host=host, seconds=f"{timeout_s:g}")
    except (PingError, OSError, ValueError) as problem:
        return say(N_("{host} could not be asked: {reason}"), host=host, reason=problem)
    return say(N_("{host} gave no answer."), host=host) if not delay_s else round(delay_s * 1_000_000)
