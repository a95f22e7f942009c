"""Memo files: texts and bytes of any length that a DBF keeps beside itself.

    dBase III .dbt     blocks of 512 bytes; a text goes to the first 0x1A
    dBase IV .dbt      block size at 20; a text begins FF FF 08 00 and u32 length, these 8 included
    FoxPro .fpt        block size at 6, highest byte first; u32 kind, u32 length, then the content

Each record names its own block, so that all texts of a column together are no longer than the file.
A file in which they are is refused, and so a pointer that many records share cannot make reading
slower than the file is long.
Source: "Memo File Structure (.fpt)" of Visual FoxPro's documentation; dBase IV file structure.
"""

import os
from typing import BinaryIO

from pacslift.errors import DumpDamagedError
from pacslift.extract.dbase.dbfheader import FOXPRO, DbfTable
from pacslift.extract.packed.source import Source

_BLOCK = 512
_DBASE3 = frozenset([0x03, 0x83])
_DBASE4 = b"\xff\xff\x08\x00"
_STEP = 64 << 10
_END = b"\x1a"
_MOST_HELD = 256 << 20


class MemoFile:
    """The memo file of one table, open for one pass over one column."""

    def __init__(self, name: str, file: BinaryIO, version: int) -> None:
        self._name = name
        self._file = file
        self._foxpro = version in FOXPRO
        self._size = file.seek(0, os.SEEK_END)
        self._left = self._size
        file.seek(0)
        head = file.read(22)
        if version in _DBASE3:
            self._block = _BLOCK
        elif self._foxpro:
            self._block = int.from_bytes(head[6:8], "big") or 1
        else:
            self._block = int.from_bytes(head[20:22], "little") or _BLOCK

    def content(self, block: int) -> bytes:
        """What begins at *block*. Raises DumpDamagedError for a place or length that is none."""
        place = block * self._block
        head = b""
        if place < self._size:
            self._file.seek(place)
            head = self._file.read(8)
        if not head or (self._foxpro and len(head) < 8):  # noqa: PLR2004
            raise self._damaged(block, "lies behind its end")
        if self._foxpro:
            content = self._taken(block, int.from_bytes(head[4:8], "big"))
        elif head.startswith(_DBASE4):
            length = int.from_bytes(head[4:8], "little") - 8
            content = self._taken(block, length)
        else:
            content = self._ended(block, head)
        self._left -= len(content)
        if self._left < 0:
            raise self._damaged(block, "is named by several records, since all together are longer")
        return content

    def _taken(self, block: int, length: int) -> bytes:
        if length < 0 or length > self._size - self._file.tell():
            raise self._damaged(block, f"is said to have {length} bytes, more than are there")
        return self._file.read(length)

    def _ended(self, block: int, head: bytes) -> bytes:
        parts = [head]
        while _END not in parts[-1]:
            parts.append(self._file.read(_STEP))
            if not parts[-1]:
                raise self._damaged(block, "has no end")
        return b"".join(parts).partition(_END)[0]

    def _damaged(self, block: int, trouble: str) -> DumpDamagedError:
        return DumpDamagedError(
            f"{self._name}: the text at block {block} {trouble}. Copy the table and its memo file "
            "again, both at the same time."
        )


def memo_source(table: DbfTable) -> Source:
    """The memo file beside *table*, whatever the case of its name. DumpDamagedError without one."""
    suffix = ".fpt" if table.version in FOXPRO else ".dbt"
    found = table.source.folder.like(table.name + suffix)
    if found is None:
        raise DumpDamagedError(
            f"{table.source} keeps texts in {table.name}{suffix}, which is not beside it. Copy "
            "that file as well."
        )
    return found


def open_memo(source: Source) -> BinaryIO:
    """The memo file; one that is packed is held in memory, since records name its blocks at will.

    DumpFormatError for one that is too large for that.
    """
    return source.open_random(_MOST_HELD, "records name places all over it")


def pointer(raw: bytes) -> int:
    """The block that a field names: four bytes in Visual FoxPro, else digits; 0 is none.

    Raises ValueError for what is no number.
    """
    if len(raw) == 4:  # noqa: PLR2004
        return int.from_bytes(raw, "little")
    digits = raw.strip(b" \0")
    if not digits:
        return 0
    if not digits.isdigit():
        raise ValueError(f"{len(raw)} bytes that are no number of a block")
    return int(digits)
