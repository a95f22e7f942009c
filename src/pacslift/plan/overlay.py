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

from pacslift.adapter import Adapter
from pacslift.errors import AdapterFaultError, CatalogError
from pacslift.inventory.catalog import KEYS
from pacslift.ledger import OverlayKind
from pacslift.plan.keywords import COLUMNS, NEVER_OVERLAID, JsonElement, as_json

ATTRIBUTES = "attributes"
DIGEST_BYTES = 12  # 96 bits: ten million texts share one with a chance below 1 in 10**15
SLICE = 50_000  # rows of the catalog at a time
TAG = re.compile(r"[0-9A-F]{8}")

Json = Mapping[str, JsonElement]
Row = Mapping[str, Any]  # of the ledger's OVERLAYS
Keep = Callable[[Sequence[Row]], None]  # takes rows for the ledger


@dataclass(frozen=True, slots=True)
class Level:
    """One canonical table as far as it overlays headers."""

    table: str
    columns: tuple[str, ...]
    attributes: bool

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
        text = row[ATTRIBUTES] if self.attributes else None
        if text:
            said |= parsed(text, f"{self.table}, {self.key} {row[self.key]}")
        return {tag: said[tag] for tag in sorted(said) if tag not in NEVER_OVERLAID}


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
    return Level(table, tuple(c for c in COLUMNS[table] if c in named), ATTRIBUTES in named)


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
    needed = rows.select(level.read).filter(something)
    found = [pl.DataFrame(schema=schema)]
    for part in slices(needed):
        said = [(row[level.key], level.elements(row)) for row in part.iter_rows(named=True)]
        texts = [(key, as_row(OverlayKind.DATABASE, one)) for key, one in said if one]
        keep(distinct(row for _, row in texts))
        pairs = [(key, row["overlay_key"]) for key, row in texts]
        found.append(pl.DataFrame(pairs, schema=schema, orient="row"))
    return pl.concat(found)


def slices(rows: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    """*rows* in slices of bounded length, in their order."""
    yield from rows.collect_batches(chunk_size=SLICE)


def distinct(rows: Iterator[Row]) -> list[Row]:
    """*rows* without those that are there already."""
    return list({row["overlay_key"]: row for row in rows}.values())
