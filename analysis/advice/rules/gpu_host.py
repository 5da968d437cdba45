"""D10, D11, D13: the way between GPU and card inside the box."""

from typing import Final

from analysis.advice.plan import Change
from analysis.advice.rdma import NO_DEVICE, NO_HARDWARE, devices, hardware
from analysis.advice.rule import Irrelevant, Keep, Outcome, Proposal, Rule, Unsure
from analysis.advice.situation import Situation
from analysis.text import N_, say

_NO_GPU: Final = Irrelevant(say(N_("No GPU, so no GPUDirect.")))
_READ_BYTES: Final = 4096


def _no_gpu_direct(situation: Situation) -> Irrelevant | None:
    if situation.number("gpu.count") == 0:
        return _NO_GPU
    if not hardware(situation):
        return NO_HARDWARE if devices(situation) else NO_DEVICE
    return None


def peer_memory(situation: Situation) -> Outcome:
    """D10: the module that lets the card read GPU memory."""
    if (other := _no_gpu_direct(situation)) is not None:
        return other
    if situation.find("gpu.open_driver") == "yes":
        return Keep(say(N_("The open GPU driver hands its memory to RDMA by DMA-BUF; nvidia-peermem is not needed.")))
    state = situation.text("module.nvidia_peermem")
    if state in {"loaded", "builtin"}:
        return Keep(say(N_("nvidia-peermem is loaded.")))
    if state != "available":
        return Unsure(
            say(
                N_(
                    "nvidia-peermem is not installed; whether these GPUs have GPUDirect or use DMA-BUF "
                    "cannot be seen."
                )
            )
        )
    return Proposal(
        severity="warn",
        confidence="medium",
        evidence=(
            situation.evidence("module.nvidia_peermem"),
            situation.evidence("gpu.count"),
            situation.evidence("rdma.devices"),
        ),
        formula=say(N_("GPU and RDMA card present, nvidia-peermem not loaded")),
        effect=say(N_("data goes from GPU to card without a copy through host memory")),
        changes=(
            Change(
                "module",
                "nvidia_peermem",
                "not loaded",
                "loaded",
                say(N_("RDMA may register GPU memory")),
                "modprobe -r nvidia_peermem",
            ),
        ),
        instructions=(
            say(N_("Not needed with the open GPU driver and a kernel with DMA-BUF: NCCL finds that by itself.")),
        ),
    )


def access_control(situation: Situation) -> Outcome:
    """D11: PCIe bridges that send peer traffic up to the root and back."""
    if situation.number("gpu.count") == 0:
        return _NO_GPU
    if situation.text("virtualisation") != "none" or situation.container:
        return Irrelevant(say(N_("In a guest the isolation of PCIe belongs to the host, and must stay.")))
    bridges = situation.number("pci.acs_bridges")
    if bridges == 0:
        return Keep(say(N_("No bridge redirects traffic between devices.")))
    return Proposal(
        severity="warn",
        confidence="medium",
        evidence=(situation.evidence("pci.acs_bridges"),),
        formula=say(N_("{n} bridges with SrcValid+"), n=bridges),
        effect=say(N_("GPU and card talk through the nearest switch instead of the root complex")),
        instructions=(
            say(N_("Never where this box hosts virtual machines of several tenants: it is what keeps them apart.")),
            say(
                N_(
                    "Switch ACS off in the firmware set-up, or at each boot on each bridge: setpci -s BRIDGE "
                    "ECAP_ACS+0x6.w=0000."
                )
            ),
            say(N_("Find the bridges: lspci -vvv, lines ACSCtl with SrcValid+.")),
        ),
    )


def read_request(situation: Situation) -> Outcome:
    """D13: larger PCIe read requests."""
    if not (found := hardware(situation)):
        return NO_HARDWARE if devices(situation) else NO_DEVICE
    sizes = {d: size for d in found if (size := situation.find_number(f"rdma.{d}.max_read_request")) is not None}
    if not sizes:
        situation.number(f"rdma.{found[0]}.max_read_request")
    small = [d for d, size in sizes.items() if size < _READ_BYTES]
    if not small:
        return Keep(say(N_("The cards read 4096 bytes at once.")))
    return Proposal(
        severity="info",
        confidence="low",
        evidence=tuple(situation.evidence(f"rdma.{d}.max_read_request") for d in small),
        formula=say(N_("MaxReadReq {sizes} < 4096"), sizes=", ".join(f"{d}: {sizes[d]}" for d in small)),
        effect=say(N_("fewer PCIe requests for the same data")),
        instructions=(
            say(
                N_(
                    "Set bits 14:12 of the Device Control register to 5: setpci -s CARD CAP_EXP+8.w, keeping "
                    "the other bits."
                )
            ),
            say(
                N_(
                    "Never write a fixed offset such as 68.w from a recipe: it differs from card to card, "
                    "and a wrong register stops the device."
                )
            ),
        ),
    )


RULES: Final = (
    Rule(
        id="D10",
        title=say(N_("Let the card reach GPU memory")),
        risk="R0",
        scope="host",
        persists="modules-load.d",
        authority=("NCCL documentation, troubleshooting: GPUDirect",),
        decide=peer_memory,
    ),
    Rule(
        id="D11",
        title=say(N_("Let GPU and card talk directly over PCIe")),
        risk="R3",
        scope="host",
        persists="none",
        authority=("NCCL documentation, troubleshooting: PCI access control services",),
        decide=access_control,
    ),
    Rule(
        id="D13",
        title=say(N_("Read larger pieces over PCIe")),
        risk="R3",
        scope="device",
        persists="none",
        authority=("PCI Express: Device Control, Max_Read_Request_Size",),
        decide=read_request,
    ),
)
