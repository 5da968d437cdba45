"""How much memory new logins may lock, as RDMA needs it. Nothing that runs is touched: it is not tried, only kept."""

from typing import Final

from tuning.host import Host
from tuning.knobs.knob import Knob, one_of, unknown_key
from tuning.steps import Cell, Step

LIMITS: Final = "/etc/security/limits.d/90-longpipe.conf"
LINE: Final = "* - memlock unlimited"
_UNTRIED: Final = "new logins only"


def _read(host: Host, key: str) -> str:
    if key != "memlock":
        raise unknown_key("limit", key)
    try:
        lines = host.text(LIMITS).splitlines()
    except OSError:
        lines = []
    return "unlimited" if LINE in lines else "default"


def _steps(host: Host, key: str, value: str) -> tuple[Step, ...]:
    if _read(host, key) == one_of(value, ("unlimited",), key):
        return ()
    cell = Cell(argv=("true",), absent=_UNTRIED)
    return (Step("limit", key, cell, _UNTRIED, _UNTRIED, (), (), keep="limits"),)


KNOB: Final = Knob(name="limit", order=70, read=_read, steps=_steps, risk=lambda _: "R0")
