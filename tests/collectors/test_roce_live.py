"""Capturing where RDMA devices are, through their coming and going; and what cards do without the kernel."""

import asyncio
from pathlib import Path

import pytest

from analysis.samples import Health, RdmaPort, RoceTick
from collectors.capture.options import health_name
from collectors.clock import Clock
from collectors.nic_counters import NicCountersCollector, read, telling
from collectors.offload import offloaded
from collectors.roce_live import RoceLive
from tests.collectors.capture.cable import Cable
from tests.collectors.planted import plant
from tests.collectors.watching import watching
from tests.lab.bed import Bed, inside
from tests.lab.roce_frames import write

RXE = "sys/class/infiniband/rxe0"
SOFT = {
    f"{RXE}/parent": "far\n",
    f"{RXE}/ports/1/state": "4: ACTIVE\n",
    f"{RXE}/ports/1/rate": "2.5 Gb/sec (1X SDR)\n",
    f"{RXE}/ports/1/link_layer": "Ethernet\n",
    f"{RXE}/ports/1/gid_attrs/ndevs/0": "far\n",
}


async def test_the_interface_of_an_rdma_device_is_captured_until_it_goes_and_again_when_it_returns(
    bed: Bed, tmp_path: Path
) -> None:
    cable = Cable(bed)
    live = RoceLive(Clock(), plant(tmp_path, SOFT), look_s=0.2)
    with inside(cable.there):
        async with watching(live) as watcher:
            await watcher.until(Health)
            cable.send([write(0x11, i) for i in range(7)])
            first = await watcher.until(RoceTick, lambda tick: tick.captured > 0)
            assert (first.interface, first.captured, first.dropped) == ("far", 7, 0)
            bed.ip(cable.there, "link del far")
            gone = await watcher.until(Health, lambda health: health.state == "missing")
            assert (gone.collector, str(gone.problem)) == (health_name("far"), "Interface far is gone.")
            watcher.samples.clear()
            cable.lay()
            await watcher.until(Health, lambda health: health.problem is None)
            cable.send([write(0x11, 9)])
            assert (await watcher.until(RoceTick, lambda tick: tick.captured > 0)).captured == 1


async def test_an_interface_that_was_asked_for_and_does_not_exist_is_told(bed: Bed) -> None:
    with inside(bed.namespace()):
        async with watching(RoceLive(Clock(), interfaces=["eth7"])) as watcher:
            told = await watcher.until(Health)
    assert (told.collector, told.state, str(told.problem)) == (
        "roce eth7",
        "missing",
        "There is no interface eth7.",
    )


def port(packets: int, driver: str = "mlx5_core", **more: str) -> RdmaPort:
    fields = {"device": "mlx5_0", "link_layer": "Ethernet", "netdev": "eth5"} | more
    return RdmaPort(port=1, state="ACTIVE", driver=driver, counters={"port_rcv_packets": packets}, **fields)


def test_a_card_that_carries_what_is_not_captured_is_told_with_the_way_for_its_driver() -> None:
    told = str(offloaded(port(1000), port(5000), 0))
    assert "mlx5_0 does RoCE in hardware" in told
    assert "sudo tcpdump -i mlx5_0 -s 128 -w roce.pcap" in told
    assert "ethtool --set-priv-flags eth5 sniffer on" in told
    other = str(offloaded(port(1000, "bnxt_en"), port(5000, "bnxt_en"), 0))
    assert "Mirror the port on the switch" in other
    assert "bnxt_en" in other


@pytest.mark.parametrize(
    ("was", "now", "captured"),
    [
        (port(1000), port(1001), 0),
        (port(1000), port(5000), 3),
        (port(5000), port(1000), 0),
        (port(1000, "rdma_rxe"), port(5000, "rdma_rxe"), 0),
        (port(1000, link_layer="InfiniBand"), port(5000, link_layer="InfiniBand"), 0),
    ],
    ids=["idle", "captured", "counters reset", "software", "InfiniBand"],
)
def test_nothing_is_said_of_offload_where_there_is_none(was: RdmaPort, now: RdmaPort, captured: int) -> None:
    assert offloaded(was, now, captured) is None


async def test_a_card_is_listened_to_once_it_carries_something_and_let_alone_if_the_kernel_sees_none_of_it(
    bed: Bed, tmp_path: Path
) -> None:
    cable = Cable(bed)
    counter = f"{RXE}/ports/1/counters/port_rcv_packets"
    root = plant(tmp_path, SOFT | {counter: "0"}, {f"{RXE}/device/driver": "../../bus/pci/drivers/mlx5_core"})
    live = RoceLive(Clock(), root, look_s=0.05, rest_s=0.5)
    count = 0

    async def carry(until: type[Health] | type[RoceTick], state: str = "") -> None:
        """Let the card's counter rise until a sample of that kind comes."""
        nonlocal count
        watcher.samples.clear()
        while not any(isinstance(s, until) and getattr(s, "state", "") == state for s in watcher.samples):
            count += 5000
            (tmp_path / counter).write_text(str(count))
            await asyncio.sleep(0.02)

    with inside(cable.there):
        async with watching(live) as watcher:
            await asyncio.sleep(0.2)
            assert not watcher.samples
            await carry(RoceTick)
            await carry(Health, "missing")
            told = await watcher.until(Health)
            assert "does RoCE in hardware" in str(told.problem)
            await carry(Health, "running")


async def test_counters_of_a_card_are_read_and_those_of_software_are_left_out(bed: Bed, tmp_path: Path) -> None:
    cable = Cable(bed)
    with inside(cable.there):
        assert read("far", lambda name: name == "peer_ifindex")["peer_ifindex"] > 0
        assert read("far") == {}
        with pytest.raises(OSError, match="No such device"):
            read("eth7")
    assert NicCountersCollector(Clock(), plant(tmp_path, SOFT)).needs() == ()


@pytest.mark.parametrize(
    "name",
    [
        "rx_prio3_pause",
        "tx_prio3_pause_duration",
        "rx_prio3_cong_discard",
        "rx_discards_phy",
        "rx_out_of_buffer",
        "tx_pause_storm_warning_events",
        "rx_pfc_ena_frames_pri3",
        "tx_priority_3_xoff.nic",
        "rx_ecn_mark",
    ],
)
def test_counters_of_pauses_discards_and_congestion_are_told(name: str) -> None:
    assert telling(name)


@pytest.mark.parametrize("name", ["rx_packets", "rx3_ecn_mark", "rx_queue_0_drops", "[0]: rx_discards", "ch0_poll"])
def test_counters_of_queues_and_of_plain_traffic_are_not(name: str) -> None:
    assert not telling(name)
