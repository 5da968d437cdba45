"""The one process that changes the box: short-lived, root, one order as JSON on stdin, one report a line on stdout.

`python -I -m tuning.executor`. It trusts nothing that it is told: settings, values and risks are checked here.
"""

import os
import signal
import sys
from typing import Final

import msgspec

from analysis.text import N_, Sentence, say
from tuning.failure import Refused
from tuning.host import Host
from tuning.plan import Request
from tuning.reports import ORDER, Order, Report
from tuning.trial import apply, confirm, rollback

OK: Final = 0
TROUBLE: Final = 1
REFUSED: Final = 2
UNPRIVILEGED: Final = 4
_LONGEST: Final = 1 << 20


def main() -> int:
    """Carry out the order on stdin; return 0 done, 1 not as hoped for, 2 refused, 4 not root."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # half a plan is in nobody's interest
    if os.geteuid() != 0:
        tell(Report("refused", text=say(N_("Only root may change the settings of this box.")), trouble=True))
        return UNPRIVILEGED
    try:
        order = ORDER.decode(sys.stdin.buffer.read(_LONGEST))
        return OK if obey(Host(), order) else TROUBLE
    except msgspec.DecodeError as failure:
        return refuse(say(N_("The order is not understood: {why}."), why=failure))
    except Refused as refused:
        return refuse(refused.why)


def obey(host: Host, order: Order) -> bool:
    """Carry out an order; return whether all went as hoped for. Raises Refused, msgspec.DecodeError."""
    match order.do:
        case "apply":
            return apply(host, msgspec.json.decode(order.request, type=Request), tell, order.tool)
        case "confirm":
            return confirm(host, order.plan, tell, order.tool)
        case "rollback":
            return rollback(host, order.plan, tell, order.tool)


def refuse(why: Sentence) -> int:
    """Tell why nothing was done."""
    tell(Report("refused", text=why, trouble=True))
    return REFUSED


def tell(report: Report) -> None:
    """Write a report. Whoever listens may be gone; what has begun goes on all the same."""
    try:
        sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


if __name__ == "__main__":
    sys.exit(main())
