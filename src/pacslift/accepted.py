"""The accepted catalog of a case: text that a person has read before trusting it.

A CSV a table, sorted, so that a version control system shows what changed. Null is an empty cell,
an empty text is "". Differences are told row by row.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum

import polars as pl

from pacslift.cases import Case
from pacslift.errors import AdapterFaultError
from pacslift.inventory.catalog import KEYS, SCHEMAS, Catalog

ROW_KEYS: Mapping[str, tuple[str, ...]] = {
    **{table: (key,) for table, key in KEYS.items()},
    "files": ("instance_key", "rank"),
    "attachments": ("root", "path"),
}
# A case ought to hold invented patients, but nobody can be sure of that: a difference in another
# column than these is told without the two values.
SHOWN = frozenset(
    {
        *(column for keys in ROW_KEYS.values() for column in keys),
        *("study_instance_uid", "series_instance_uid", "sop_instance_uid", "sop_class_uid"),
        *("instance_number", "series_number", "modality", "expected_instances", "visibility"),
        *SCHEMAS["files"],
        *SCHEMAS["attachments"],
    }
)
MOST_SHOWN = 20

Rows = Mapping[tuple[str | None, ...], Mapping[str, str | None]]


class Verdict(StrEnum):
    """What a case says about an adapter."""

    SAME = "the catalog is the accepted one"
    DIFFERS = "the catalog differs from the accepted one"
    NOTHING_ACCEPTED = "nothing is accepted yet"
    NOT_RECOGNISED = "the dump is no longer recognised"


def as_text(frame: pl.DataFrame, table: str) -> str:
    """One table of a catalog as CSV, sorted by its key and then by all columns."""
    order = dict.fromkeys((*ROW_KEYS[table], *frame.columns))
    return frame.sort(list(order), nulls_last=True).write_csv()


def from_text(text: str, table: str) -> Rows:
    """The rows of a CSV that as_text() gave, by their key; #2, #3 … marks a key that repeats."""
    rows: dict[tuple[str | None, ...], Mapping[str, str | None]] = {}
    for row in pl.read_csv(text.encode(), infer_schema=False).iter_rows(named=True):
        key = tuple(row.get(column) for column in ROW_KEYS[table])
        nth = 2
        while key in rows:
            key = (*key[: len(ROW_KEYS[table])], f"#{nth}")
            nth += 1
        rows[key] = row
    return rows


def differences(case: Case, catalog: Catalog) -> list[str] | None:
    """How *catalog* differs from the accepted one, a sentence each; None: nothing is accepted.

    A table without an accepted file counts as accepted to be empty, so that a new table shows.
    """
    if not case.accepted.is_dir():
        return None
    said = []
    for table in SCHEMAS:
        path = case.accepted / f"{table}.csv"
        accepted = path.read_text(encoding="utf-8") if path.is_file() else ""
        now = as_text(catalog[table], table)
        if accepted != now:
            before = from_text(accepted, table) if accepted else {}
            said += row_differences(table, before, from_text(now, table))
    return said


def row_differences(table: str, accepted: Rows, now: Rows) -> list[str]:
    """Sentences on the rows of one table."""
    said = [f"{table} {spelt(key)} is new" for key in now if key not in accepted]
    said += [f"{table} {spelt(key)} is missing" for key in accepted if key not in now]
    for key in accepted:
        for column in {**accepted[key], **now.get(key, {})} if key in now else ():
            before, after = accepted[key].get(column), now[key].get(column)
            if before != after:
                shown = f": accepted {before!r}, now {after!r}" if column in SHOWN else ""
                said.append(f"{table} {spelt(key)} differs in {column}{shown}")
    return said or [f"{table} is written otherwise, with the same values"]


def spelt(key: tuple[str | None, ...]) -> str:
    """A row's key for a person."""
    return " ".join(str(part) for part in key)


def shortened_list(said: Sequence[str]) -> str:
    """The first sentences, a line each, and how many more there are."""
    shown = list(said[:MOST_SHOWN])
    if len(said) > MOST_SHOWN:
        shown.append(f"and {len(said) - MOST_SHOWN} more differences")
    return "\n".join(shown)


def write_accepted(case: Case, catalog: Catalog, *, force: bool) -> list[str]:
    """Write *catalog* as the accepted one; give how it differs from what was accepted before.

    Raises AdapterFaultError if another one is accepted and *force* is not given.
    """
    said = differences(case, catalog)
    if said and not force:
        raise AdapterFaultError(
            f"{case.accepted} holds another catalog, accepted before:\n{shortened_list(said)}\n"
            "Look at the differences; if they are right, accept with --force"
        )
    case.accepted.mkdir(exist_ok=True)
    for table in SCHEMAS:
        (case.accepted / f"{table}.csv").write_text(
            as_text(catalog[table], table), encoding="utf-8", newline="\n"
        )
    return said or []


def judge(case: Case, catalog: Catalog) -> tuple[Verdict, str]:
    """How *catalog* stands to the accepted one, and the differences."""
    said = differences(case, catalog)
    if said is None:
        return Verdict.NOTHING_ACCEPTED, (
            f"{Verdict.NOTHING_ACCEPTED}; look at the catalog, then `pacslift adapter accept`"
        )
    if said:
        return Verdict.DIFFERS, f"{Verdict.DIFFERS}:\n{shortened_list(said)}"
    return Verdict.SAME, ""
