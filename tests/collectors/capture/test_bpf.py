"""The kernel itself runs the filter: on a socket pair, so no privilege is needed."""

import ctypes
import socket
import struct
from collections.abc import Iterator

import pytest

from collectors.capture.bpf import assemble, roce_filter
from tests.lab.roce_frames import answer, cnp, packet, pfc, rocev1, tagged, write

SNAP = 100
V6 = {"src": "2001:db8::1", "dst": "2001:db8::2"}
PAUSE = b"\x01\x80\xc2\0\0\1\x02\0\0\0\0\1\x88\x08\0\1\xff\xff".ljust(60, b"\0")


class Filtered:
    """Says how much of a frame a filter keeps."""

    def __init__(self, program: bytes) -> None:
        self.here, self.there = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        code = ctypes.create_string_buffer(program)
        attach = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
        self.there.setsockopt(socket.SOL_SOCKET, 26, attach)
        self.there.setblocking(False)

    def keeps(self, frame: bytes) -> bytes | None:
        self.here.send(frame)
        try:
            return self.there.recv(65536)
        except BlockingIOError:
            return None

    def close(self) -> None:
        self.here.close()
        self.there.close()


@pytest.fixture
def roce() -> Iterator[Filtered]:
    filtered = Filtered(roce_filter(SNAP))
    yield filtered
    filtered.close()


WANTED = {
    "write": write(0x11, 5, 500),
    "ack": answer(0x12, 5),
    "cnp": cnp(0x12),
    "ipv6": write(0x11, 5, 500, **V6),
    "vlan": tagged(write(0x11, 5), 0x6005),
    "qinq": tagged(tagged(write(0x11, 5), 0x6005), 0x2006, kind=0x88A8),
    "ipv6 in vlan": tagged(write(0x11, 5, **V6), 7),
    "rocev1": rocev1(0x11, 5),
    "rocev1 in vlan": tagged(rocev1(0x11, 5), 7),
    "pfc": pfc(3, 0xFFFF),
    "pause": PAUSE,
}
IP = write(0x11, 5)


def with_ip(frame: bytes, **changes: int) -> bytes:
    """Overwrite bytes of an IPv4 header by offset: "b9" is the protocol."""
    changed = bytearray(frame)
    for name, value in changes.items():
        changed[14 + int(name[1:])] = value
    return bytes(changed)


UNWANTED = {
    "arp": IP[:12] + b"\x08\x06" + bytes(50),
    "tcp": with_ip(IP, b9=6),
    "another port": IP[:36] + b"\x12\xb8" + IP[38:],
    "source port only": IP[:34] + b"\x12\xb7\x12\xb8" + IP[38:],
    "a later fragment": with_ip(IP, b6=0x20, b7=0x10),
    "three tags": tagged(IP, 1, 2, 3),
    "empty": b"",
    "cut in the ports": IP[:37],
    "another ipv6 header": write(0x11, 5, **V6)[:20] + b"\x2c" + write(0x11, 5, **V6)[21:],
}


@pytest.mark.parametrize("name", WANTED)
def test_roce_and_pauses_pass_up_to_the_snap_length(roce: Filtered, name: str) -> None:
    assert roce.keeps(WANTED[name]) == WANTED[name][:SNAP]


@pytest.mark.parametrize("name", UNWANTED)
def test_all_else_is_left_in_the_kernel(roce: Filtered, name: str) -> None:
    assert roce.keeps(UNWANTED[name]) is None


def test_ip_options_do_not_hide_the_port(roce: Filtered) -> None:
    options = with_ip(IP[:34] + bytes(8) + IP[34:], b0=0x47)
    assert roce.keeps(options) == options[:SNAP]


def test_a_first_fragment_holds_the_port(roce: Filtered) -> None:
    assert roce.keeps(with_ip(IP, b6=0x20, b7=0)) is not None


def test_jumps_lead_to_their_labels() -> None:
    filtered = Filtered(assemble("ldb [0]\njeq #7, yes\njne #8, no\nyes:\nret #9\nno:\nret #0"))
    assert [filtered.keeps(bytes([first]) * 20) for first in (7, 8, 9)] == [b"\x07" * 9, b"\x08" * 9, None]
    filtered.close()


@pytest.mark.parametrize("program", ["ldq [0]", "back:\nret #0\njmp back"])
def test_what_cannot_be_assembled_is_refused(program: str) -> None:
    with pytest.raises(ValueError):
        assemble(program)


def test_a_conditional_jump_has_its_limit() -> None:
    with pytest.raises(ValueError, match="too far"):
        assemble("jeq #0, end\n" + "ret #0\n" * 300 + "end:\nret #0")


def test_a_vlan_frame_may_be_any_roce_packet(roce: Filtered) -> None:
    assert roce.keeps(tagged(packet(0xC5, 1, 1, more=bytes(8)), 3)) is not None
