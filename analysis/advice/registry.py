"""Every rule, in the order in which equals are shown. A new rule is its file, its line here and its test."""

from typing import Final

from analysis.advice.rule import Rule
from analysis.advice.rules import (
    t01_receive_buffer,
    t02_send_buffer,
    t05_congestion_control,
    t06_pacing_qdisc,
    t07_slow_start_after_idle,
    t10_listen_queue,
    t11_packet_backlog,
    t22_connection_tracking,
)

RULES: Final[tuple[Rule, ...]] = (
    t01_receive_buffer.RULE,
    t02_send_buffer.RULE,
    t05_congestion_control.RULE,
    t06_pacing_qdisc.RULE,
    t07_slow_start_after_idle.RULE,
    t10_listen_queue.RULE,
    t11_packet_backlog.RULE,
    t22_connection_tracking.RULE,
)
