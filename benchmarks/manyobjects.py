"""A Conquest archive of very many very small objects: a template written over and over.

UIDs and paths of the template have the length of all others, so that they are put in their place in
the bytes of the file and in the rows of the index.
"""

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import repeat
from pathlib import Path

from peers import CHECKOUT

sys.path.append(str(CHECKOUT / "fixtures"))  # its makers are no package

from making.conquest import Kept, write_sqlite_archive
from making.objects import Person, Study, ct, part10

ROOT = "1.2.826.0.1.3680043.8.498.7"
FIRST = 10**9  # no part of a UID begins with 0
A_STUDY = 1_000  # objects
PERSON = Person("BENCH1", "Bench^Mark", "19611224", "O", "ISO_IR 192")
STUDY = Study(PERSON, "many", "20140310", "CT", "S1")
NAMES = ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")

Names = tuple[bytes, ...]  # SOP Instance, Series Instance and Study Instance UID, path


def write_archive(folder: Path, count: int, side: int) -> tuple[Path, Path]:
    """Write *count* objects of *side* x *side* samples; gives the index and the storage."""
    header = ct(STUDY, 1, 1, side)
    template = names_of(0)
    for keyword, value in zip(NAMES, template, strict=False):
        setattr(header, keyword, value.decode())
    content = part10(header)
    kept = [Kept(header, template[-1].decode(), content)]
    index, storage = folder / "conquest.db3", folder / "data"
    write_sqlite_archive(kept, {"MAG0": storage}, index)
    for nth in range(1, count):
        path = storage / names_of(nth)[-1].decode()
        if not nth % A_STUDY:
            path.parent.mkdir()
        path.write_bytes(replaced(content, template, names_of(nth)))
    with closing(sqlite3.connect(index)) as database, database:
        multiply(database, "DICOMStudies", range(A_STUDY, count, A_STUDY))
        multiply(database, "DICOMSeries", range(A_STUDY, count, A_STUDY))
        multiply(database, "DICOMImages", range(1, count))
    return index, storage


def names_of(nth: int) -> Names:
    """What makes the *nth* object another one than the first."""
    study = nth // A_STUDY
    uids = (f"{ROOT}.1.{FIRST + nth}", f"{ROOT}.2.{FIRST + study}", f"{ROOT}.3.{FIRST + study}")
    return (*(uid.encode() for uid in uids), f"{study:06}/{nth:09}.dcm".encode())


def replaced(content: bytes, template: Names, names: Names) -> bytes:
    """*content* with other names of the same lengths."""
    for old, new in zip(template, names, strict=True):
        content = content.replace(old, new)
    return content


def multiply(database: sqlite3.Connection, table: str, numbers: range) -> None:
    """Further rows like the first of *table*."""
    (row,) = database.execute(f"SELECT * FROM {table}")  # noqa: S608 - our own name
    places = ", ".join(repeat("?", len(row)))
    insert = f"INSERT INTO {table} VALUES ({places})"  # noqa: S608 - our own name
    database.executemany(insert, further(row, numbers))


def further(row: tuple[object, ...], numbers: range) -> Iterator[list[object]]:
    """*row* with the names of others."""
    template = names_of(0)
    for nth in numbers:
        new = dict(zip((name.decode() for name in template), names_of(nth), strict=True))
        yield [new[v].decode() if isinstance(v, str) and v in new else v for v in row]
