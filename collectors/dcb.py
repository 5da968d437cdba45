"""What switch and card agreed on for lossless Ethernet, by DCB netlink; blocking (uapi/linux/dcbnl.h)."""

import socket
from struct import Struct
from typing import Final

from collectors.netlink import ask, attributes, packed

_GET_DCB: Final = 78
"""RTM_GETDCB."""
_DCB: Final = Struct("=BBxx")
_IEEE_GET: Final = 21
_IFNAME, _IEEE = 1, 13
_IEEE_PFC, _IEEE_APP_TABLE = 2, 3
_BY_DSCP: Final = 5
"""IEEE_8021QAZ_APP_SEL_DSCP: with such an entry drivers sort by DSCP (mlx5 en_dcbnl.c, bnxt_dcb.c)."""


def dcb(name: str) -> dict[str, str | None]:
    """Return `pfc_priorities` and `dcb_trust`, None where the driver does not tell. Raises OSError."""
    request = _DCB.pack(socket.AF_UNSPEC, _IEEE_GET) + packed(_IFNAME, name.encode() + b"\0")
    answers = ask(socket.NETLINK_ROUTE, _GET_DCB, request)
    return agreed(answers[0] if answers else memoryview(b""))


def agreed(message: memoryview) -> dict[str, str | None]:
    """Decode a dcbmsg with DCB_ATTR_IEEE (struct ieee_pfc: pfc_cap, pfc_en; struct dcb_app: selector)."""
    ieee = dict(attributes(message, _DCB.size, len(message))).get(_IEEE)
    if ieee is None:
        return {"pfc_priorities": None, "dcb_trust": None}
    parts = dict(attributes(ieee, 0, len(ieee)))
    pfc, table = parts.get(_IEEE_PFC), parts.get(_IEEE_APP_TABLE)
    priorities = None if pfc is None or len(pfc) < 2 else [bit for bit in range(8) if pfc[1] >> bit & 1]
    selectors = () if table is None else (app[0] for _, app in attributes(table, 0, len(table)) if len(app))
    return {
        "pfc_priorities": None if priorities is None else " ".join(map(str, priorities)),
        "dcb_trust": None if table is None else "dscp" if _BY_DSCP in selectors else "pcp",
    }
