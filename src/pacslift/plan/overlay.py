"""What the old database says of patients, studies, series and instances, as overlays of headers.

Strategy: one text in the DICOM JSON model for a row, named by the digest of its content, so that
equal ones are kept once. An instance names those of its series (patient, study, series) and its
own.
Where the adapter's truth is the file the database overlays nothing.

Rules   of a row its `attributes` win over its columns; a column that is null or empty says nothing
        (the database may never have had it), an element of `attributes` without a value says that
        it is empty. Identity, character set and pixel description are never overlaid.
Cost    the catalog is read in slices and the texts are handed on slice by slice, so memory does
        not grow with what instances have; what remains of a row are two keys.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from pacslift.adapter import NOT_REBUILT, Adapter
from pacslift.errors import AdapterFaultError, CatalogError
from pacslift.inventory.catalog import KEYS
from pacslift.ledger import OverlayKind
from pacslift.plan.keywords import COLUMNS, DESCRIBING, NEVER_OVERLAID, JsonElement, as_json

ATTRIBUTES = "attributes"
DIGEST_BYTES = 12  # 96 bits: ten million texts share one with a chance below 1 in 10**15
SLICE = 20_000  # rows of the catalog at a time
TAG = re.compile(r"[0-9A-F]{8}")

Json = Mapping[str, JsonElement]
Row = Mapping[str, Any]  # of the ledger's OVERLAYS
Keep = Callable[[Sequence[Row]], None]  # takes rows for the ledger


@dataclass(frozen=True, slots=True)
class Level:
    """One canonical table as far as it overlays headers.

    *describes*: what it says of pixels and class is kept as facts, for objects without a header.
    """

    table: str
    columns: tuple[str, ...]
    attributes: bool
    describes: bool = False

    @property
    def key(self) -> str:
        """The table's key column."""
        return KEYS[self.table]

    @property
    def read(self) -> list[str]:
        """The columns that are needed, the key first."""
        return [self.key, *self.columns, *[ATTRIBUTES] * self.attributes]

    def elements(self, row: Mapping[str, str | None]) -> dict[str, JsonElement]:
        """What *row* says, by tag. CatalogError for `attributes` that are no DICOM JSON model."""
        known = COLUMNS[self.table]
        said = {known[c].tag: as_json(known[c], text) for c in self.columns if (text := row[c])}
        said |= self._attributes(row)
        return {tag: said[tag] for tag in sorted(said) if tag not in NEVER_OVERLAID}

    def described(self, row: Mapping[str, str | None]) -> dict[str, JsonElement]:
        """What *row* says of pixels and class, by tag; nothing where nobody will ask."""
        said = self._attributes(row) if self.describes else {}
        return {tag: said[tag] for tag in sorted(said) if tag in DESCRIBING}

    def _attributes(self, row: Mapping[str, str | None]) -> Json:
        text = row[ATTRIBUTES] if self.attributes else None
        return parsed(text, f"{self.table}, {self.key} {row[self.key]}") if text else {}


def level_of(adapter: Adapter, table: str) -> Level:
    """What of *table* overlays headers: [governs] of the manifest, or all where it says nothing.

    Raises AdapterFaultError for a column that is no attribute of an object.
    """
    if adapter.truth != "database":
        return Level(table, (), attributes=False)
    named = adapter.governs.get(table, (*COLUMNS[table], ATTRIBUTES))
    unknown = [name for name in named if name not in COLUMNS[table] and name != ATTRIBUTES]
    if unknown:
        raise AdapterFaultError(
            f"{adapter.folder / 'adapter.toml'}: [governs] {table} names {unknown[0]!r}; "
            f"it can be {', '.join(COLUMNS[table])} or {ATTRIBUTES}"
        )
    columns = tuple(c for c in COLUMNS[table] if c in named)
    return Level(table, columns, ATTRIBUTES in named, adapter.rebuild.iod != NOT_REBUILT)


def levels_of(adapter: Adapter) -> Mapping[str, Level]:
    """The four levels. AdapterFaultError for a [governs] that names no table or no attribute."""
    strange = sorted(set(adapter.governs) - set(COLUMNS))
    if strange:
        raise AdapterFaultError(
            f"{adapter.folder / 'adapter.toml'}: [governs] names the table {strange[0]!r}; "
            f"it can be {', '.join(COLUMNS)}"
        )
    return {table: level_of(adapter, table) for table in COLUMNS}


def parsed(text: str, where: str) -> Json:
    """`attributes` as elements by tag; group lengths and file meta are no part of a data set."""
    try:
        said = json.loads(text)
    except ValueError as error:
        raise CatalogError(f"{where}: attributes are no JSON: {error}") from error
    right = isinstance(said, dict) and all(
        TAG.fullmatch(tag) and isinstance(element, dict) and isinstance(element.get("vr"), str)
        for tag, element in said.items()
    )
    if not right:
        raise CatalogError(
            f"{where}: attributes are not of the DICOM JSON model (PS3.18 F): an object of tags "
            "as 8 upper-case hexadecimal digits, each with an object that has a vr"
        )
    return {tag: e for tag, e in said.items() if tag > "0003" and not tag.endswith("0000")}


def as_row(kind: OverlayKind, said: Mapping[str, Any]) -> Row:
    """*said* as a row of the ledger's OVERLAYS; the same content gives the same row."""
    text = json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    digest = hashlib.blake2b(f"{kind}\0{text}".encode(), digest_size=DIGEST_BYTES).hexdigest()
    return {"overlay_key": digest, "kind": kind.value, "attributes": text}


def overlay_keys(level: Level, rows: pl.LazyFrame, keep: Keep) -> pl.DataFrame:
    """The overlays of a level: its key and `overlay`, for those rows alone that have one.

    Takes   *rows* of the level's canonical table; hands their texts to *keep*, slice by slice.
    """
    schema = {level.key: pl.String(), "overlay": pl.String()}
    if not level.columns and not level.attributes:
        return pl.DataFrame(schema=schema)
    something = pl.any_horizontal(pl.col(c).is_not_null() for c in level.read[1:])
    found = [pl.DataFrame(schema=schema)]
    for part in slices(rows.select(level.read).filter(something)):
        texts = Texts(level)
        keys = [texts.key_of(row) for row in part.iter_rows()]
        keep(texts.rows)
        made = pl.DataFrame({level.key: part[level.key], "overlay": keys}, schema=schema)
        found.append(made.filter(pl.col("overlay").is_not_null()))
    return pl.concat(found)


class Texts:
    """The overlays of a slice: rows that say the same are made and kept once."""

    def __init__(self, level: Level) -> None:
        self._level = level
        self._known: dict[tuple[str | None, ...], str | None] = {}  # by all but the row's key
        self._rows: dict[str, Row] = {}

    @property
    def rows(self) -> list[Row]:
        """The rows for the ledger."""
        return list(self._rows.values())

    def key_of(self, row: tuple[str | None, ...]) -> str | None:
        """The keys of the overlays of a row (its key first); None for one that says nothing."""
        said = row[1:]
        if said not in self._known:
            named = dict(zip(self._level.read, row, strict=True))
            kinds = (
                (OverlayKind.FACTS, self._level.described(named)),
                (OverlayKind.DATABASE, self._level.elements(named)),
            )
            made = [as_row(kind, elements) for kind, elements in kinds if elements]
            self._rows |= {one["overlay_key"]: one for one in made}
            self._known[said] = " ".join(one["overlay_key"] for one in made) or None
        return self._known[said]


def slices(rows: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    """*rows* in slices of bounded length, in their order."""
    yield from rows.collect_batches(chunk_size=SLICE)


def distinct(rows: Iterator[Row]) -> list[Row]:
    """*rows* without those that are there already."""
    return list({row["overlay_key"]: row for row in rows}.values())
