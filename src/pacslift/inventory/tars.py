"""Entries of TAR files, as old archives keep objects on nearline storage; nothing is unpacked.

Strategy: the headers are walked once by the standard library, and where each entry lies is kept for
the TAR files used last, because the objects of a study lie in one. An object is then a stretch of
the TAR file. dcm4chee writes an entry MD5SUM in front of all others: lines of a digest, two blanks
and an entry's name; it lists what is inside without walking the file.
Memory: a header of more than a megabyte is refused, whatever its length says.
"""

import os
import re
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pacslift.errors import Cause, SetAsideError
from pacslift.inventory import readat
from pacslift.inventory.containerfile import Positioned, Remembered, identity_of

CONTAINER = "tar"
LIST_ENTRY = "MD5SUM"
KEPT = 64  # TAR files whose entries are kept
_LONGEST_HEADER = 1 << 20
_LONGEST_LIST = 64 << 20
_LINE = re.compile(r"([0-9a-fA-F]{32}) [ *](.+)")


@dataclass(frozen=True, slots=True)
class Entry:
    """Where an object lies in its TAR file, and its MD5 if the TAR file says it."""

    offset: int
    size: int
    md5: str | None = None


@dataclass(frozen=True, slots=True)
class Contents:
    """The entries of a TAR file by name; *damage* says why there may have been more."""

    entries: Mapping[str, Entry]
    damage: str | None = None


def entry_of(fd: int, name: str | None) -> Entry:
    """The entry *name* of an open TAR file.

    Raises SetAsideError MISSING_FILE, TRUNCATED, CONTAINER_DAMAGED or UNREADABLE.
    """
    contents = _remembered(fd)
    entry = contents.entries.get(name or "")
    if entry is None and contents.damage:
        raise SetAsideError(
            Cause.CONTAINER_DAMAGED,
            f"the TAR file is damaged in front of the entry {name!r}: {contents.damage}",
        )
    if entry is None:
        raise SetAsideError(
            Cause.MISSING_FILE,
            f"the TAR file has no entry {name!r} among its {len(contents.entries)}",
        )
    missing = entry.offset + entry.size - os.fstat(fd).st_size
    if missing > 0:
        raise SetAsideError(
            Cause.TRUNCATED, f"the TAR file ends {missing} bytes before its entry {name!r} does"
        )
    return entry


def names_in(fd: int) -> frozenset[str]:
    """Names of the objects in an open TAR file: by its list if it has one, else by its headers.

    Raises SetAsideError CONTAINER_DAMAGED or UNREADABLE.
    """
    try:
        first = next(_walked(fd), None)
    except SetAsideError as error:
        raise SetAsideError(error.cause, f"it is no TAR file: {error.detail}") from error
    if first is not None and first.name == LIST_ENTRY:
        return frozenset(_listed(fd, first))
    return frozenset(_remembered(fd).entries)


_CACHE = Remembered[Contents](KEPT)


def _remembered(fd: int) -> Contents:
    identity = identity_of(fd)
    contents = _CACHE.get(identity)
    if contents is None:
        contents = _contents(fd)
        _CACHE.put(identity, contents)
    return contents


def _contents(fd: int) -> Contents:
    found: dict[str, Entry] = {}
    digests: Mapping[str, str] = {}
    damage = None
    try:
        for info in _walked(fd):
            if info.name == LIST_ENTRY:
                digests = _listed(fd, info)
            else:
                found[info.name] = Entry(info.offset_data, info.size)
    except SetAsideError as error:
        if error.cause is not Cause.CONTAINER_DAMAGED:
            raise
        damage = error.detail
    entries = {name: Entry(one.offset, one.size, digests.get(name)) for name, one in found.items()}
    return Contents(entries, damage)


def _walked(fd: int) -> Iterator[tarfile.TarInfo]:
    """The regular entries, in order. Raises SetAsideError where damage hides the next."""
    try:
        with tarfile.open(fileobj=Positioned(fd, _LONGEST_HEADER), mode="r:") as tar:
            while (info := tar.next()) is not None:
                tar.members = []  # type: ignore[attr-defined]  # it would keep every one
                if info.isreg() and not info.issparse():
                    yield info
    except (tarfile.TarError, ValueError, OverflowError, EOFError) as error:
        raise SetAsideError(Cause.CONTAINER_DAMAGED, str(error)) from error
    except OSError as error:
        raise SetAsideError(
            Cause.UNREADABLE, f"reading it fails: {error.strerror}; check the disk"
        ) from error


def _listed(fd: int, info: tarfile.TarInfo) -> dict[str, str]:
    """Entry to MD5, of the list that the TAR file begins with; other lines say nothing."""
    data = readat.read_at(fd, min(info.size, _LONGEST_LIST), info.offset_data)
    lines = (_LINE.fullmatch(line) for line in data.decode("latin-1").splitlines())
    return {line[2]: line[1].lower() for line in lines if line}
