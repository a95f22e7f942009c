"""From a path as the old database spells it to a file below a folder that is mounted here.

The database's paths are hostile input: whatever they say, only a regular file below one of the
folders that the job names is ever opened, and only for reading. Old paths come with either slash,
with doubled backslashes from SQL texts, with drive letters and server names; all are brought to one
form, a tuple of components, and compared there. What a Windows system wrote is compared without
regard to case. Where pacslift itself runs on Windows, more names lead elsewhere; see winnames.py.
"""

import functools
import os
import re
import shlex
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pacslift.errors import Cause, SetAsideError
from pacslift.inventory.watched import Watched
from pacslift.inventory.winnames import means_something_else, verbatim

_DRIVE = re.compile(r"[A-Za-z]:")
_ON_WINDOWS = sys.platform == "win32"
# Each system has some of them. Without O_BINARY, Windows changes line ends and stops at byte 1A.
_READ = os.O_RDONLY | sum(
    getattr(os, flag, 0) for flag in ("O_CLOEXEC", "O_NONBLOCK", "O_NOCTTY", "O_BINARY")
)
_NO_ATIME = getattr(os, "O_NOATIME", 0)


@dataclass(frozen=True, slots=True)
class Located:
    """A file's place: *relative*, with forward slashes, below the folder *mount*."""

    mount: Path
    relative: str


@dataclass(frozen=True, slots=True)
class _Place:
    """A spelling of a path, taken apart. An absolute one starts with the component "/" or "d:"."""

    parts: tuple[str, ...]
    windows: bool

    @property
    def absolute(self) -> bool:
        return bool(self.parts) and (
            self.parts[0] == "/" or _DRIVE.match(self.parts[0]) is not None
        )

    def key(self, *, fold: bool) -> tuple[str, ...]:
        """Give the components for comparing, without case if *fold*."""
        return tuple(part.casefold() for part in self.parts) if fold else self.parts


def _taken_apart(text: str) -> _Place:
    """Take a path apart; empty components and "." fall out, ".." stays to be refused."""
    slashed = text.replace("\\", "/")
    parts = tuple(part for part in slashed.split("/") if part not in {"", "."})
    drive = _DRIVE.match(slashed)
    if drive:
        rest = parts[0][2:]
        parts = (slashed[:2].lower(), *((rest,) if rest else ()), *parts[1:])
    elif slashed.startswith("/"):
        parts = ("/", *parts)
    return _Place(parts, windows=bool(drive) or "\\" in text or slashed.startswith("//"))


@dataclass(frozen=True, slots=True)
class _Mounted:
    name: str
    place: _Place
    folder: Path

    def rest_of(self, place: _Place) -> tuple[str, ...] | None:
        """Give the components of *place* below this name; None if it is elsewhere."""
        fold = self.place.windows
        size = len(self.place.parts)
        if place.key(fold=fold)[:size] != self.place.key(fold=fold):
            return None
        return place.parts[size:]


class Mounts:
    """Where the old system's storage roots are now.

    Takes   *folders*, from a root as the old system names it (a device, an old prefix, a plain
            word, or "" for the only root) to the folder that holds its copy; and *only_root*, the
            root all rows share, if they share one: then the nameless folder stands for it.
    """

    def __init__(self, folders: Mapping[str, Path], only_root: str | None = None) -> None:
        named = [_Mounted(name, _taken_apart(name), Path(at)) for name, at in folders.items()]
        self._nameless = next((mount.folder for mount in named if not mount.place.parts), None)
        self._named = sorted(
            (mount for mount in named if mount.place.parts),
            key=lambda mount: len(mount.place.parts),
            reverse=True,
        )
        self._only_root = None if only_root is None else _taken_apart(only_root)

    def locate(self, root: str | None, path: str) -> Located:
        """Give the folder and the path below it for what a row of the catalog names.

        Ties    a root that equals a name goes first, then the longest name that the whole old path
                lies below, then the nameless folder.
        Raises  SetAsideError OUTSIDE_ROOT for a path that could leave its root, ROOT_NOT_MOUNTED
                with the option to add.
        """
        at_root, below = _taken_apart(root or ""), _taken_apart(path)
        whole = below if below.absolute else _Place(at_root.parts + below.parts, at_root.windows)
        for mount in self._named:
            rest = mount.rest_of(whole)
            if rest is not None:
                return Located(mount.folder, _safe(rest, path))
        if self._nameless is not None and self._stands_for(at_root, whole):
            mount = _Mounted("", at_root, self._nameless)
            rest = mount.rest_of(whole)
            if rest is not None:
                return Located(mount.folder, _safe(rest, path))
        raise self._not_mounted(root or "", below, path)

    def _stands_for(self, at_root: _Place, whole: _Place) -> bool:
        """Say whether the nameless folder is where this root is now."""
        if not at_root.parts:
            return not whole.absolute
        only = self._only_root
        return only is not None and only.parts == at_root.parts

    def _not_mounted(self, root: str, below: _Place, path: str) -> SetAsideError:
        parts = below.parts[1:] if below.absolute else below.parts
        _safe(parts, path)  # a path that no mount could make safe is reported as that
        if below.absolute and root:
            return SetAsideError(
                Cause.OUTSIDE_ROOT, f"{path!r} is a path of its own, not one below {root!r}"
            )
        name = _parent(path) if below.absolute else root
        option = _as_argument(f"{name}=DIR") if name else "DIR"
        return SetAsideError(
            Cause.ROOT_NOT_MOUNTED,
            f"nobody said where the storage root of {path!r} is now; add --storage {option}",
        )


def _as_argument(text: str) -> str:
    """As a person types it; Windows' shells do not all know the quotes of Unix."""
    return f'"{text}"' if _ON_WINDOWS else shlex.quote(text)


def _parent(path: str) -> str:
    return re.sub(r"[\\/]+[^\\/]*$", "", path) or "/"


def _safe(parts: tuple[str, ...], path: str) -> str:
    """Join components below a root, or refuse them."""
    if not parts:
        raise SetAsideError(
            Cause.OUTSIDE_ROOT, f"{path!r} names the storage root, not a file in it"
        )
    for part in parts:
        if part in {"..", "/"} or "\0" in part or _DRIVE.match(part):
            raise SetAsideError(
                Cause.OUTSIDE_ROOT,
                f"{path!r} has the component {part!r}, which can lead out of the storage root; "
                "only plain names below the root are opened",
            )
        if _ON_WINDOWS and means_something_else(part):
            raise SetAsideError(
                Cause.OUTSIDE_ROOT,
                f"{path!r} has the component {part!r}, by which Windows means something else than "
                "a file of that name; give the file another name, or run on Linux",
            )
    return "/".join(parts)


class Opened(NamedTuple):
    """A descriptor, and its file as it was when it was opened."""

    fd: int
    watched: Watched

    @property
    def size(self) -> int:
        """Bytes of the file when it was opened."""
        return self.watched.size


def open_inside(mount: Path, relative: str) -> int:
    """Open a regular file below *mount* for reading; the caller closes the descriptor.

    Symbolic links are followed only as long as they stay inside. The access time is left alone
    where the system allows it (owner or root on Linux).
    Raises  SetAsideError MISSING_FILE, UNREADABLE, OUTSIDE_ROOT or EMPTY_FILE.
    """
    return opened_inside(str(mount), relative).fd


def opened_inside(mount: str, relative: str) -> Opened:
    """Do the same for who wants to know the size as well, and whether it changes later."""
    inside = _real(mount)
    path = _joined(inside, relative)
    try:
        fd = _open(path)
    except ValueError as error:
        raise SetAsideError(Cause.OUTSIDE_ROOT, f"{relative!r} is no file name") from error
    except (FileNotFoundError, NotADirectoryError) as error:
        raise SetAsideError(Cause.MISSING_FILE, f"{relative!r} is not below {mount}") from error
    except OSError as error:
        raise SetAsideError(
            Cause.UNREADABLE,
            f"{relative!r} below {mount} cannot be opened: {error.strerror}; check its permissions",
        ) from error
    try:
        return Opened(fd, Watched.of(fd, path, _status_of(fd, path, inside, relative)))
    except BaseException:
        os.close(fd)
        raise


@functools.lru_cache(maxsize=256)
def _real(mount: str) -> str:
    """Give a mount's own place, links resolved. It is the same for the whole run."""
    whole = verbatim(os.path.abspath(mount)) if _ON_WINDOWS else mount  # noqa: PTH100 - text is faster
    return os.path.realpath(whole).rstrip(os.sep)


def _joined(inside: str, relative: str) -> str:
    """The path of a file below a mount's own place."""
    return f"{inside}{os.sep}{relative.replace('/', os.sep) if _ON_WINDOWS else relative}"


def _open(path: str) -> int:
    try:
        return os.open(path, _READ | _NO_ATIME)
    except PermissionError:  # O_NOATIME is the owner's privilege; the file may be readable without
        return os.open(path, _READ)


def _status_of(fd: int, path: str, inside: str, relative: str) -> os.stat_result:
    """Give the status of an open file; SetAsideError if it must not be read."""
    try:
        real = os.readlink(f"/proc/self/fd/{fd}")  # noqa: PTH115 - what is open, not what was named
    except OSError:  # a system without /proc
        real = os.path.realpath(path)
    if not real.startswith(inside + os.sep):
        detail = f"{relative!r} leads to {real!r}, outside {inside!r}"
        raise SetAsideError(Cause.OUTSIDE_ROOT, detail)
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode):
        raise SetAsideError(Cause.UNREADABLE, f"{relative!r} is no regular file")
    if not status.st_size:
        raise SetAsideError(Cause.EMPTY_FILE, f"{relative!r} has no bytes")
    return status
