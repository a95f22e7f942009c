r"""tables.toml: a person's description of delimited text files, which lies beside them.

    delimited = 1                        # version of this description

    [table.files]                        # the table's name
    files = ["files.unl"]                # beside the manifest; rows follow in this order
    dialect = "informix"                 # bcp, informix, db2, sqlplus or csv; sets all below
    delimiter = "|"
    row_terminator = "|\n"
    quote = ""                           # one character or none
    escape = "backslash"                 # none, doubled, backslash, letters
    null = [""]                          # spellings of NULL, quotes and escapes included
    empty = ["\\ "]                      # other spellings of an empty text
    binary = "hex"                       # hex, 0x, base64: how columns of a binary type are spelled
    header = false                       # the first line of each file names the columns
    open_end = false                     # the last row may lack its terminator
    charset = "iso8859-1"                # as Python names it; must be said
    rows = 120                           # where it is known how many there are
    columns = [["pk", "int"], ["filepath", "varchar(255)"]]   # name and type, as declared

Only files, dialect, charset and columns must be there; with a header, columns may be left out.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any, TypeVar

from pacslift.errors import DumpFormatError
from pacslift.extract.charset.charsets import cuttable, job_codec
from pacslift.extract.packed.folder import Folder, folder_of, source_of
from pacslift.extract.packed.source import DumpFile, Source
from pacslift.extract.shapes import Column
from pacslift.extract.terms import Charsets
from pacslift.extract.text.delimitedform import FORMS, Binary, Escape, TextForm
from pacslift.patterns import compiled

NAME, SUFFIX = "tables.toml", ".manifest.toml"
VERSION = 1
_MARK = compiled(rb"^delimited[ \t]*=", re.MULTILINE)
_LONGEST = 16 << 20
_KEYS = frozenset(
    ["files", "dialect", "delimiter", "row_terminator", "quote", "escape", "null", "empty",
     "binary", "header", "open_end", "charset", "rows", "columns"]
)  # fmt: skip
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Described:
    """One table as the manifest has it; no columns where the header is to name them.

    The form's bytes are in *codec*, or in UTF-8 where text in *codec* cannot be cut undecoded.
    """

    name: str
    files: tuple[Source, ...]
    form: TextForm
    codec: str
    columns: tuple[Column, ...]
    rows: int | None


def manifest_of(folder: Path | Folder) -> Source | None:
    """The manifest in *folder*, if there is one. DumpFormatError where there are several."""
    folder = folder_of(folder)
    found = [s for s in folder.sources() if s.name == NAME or s.name.endswith(SUFFIX)]
    if len(found) > 1:
        raise DumpFormatError(
            f"{folder.path} has the manifests {' and '.join(p.name for p in found)}; name one of "
            "them as the dump"
        )
    return found[0] if found else None


def is_manifest(head: bytes) -> bool:
    """Whether a file that begins so is a manifest."""
    return _MARK.search(head) is not None and b"[table." in head


def read_manifest(path: DumpFile, charsets: Charsets) -> tuple[Described, ...]:
    """The tables of the manifest *path*; *charsets* override those that it names.

    Raises DumpFormatError that names the table and the key.
    """
    source = source_of(path)
    try:
        said = tomllib.loads(source.head(_LONGEST).decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DumpFormatError(f"{source}: {error}; mend the line") from error
    try:
        return _tables(said, source.folder, charsets)
    except _ManifestError as error:
        raise DumpFormatError(f"{source}: {error}") from error


class _ManifestError(Exception):
    """What is wrong, without the name of the file."""


def _tables(said: Mapping[str, Any], folder: Folder, charsets: Charsets) -> tuple[Described, ...]:
    if said.get("delimited") != VERSION or said.keys() - {"delimited", "table"}:
        raise _ManifestError("it must have `delimited = 1`, and beside it only [table.NAME]")
    tables = said.get("table", {})
    if not isinstance(tables, dict) or not tables:
        raise _ManifestError("it describes no table; each is written [table.NAME]")
    twice = {n for n in tables if sum(n.lower() == other.lower() for other in tables) > 1}
    if twice:
        raise _ManifestError(f"the tables {' and '.join(sorted(twice))} differ only in case")
    return tuple(_Said(name, said_of).table(folder, charsets) for name, said_of in tables.items())


class _Said:
    """One [table.NAME], with the reading of its keys."""

    def __init__(self, name: str, said: object) -> None:
        self.name = name
        if not isinstance(said, dict):
            raise _ManifestError(f"{name} must be a table, written [table.{name}]")
        self.said: dict[str, Any] = said
        unknown = sorted(said.keys() - _KEYS)
        if unknown:
            raise self.wrong(unknown[0], f"is no key; keys are {', '.join(sorted(_KEYS))}")

    def wrong(self, key: str, trouble: str) -> _ManifestError:
        return _ManifestError(f"[table.{self.name}] {key} {trouble}")

    def get(self, key: str, kind: type[_T], fallback: _T) -> _T:
        found = self.said.get(key, fallback)
        if not isinstance(found, kind) or (kind is int and isinstance(found, bool)):
            raise self.wrong(key, f"is {found!r}; it must be of type {kind.__name__}")
        return found

    def table(self, folder: Folder, charsets: Charsets) -> Described:
        codec = self.codec(charsets)
        form = self.form(codec if cuttable(codec) else "utf-8")
        columns = self.columns()
        if not columns and not form.header:
            raise self.wrong("columns", "are missing, and no header names them")
        rows = self.get("rows", int, -1) if "rows" in self.said else None
        return Described(self.name, self.files(folder), form, codec, columns, rows)

    def codec(self, charsets: Charsets) -> str:
        if forced := charsets.codec(self.name):
            return forced
        named = self.get("charset", str, "")
        if not named:
            raise self.wrong("charset", 'is missing; say it, for example charset = "cp1252"')
        return job_codec(named)

    def form(self, codec: str) -> TextForm:
        dialect = self.get("dialect", str, "")
        if dialect not in FORMS:
            raise self.wrong("dialect", f"is {dialect!r}; it must be one of {', '.join(FORMS)}")
        form = FORMS[dialect]
        form = replace(
            form,
            delimiter=self.mark("delimiter", form.delimiter, codec),
            terminator=self.mark("row_terminator", form.terminator, codec),
            quote=self.mark("quote", form.quote, codec),
            nulls=self.spellings("null", form.nulls, codec),
            empties=self.spellings("empty", form.empties, codec),
            escape=self.one_of("escape", Escape, form.escape),
            binary=self.one_of("binary", Binary, form.binary),
            header=self.get("header", bool, form.header),
            open_end=self.get("open_end", bool, form.open_end),
        )
        self.check(form)
        return form

    def check(self, form: TextForm) -> None:
        if not form.delimiter or not form.terminator or form.delimiter == form.terminator:
            raise self.wrong("delimiter", "and row_terminator must be two different texts")
        if len(form.quote) > 1 or (form.quote and not form.quote.isascii()):
            raise self.wrong("quote", "must be one ASCII character, or none")
        marks = [form.quote, *([b"\\"] if form.backslashed else [])]
        if any(mark and mark in form.delimiter + form.terminator for mark in marks):
            raise self.wrong("delimiter", "and row_terminator must be free of quote and backslash")
        if form.terminator in form.delimiter:
            raise self.wrong("delimiter", "must not hold the row_terminator")

    def mark(self, key: str, fallback: bytes, codec: str) -> bytes:
        return _encoded(self.said[key], codec, self, key) if key in self.said else fallback

    def spellings(self, key: str, fallback: frozenset[bytes], codec: str) -> frozenset[bytes]:
        if key not in self.said:
            return fallback
        return frozenset(_encoded(one, codec, self, key) for one in self.get(key, list, []))

    def one_of(self, key: str, kind: type[_T], fallback: _T) -> _T:
        try:
            return kind(self.said.get(key, fallback))  # type: ignore[call-arg]
        except ValueError as error:
            names = ", ".join(str(one) for one in kind)  # type: ignore[attr-defined]
            raise self.wrong(key, f"is {self.said[key]!r}; it must be one of {names}") from error

    def files(self, folder: Folder) -> tuple[Source, ...]:
        names = self.get("files", list, [])
        if not names or not all(isinstance(name, str) for name in names):
            raise self.wrong("files", "must list the file or files of the table")
        paths = [PurePath(name) for name in names]
        if any(path.anchor or ".." in path.parts for path in paths):
            raise self.wrong("files", "must lie in the manifest's folder or below it")
        found = {path: folder.get(path.as_posix()) for path in paths}
        missing = [path for path, source in found.items() if source is None]
        if missing:
            raise self.wrong("files", f"names {missing[0]}, which is not there; copy it again")
        return tuple(source for source in found.values() if source)

    def columns(self) -> tuple[Column, ...]:
        listed = self.get("columns", list, [])
        if not all(isinstance(c, list) and len(c) in {1, 2} for c in listed) or not all(
            isinstance(part, str) for column in listed for part in column
        ):
            raise self.wrong("columns", 'must be a list of pairs, such as ["pk", "int"]')
        names = [column[0].lower() for column in listed]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise self.wrong("columns", f"has {twice[0]!r} twice")
        return tuple(Column(column[0], "".join(column[1:])) for column in listed)


def _encoded(value: object, codec: str, said: _Said, key: str) -> bytes:
    if not isinstance(value, str):
        raise said.wrong(key, f"is {value!r}; it must be text")
    try:
        return value.encode(codec)
    except UnicodeEncodeError as error:
        raise said.wrong(key, f"is {value!r}, which {codec} cannot write") from error
