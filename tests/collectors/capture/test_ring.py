"""What is sent over a cable is what the ring gives, frame by frame, until there is no room."""

import os
import select
import socket

import pytest

from collectors.base import Unavailable
from collectors.capture.ring import Ring
from tests.collectors.capture.cable import Cable, rows, taken
from tests.lab.bed import Bed, inside
from tests.lab.roce_frames import answer, pfc, rocev1, tagged, write


def test_every_frame_comes_once_with_its_first_bytes_its_length_and_its_tags(bed: Bed) -> None:
    cable = Cable(bed)
    sent = []
    for i in range(400):  # more than one block's worth of runs of equal and of changing sizes
        sent += [write(0x11, i, 300)] * (40 if i % 50 == 0 else 1) + [answer(0x12, i)]
        if i % 10 == 0:
            sent += [
                tagged(write(0x11, i), 0x6005),
                tagged(tagged(rocev1(0x13, i), 9), 0x2007, kind=0x88A8),
                pfc(3, i),
            ]
    with cable.ring() as ring:
        cable.send([frame for one in sent for frame in (one, b"\x02" * 12 + b"\x08\x06" + bytes(46))])
        found = taken(ring, len(sent))
        assert ring.packets == len(sent)
        assert ring.dropped() == 0
    assert [length for _, length in found] == [len(frame) for frame in sent]
    for (data, _), frame in zip(found, sent, strict=True):
        inline = (
            128 + 4 if frame[12:14] in (b"\x81\0", b"\x88\xa8") else 128
        )  # the outer tag is kept beside the frame
        assert data == frame[:inline]


@pytest.mark.parametrize("snap", [64, 90, 2000])
def test_the_snap_length_is_kept(bed: Bed, snap: int) -> None:
    cable = Cable(bed)
    frame = write(0x11, 5, 1000)
    with cable.ring(snap=snap) as ring:
        cable.send([frame])
        assert taken(ring, 1) == [(frame[:snap], len(frame))]


def test_what_had_no_room_is_counted(bed: Bed) -> None:
    cable = Cable(bed)
    with cable.ring(blocks=2, block=4096) as ring:
        cable.send([write(0x11, i, 200) for i in range(500)])
        found = len(taken(ring, 1))
        while ring.read() is not None:
            pass
        assert 0 < found < 500
        dropped = ring.dropped()
        assert ring.packets + dropped == 500
        assert ring.dropped() == 0  # told once


def test_a_reader_that_was_held_up_takes_everything_of_a_slow_line_at_once(bed: Bed) -> None:
    cable = Cable(bed)
    with cable.ring() as ring, cable.ring(blocks=1) as witness:
        for i in range(20):  # about every frame comes in a block of its own, handed over nearly empty
            cable.send([write(0x11, i)])
            taken(witness, 1)
        frames = ring.read()
        assert frames is not None
        assert len(rows(frames)) >= 15  # not all: the two rings' clocks for handing over differ


def test_an_interface_that_goes_down_is_told_and_captured_again_when_it_is_back(bed: Bed) -> None:
    cable = Cable(bed)
    with cable.ring() as ring:
        bed.ip(cable.there, "link set far down")
        assert select.select([ring], [], [], 10)[0]
        assert os.strerror(ring.trouble()) == "Network is down"
        bed.ip(cable.there, "link set far up")
        cable.send([write(0x11, 1)])
        assert len(taken(ring, 1)) == 1


def test_frames_on_the_loopback_come_once(bed: Bed) -> None:
    namespace = bed.namespace()
    with inside(namespace):
        ring = Ring("lo", 128)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for _ in range(3):
                sender.sendto(bytes(40), ("127.0.0.1", 4791))
    assert len(taken(ring, 3)) == 3
    assert not select.select([ring], [], [], 0.1)[0]
    ring.close()


def test_an_interface_without_ethernet_is_refused_with_a_sentence(bed: Bed) -> None:
    namespace = bed.namespace()
    bed.ip(namespace, "tuntap add dev tun7 mode tun")
    with inside(namespace), pytest.raises(Unavailable, match="tun7 is no Ethernet interface"):
        Ring("tun7", 128)


def test_without_an_interface_of_that_name_there_is_an_error(bed: Bed) -> None:
    with inside(bed.namespace()), pytest.raises(OSError, match="No such device"):
        Ring("eth7", 128)
