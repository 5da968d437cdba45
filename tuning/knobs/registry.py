"""Every knob by its name. A new kind of setting is its file, its line here and its test."""

from typing import Final

from tuning.knobs import ethtool, limit, module, mtu, qdisc, rdma, shaping, steering, sysctl
from tuning.knobs.knob import Knob

KNOBS: Final[dict[str, Knob]] = {
    knob.name: knob
    for knob in (
        module.KNOB,
        mtu.KNOB,
        *ethtool.KNOBS,
        qdisc.KNOB,
        shaping.KNOB,
        sysctl.KNOB,
        *steering.KNOBS,
        *rdma.KNOBS,
        limit.KNOB,
    )
}
