"""What is on the disk: every entry below a storage root, by name, without opening any.

Nothing is left out: what is no regular file, and a folder that cannot be read, is an entry of its
own kind, so that the account can name it. Symbolic links are never followed; what one points to
inside the root is met by its own name, what lies outside is not the archive's. On Windows the same
holds of junctions and of volumes mounted into a folder, which the system keeps alike.
"""

import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pacslift.inventory.winnames import verbatim

_ON_WINDOWS = sys.platform == "win32"
_SEPARATOR = os.fsencode(os.sep)
_MOUNT_POINT: int | None = getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", None)  # Windows only


class Kind(StrEnum):
    """What a directory entry is."""

    FILE = "file"
    SYMLINK = "symbolic link"
    SPECIAL = "socket, pipe or device"
    UNREADABLE = "cannot be read"


@dataclass(frozen=True, slots=True)
class Found:
    r"""One entry below a root.

    *relative* has forward slashes; bytes of a name that are no UTF-8 are written \xNN.
    *size_bytes* is 0 for what is no regular file. *detail* says why for UNREADABLE.
    """

    relative: str
    size_bytes: int
    kind: Kind
    detail: str = ""


def walk_files(root: Path) -> Iterator[Found]:
    """Give every entry below *root* that is no readable folder, folder by folder, names sorted.

    Memory: the names of one folder, and the paths of the folders still to visit.
    """
    begin = verbatim(str(root.absolute())) if _ON_WINDOWS else root
    waiting = [os.fsencode(begin)]
    top = len(os.path.join(waiting[0], b""))  # noqa: PTH118 - bytes, as names are on Linux
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            yield Found(_text(folder[top:]), 0, Kind.UNREADABLE, error.strerror or "")
            continue
        deeper: list[bytes] = []
        for entry in listed:
            found = _look_at(entry, top)
            if found is None:
                deeper.append(entry.path)
            else:
                yield found
        waiting.extend(reversed(deeper))


def _look_at(entry: "os.DirEntry[bytes]", top: int) -> Found | None:
    """Give what an entry is; None for a folder."""
    relative = _text(entry.path[top:])
    try:
        if entry.is_symlink() or (_MOUNT_POINT and _is_mount_point(entry)):
            return Found(relative, 0, Kind.SYMLINK)
        if entry.is_dir(follow_symlinks=False):
            return None
        status = entry.stat(follow_symlinks=False)
    except OSError as error:
        return Found(relative, 0, Kind.UNREADABLE, error.strerror or "")
    if stat.S_ISREG(status.st_mode):
        return Found(relative, status.st_size, Kind.FILE)
    return Found(relative, 0, Kind.SPECIAL)


def _is_mount_point(entry: "os.DirEntry[bytes]") -> bool:
    """Whether it is a junction or a mounted volume; DirEntry.is_junction is of Python 3.12."""
    return getattr(entry.stat(follow_symlinks=False), "st_reparse_tag", 0) == _MOUNT_POINT


def _text(path: bytes) -> str:
    slashed = path.replace(_SEPARATOR, b"/") if _ON_WINDOWS else path
    return slashed.decode("utf-8", "backslashreplace")
