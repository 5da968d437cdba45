"""Facts from PCI configuration space and from the NVIDIA driver (PCI Express Base Specification, 7.5 and 7.7)."""

from struct import Struct, error
from typing import Final

from analysis.samples import Fact
from analysis.text import N_, say
from collectors.reading import attempt, known, unknown, why
from collectors.root import Root

BUS: Final = "sys/bus/pci/devices"
NVIDIA: Final = "proc/driver/nvidia/version"
_CAPABILITIES: Final = 0x34
_EXPRESS: Final = 0x10
_DEVICE_CONTROL: Final = 8
_EXTENDED: Final = 0x100
_ACCESS_CONTROL: Final = 0x0D
_BRIDGE: Final = "0x0604"
_U16, _U32 = Struct("<H"), Struct("<I")


def acs_bridges(root: Root) -> Fact:
    """Count the PCI bridges whose access control validates sources; reading that takes root."""
    source = f"/{BUS}/*/config: ACSCtl SrcValid+"
    try:
        bridges = [name for name in root.listdir(BUS) if root.read_text(f"{BUS}/{name}/class").startswith(_BRIDGE)]
        spaces = [root.read_bytes(f"{BUS}/{name}/config") for name in bridges]
    except OSError as failure:
        return unknown(why(failure), source)
    if any(len(space) <= 64 for space in spaces):
        return unknown(say(N_("Not readable without root.")), source)
    return known(sum(validates_sources(space) for space in spaces), source)


def validates_sources(space: bytes) -> bool:
    """Say whether a configuration space has Access Control Services with Source Validation switched on."""
    at = _EXTENDED
    for _ in range(96):
        if at + 8 > len(space) or at < _EXTENDED:
            return False
        (header,) = _U32.unpack_from(space, at)
        if header & 0xFFFF == _ACCESS_CONTROL:
            return bool(_U16.unpack_from(space, at + 6)[0] & 1)
        at = header >> 20
    return False


def max_read_request(root: Root, device: str) -> Fact:
    """Return the MaxReadReq of a device in bytes. Without root only the first 64 bytes can be read, which lack it."""
    source = f"/{device}/config: DevCtl MaxReadReq"
    if not root.exists(device):
        return unknown(say(N_("The device is not on PCI.")), source)
    try:
        space = root.read_bytes(f"{device}/config")
    except OSError as failure:
        return unknown(why(failure), source)
    if len(space) <= 64:
        return unknown(say(N_("Not readable without root.")), source)
    return attempt(source, lambda: read_request_bytes(space))


def read_request_bytes(space: bytes) -> int:
    """Return 128 << bits 14:12 of the Device Control register; raise LookupError where a device has none."""
    try:
        at = space[_CAPABILITIES]
        for _ in range(48):
            if space[at] == _EXPRESS:
                control: int = _U16.unpack_from(space, at + _DEVICE_CONTROL)[0]
                return 128 << (control >> 12 & 7)
            at = space[at + 1]
            if not at:
                break
    except error:
        pass
    raise LookupError


def open_driver(root: Root) -> Fact:
    """Say whether NVIDIA's kernel modules are the open ones."""
    source = f"/{NVIDIA}"
    if not root.exists(NVIDIA):
        return unknown(say(N_("No NVIDIA driver is loaded.")), source)
    return attempt(source, lambda: "yes" if "Open Kernel Module" in root.read_text(NVIDIA) else "no")
