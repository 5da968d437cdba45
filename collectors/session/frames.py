"""Where the zstd frames of a file lie, found by hopping from block to block without decompressing (RFC 8878, 3.1).

Sessions are written as one frame a minute, so a reader can begin at any of them. A file that is still written to,
or whose writer was killed, ends inside a frame.
"""

import os
from collections.abc import Iterator
from typing import BinaryIO, Final

import msgspec

MAGIC: Final = b"\x28\xb5\x2f\xfd"
_SKIPPABLE: Final = b"\x2a\x4d\x18"
_FIELD_SIZES: Final = (0, 2, 4, 8)
_DICTIONARY_SIZES: Final = (0, 1, 2, 4)
_RLE: Final = 1
_RESERVED: Final = 3
_WINDOW: Final = 1 << 20


class Frame(msgspec.Struct, frozen=True):
    """A stretch of a file that can be read alone: a zstd frame, or some lines of a plain file."""

    offset: int
    size: int
    """Bytes that are there; of the last frame perhaps not all."""
    whole: bool = True


def zstd_frames(path: str | os.PathLike[str], offset: int = 0) -> Iterator[Frame]:
    """Yield the frames from `offset` on. After damage, the search goes on at the next frame's magic number."""
    with open(path, "rb", buffering=_WINDOW) as file:  # noqa: PTH123 - Path.open is the same with one more import
        end = os.fstat(file.fileno()).st_size
        while offset < end:
            file.seek(offset)
            after = _frame_end(file, end)
            if after is None:
                following = _next_magic(file, offset + 1, end)
                yield Frame(offset, following - offset, whole=False)
                offset = following
            else:
                yield Frame(offset, min(after, end) - offset, whole=after <= end)
                offset = after


def _frame_end(file: BinaryIO, end: int) -> int | None:
    """Return where the frame at the file's position ends, past `end` if it is cut short; None if it is no frame."""
    magic = file.read(4)
    if magic[1:] == _SKIPPABLE and 0x50 <= magic[0] <= 0x5F:
        size = int.from_bytes(file.read(4), "little")
        return file.tell() + size
    if magic != MAGIC:
        return end + 1 if MAGIC.startswith(magic) else None
    descriptor = file.read(1)
    if not descriptor:
        return end + 1
    flags = descriptor[0]
    single, checksum = flags >> 5 & 1, flags >> 2 & 1
    content_size = _FIELD_SIZES[flags >> 6] or single
    position = file.tell() + (1 - single) + _DICTIONARY_SIZES[flags & 3] + content_size
    last = 0
    while not last:
        file.seek(position)
        block = file.read(3)
        if len(block) < 3:
            return end + 1
        head = int.from_bytes(block, "little")
        last, kind, size = head & 1, head >> 1 & 3, head >> 3
        if kind == _RESERVED:
            return None
        position += 3 + (1 if kind == _RLE else size)
        if position > end:
            return end + 1
    return position + 4 * checksum


def _next_magic(file: BinaryIO, offset: int, end: int) -> int:
    """Return where the next frame may begin, or `end`."""
    while offset < end:
        file.seek(offset)
        chunk = file.read(_WINDOW)
        if (found := chunk.find(MAGIC)) >= 0:
            return offset + found
        if len(chunk) <= 3:
            break
        offset += len(chunk) - 3
    return end
