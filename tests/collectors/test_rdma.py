"""RDMA ports as sysfs shows them, and why there are none."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from analysis.samples import Rdma, RdmaPort
from collectors.clock import Clock
from collectors.rdma import RdmaCollector, read_ports, why_absent
from tests.collectors.planted import plant
from tests.collectors.watching import watching

RXE = "sys/class/infiniband/rxe0"
SOFT = {
    f"{RXE}/parent": "eth2\n",
    f"{RXE}/ports/1/state": "4: ACTIVE\n",
    f"{RXE}/ports/1/rate": "2.5 Gb/sec (1X SDR)\n",
    f"{RXE}/ports/1/link_layer": "Ethernet\n",
    f"{RXE}/ports/1/gid_attrs/ndevs/0": "eth2\n",
    f"{RXE}/ports/1/hw_counters/sent_pkts": "5335187\n",
    f"{RXE}/ports/1/hw_counters/out_of_seq_request": "12\n",
    f"{RXE}/ports/1/hw_counters/lifespan": "10\n",
}
MLX = "sys/class/infiniband/mlx5_0"
HARD = {
    f"{MLX}/ports/1/state": "4: ACTIVE",
    f"{MLX}/ports/1/rate": "100 Gb/sec (4X EDR)",
    f"{MLX}/ports/1/link_layer": "InfiniBand",
    f"{MLX}/ports/1/counters/port_xmit_data": "77",
    f"{MLX}/ports/1/counters/VL15_dropped": "N/A (no PMA)",
    f"{MLX}/ports/1/hw_counters/out_of_sequence": "3",
}


def test_a_soft_roce_port_is_read_with_its_counters_and_without_its_settings(tmp_path: Path) -> None:
    counters = {"sent_pkts": 5335187, "out_of_seq_request": 12}
    assert read_ports(plant(tmp_path, SOFT)) == (
        RdmaPort("rxe0", 1, "Ethernet", "ACTIVE", "rdma_rxe", "eth2", 2.5, counters),
    )


def test_a_hardware_port_has_both_kinds_of_counters_and_one_it_cannot_tell_is_missing(tmp_path: Path) -> None:
    root = plant(tmp_path, HARD, {f"{MLX}/device/driver": "../../bus/pci/drivers/mlx5_core"})
    (port,) = read_ports(root)
    assert (port.driver, port.rate_gbps, port.netdev) == ("mlx5_core", 100.0, None)
    assert port.counters == {"port_xmit_data": 77, "out_of_sequence": 3}


async def test_counters_are_told_at_every_tick_and_a_vanished_device_once(tmp_path: Path) -> None:
    root = plant(tmp_path, SOFT)
    async with watching(RdmaCollector(Clock(), root, interval_s=0.01)) as watcher:
        await watcher.until(Rdma, lambda s: bool(s.ports))
        (tmp_path / f"{RXE}/ports/1/hw_counters/sent_pkts").write_text("5335188")
        await watcher.until(Rdma, lambda s: bool(s.ports) and s.ports[0].counters["sent_pkts"] == 5335188)
        (tmp_path / "sys/class/infiniband").rename(tmp_path / "gone")
        await watcher.until(Rdma, lambda s: s.absent is not None)
        (tmp_path / "gone").rename(tmp_path / "sys/class/infiniband")
        await watcher.until(Rdma, lambda s: bool(s.ports))
    assert sum(isinstance(s, Rdma) and s.absent is not None for s in watcher.samples) == 1


ETHERNET = {"sys/class/net/eth7/device/vendor": "0x15b3", "proc/sys/kernel/osrelease": "6.1.0"}


@pytest.mark.parametrize(
    ("files", "driver", "environ", "says"),
    [
        ({}, "mlx5_core", {}, "eth7 can do RDMA, but its RDMA driver is not loaded. Run: sudo modprobe mlx5_ib"),
        ({}, "virtio_net", {}, "sudo modprobe rdma_rxe && sudo rdma link add rxe0 type rxe netdev eth7"),
        ({"lib/modules/6.1.0/modules.dep": "kernel/net/sched/sch_fq.ko:"}, "virtio_net", {}, "no Soft-RoCE"),
        ({".dockerenv": ""}, "mlx5_core", {}, "inside this container"),
        ({}, "mlx5_core", {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "inside this container"),
    ],
)
def test_without_a_device_the_box_says_why_and_what_to_run(
    tmp_path: Path, files: Mapping[str, str], driver: str, environ: Mapping[str, str], says: str
) -> None:
    root = plant(tmp_path, ETHERNET | dict(files), {"sys/class/net/eth7/device/driver": f"../drivers/{driver}"})
    assert says in str(why_absent(root, environ))


def test_the_interface_to_try_is_one_of_this_box(tmp_path: Path) -> None:
    veth = plant(tmp_path / "veth", {"sys/class/net/lo/mtu": "", "sys/class/net/veth3/mtu": ""})
    assert "netdev veth3" in str(why_absent(veth, {}))
    tunnel = plant(tmp_path / "tunnel", {"sys/class/net/lo/mtu": "", "sys/class/net/tun0/type": "65534"})
    assert "no network interface" in str(why_absent(tunnel, {}))
    assert "no network interface" in str(why_absent(plant(tmp_path / "none", {"sys/class/net/lo/mtu": ""}), {}))
