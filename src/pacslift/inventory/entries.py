"""The entries of a container file, whichever kind it is."""

from pacslift.errors import Cause, SetAsideError
from pacslift.inventory import readat, tars, zips

WITH_ENTRIES = (tars.CONTAINER, zips.CONTAINER)
TAR_MAGIC, TAR_MAGIC_AT = b"ustar", 257  # POSIX 1003.1, ustar interchange format
_READERS = {tars.CONTAINER: tars, zips.CONTAINER: zips}


def names_in(fd: int, container: str) -> frozenset[str]:
    """Names of the entries in an open file. SetAsideError CONTAINER_DAMAGED or UNREADABLE."""
    names: frozenset[str] = _READERS[container].names_in(fd)
    return names


def require_entry(fd: int, container: str, name: str) -> None:
    """SetAsideError unless the open file has the entry, and it can be read."""
    _READERS[container].entry_of(fd, name)


def container_of(fd: int) -> str | None:
    """What kind of container an open file is, by its first bytes; None if it is none."""
    try:
        head = readat.read_at(fd, TAR_MAGIC_AT + len(TAR_MAGIC), 0)
    except OSError as error:
        raise SetAsideError(Cause.UNREADABLE, f"reading it fails: {error.strerror}") from error
    if head[TAR_MAGIC_AT:] == TAR_MAGIC:
        return tars.CONTAINER
    return zips.CONTAINER if head.startswith(zips.MAGIC) else None
