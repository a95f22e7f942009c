"""Files that were cut into parts: by split (dump.sql.aa, dump.sql.ab …; -d: .00, .01 …), or .001 ….

Parts are told by their names, since nothing else says what they are. Beside a file whose name ends
as a first part's does, the one that comes next must be there, and must not begin like a dump of its
own (dump.01 and dump.02 may be those of January and February). From there parts go on as far as
names do; one that is named beyond a gap says that another is missing.
Source: GNU coreutils, split(1): behind yz comes za, or zaaa where the width was not given.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from pacslift.errors import DumpDamagedError, DumpFormatError
from pacslift.patterns import compiled

# Numbers count only behind what parts them from a name: pacs01 and pacs02 may be two servers.
_APART = r"(?:(?<=[._-])|(?<=\Ax)|(?<=\.gz|\.xz)|(?<=\.bz2|\.zst|\.zip|\.tgz|\.tar|\.sql))"
_FIRST = compiled(r"(?s)(?P<stem>.*?)(?P<mark>a{2,6}|" + _APART + r"(?:0{2,6}|0{1,5}1))")
_LAST_MARKS = compiled(r"(?P<done>z*)(?P<left>yz+)|(?P<done9>9*)(?P<left9>89+)")
_BEGINNING = compiled(
    rb"\x1f\x8b\x08|BZh[1-9]1AY&SY|\xfd7zXZ\0|\x28\xb5\x2f\xfd|PK\x03\x04|SQLite format 3\0|PGDMP|"
    rb"QRDB[0-9A-F]{2}|(?:/\*M?!999999[^\n]*\n)?-- (?:MySQL|MariaDB) dump |"
    rb"--\s+-- PostgreSQL database "
)
_HEAD = 512


def all_parts(path: Path) -> tuple[Path, ...]:
    """*path* and, where it is a first part, the parts that follow it in its folder.

    Raises DumpFormatError where it is a later part, DumpDamagedError where one is missing.
    """
    if first := _first_part(path):
        raise DumpFormatError(
            f"{path} is a part of a file that was split; name its first part, {first}. The others "
            "are found beside it"
        )
    return _parts_from(path)


def without_later_parts(paths: Sequence[Path]) -> tuple[Path, ...]:
    """*paths* without those that are later parts of another one of them."""
    later = {part for path in paths for part in _parts_from(path)[1:]}
    return tuple(path for path in paths if path not in later)


def with_parts(paths: Sequence[Path]) -> tuple[Path, ...]:
    """*paths* and all parts of those that are first parts, each once."""
    return tuple(dict.fromkeys(part for path in paths for part in _parts_from(path)))


def whole_name(parts: Sequence[Path]) -> str:
    """The name that a file of these *parts* had before it was split."""
    name = parts[0].name
    found = _FIRST.fullmatch(name)
    if len(parts) == 1 or found is None:
        return name
    return found["stem"].rstrip("._-") or name


def lost_beginning(path: Path) -> Path | None:
    """The first part that is missing where *path*, which nobody knows, is named like a later one.

    None where there is no other part beside it.
    """
    for stem, mark in _readings(path.name):
        first = path.with_name(stem + _zero(mark))
        near = [path.with_name(stem + following) for following in _following(mark)]
        if not first.exists() and any(part.is_file() for part in near):
            return first
    return None


def _parts_from(first: Path) -> tuple[Path, ...]:
    found = _FIRST.fullmatch(first.name)
    if found is None or not first.is_file():
        return (first,)
    stem, mark = found["stem"], found["mark"]
    parts = [first]
    while following := _there(first, stem, mark):
        mark = following
        parts.append(first.with_name(stem + mark))
    missing = _following(mark)[0]
    beyond = _beyond(first, stem, missing)
    if beyond:
        raise DumpDamagedError(
            f"{first} is the first part of a file that was split, and {beyond[0].name} a later "
            f"one; {stem}{missing} is missing. Copy it into the same folder."
        )
    return tuple(parts)


def _there(first: Path, stem: str, mark: str) -> str | None:
    """The mark that comes next, of a file that is there and is no dump of its own."""
    for following in _following(mark):
        part = first.with_name(stem + following)
        if part.is_file() and not _begins_a_dump(part):
            return following
    return None


def _beyond(first: Path, stem: str, missing: str) -> list[Path]:
    """Files named like parts that come after *missing*."""
    return sorted(
        part
        for part in first.parent.iterdir()
        if part.name.startswith(stem)
        and _is_mark(mark := part.name[len(stem) :], missing)
        and mark > missing
        and part.is_file()
        and not _begins_a_dump(part)
    )


def _is_mark(text: str, like: str) -> bool:
    same_kind = text.isdigit() if like.isdigit() else re.fullmatch("[a-z]+", text) is not None
    return same_kind and len(text) == len(like)


def _begins_a_dump(path: Path) -> bool:
    with path.open("rb") as file:
        return _BEGINNING.match(file.read(_HEAD)) is not None


def _first_part(path: Path) -> Path | None:
    """The first part of the file that *path* is a later part of."""
    for stem, mark in _readings(path.name):
        zero = _zero(mark)
        firsts = [zero, zero[:-1] + "1"] if zero.isdigit() else [zero]
        for first in (path.with_name(stem + one) for one in firsts if one < mark):
            if first.is_file() and path in _parts_from(first):
                return first
    return None


def _readings(name: str) -> Iterator[tuple[str, str]]:
    """Ways to take *name* for that of a part: what all have in common, and its mark."""
    if digits := re.fullmatch(r"(?s)(.*?)(?<!\d)(\d{2,6})", name):
        yield digits[1], digits[2]
    for width in range(2, 7):
        if re.fullmatch("[a-z]+", name[-width:]) and len(name) > width:
            yield name[:-width], name[-width:]


def _zero(mark: str) -> str:
    """The mark of a first part whose later one has *mark*; of a widened one, that of the others."""
    if grown := re.fullmatch(r"(z+|9+).*", mark):
        narrower = len(mark) - len(grown[1]) * 2
        mark = mark[:narrower] if narrower > 1 else mark
    return ("0" if mark[0].isdigit() else "a") * len(mark)


def _following(mark: str) -> list[str]:
    """Marks that may come behind *mark*: counted on, and widened."""
    digits = "0123456789" if mark.isdigit() else "abcdefghijklmnopqrstuvwxyz"
    top = digits[-1]
    kept = mark.rstrip(top)
    found = []
    if kept:
        counted = kept[:-1] + digits[digits.index(kept[-1]) + 1]
        found.append(counted.ljust(len(mark), digits[0]))
    if last := _LAST_MARKS.fullmatch(mark):
        done = last["done"] or last["done9"] or ""
        left = last["left"] or last["left9"]
        found.append(done + top + digits[0] * (len(left) + 1))
    return found or [mark + digits[0]]
