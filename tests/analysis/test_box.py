"""What the box's counters grew by, and what is left out where they were read once."""

from msgspec.structs import replace

from analysis.box import Box
from analysis.samples import Host, NicCounters, Rdma, RdmaPort, TcpCounters

SECOND = 10**9
PORT = RdmaPort("mlx5_0", 1, "Ethernet", "ACTIVE", counters={"packet_seq_err": 5})


def grown_of(*samples: Host | TcpCounters | NicCounters | Rdma):
    box = Box()
    for sample in samples:
        box.fold(sample)
    return box.growth()


def test_cards_grow_by_interface_and_rdma_by_device_its_ports_together() -> None:
    again = replace(PORT, counters={"packet_seq_err": 8})
    grown = grown_of(
        NicCounters(0, {"eth0": {"rx_out_of_buffer": 7, "gone": 1}}),
        Rdma(0, (PORT, replace(PORT, port=2))),
        NicCounters(4 * SECOND, {"eth0": {"rx_out_of_buffer": 10}, "eth1": {"rx_out_of_buffer": 1}}),
        Rdma(4 * SECOND, (again, replace(PORT, port=2))),
    )
    assert grown is not None
    assert grown.nic == {"eth0.rx_out_of_buffer": 3}
    assert grown.rdma == {"mlx5_0.packet_seq_err": 3}
    assert grown.seconds == 4


def test_calls_to_receive_packets_grow_by_core() -> None:
    grown = grown_of(Host(0, net_rx=(5, 9)), Host(2 * SECOND, net_rx=(7, 9)))
    assert grown is not None
    assert grown.interrupts == (2, 0)


def test_what_was_read_once_does_not_grow() -> None:
    assert grown_of(Host(0, softnet_dropped=(1,)), TcpCounters(0, {"a": 1})) is None
    grown = grown_of(TcpCounters(0, {"a": 1}), Host(0, softnet_dropped=(1,)), TcpCounters(SECOND, {"a": 3}))
    assert grown is not None
    assert (grown.tcp, grown.softnet_dropped, grown.seconds) == ({"a": 2}, (), 1.0)
