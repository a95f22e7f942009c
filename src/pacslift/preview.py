"""`plan --diff`: every change that sending would make, as a table, before a byte moves.

The repair stage is run dry over what is planned: each object is read and prepared as it would be
to be sent, and closed again. What cannot be prepared is listed with its cause, beside what the plan
has set aside already. The table holds patient data: its files are readable by their owner alone,
and the CSV says so in its first line.

Cost: every planned object is opened and its header read, in as many processes as there are cores.
Memory is bounded: the table is written in parts, which are put together at the end.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import polars as pl
import sqlalchemy as sa

from pacslift.errors import SetAsideError
from pacslift.events import ObjectsPrepared, Sink
from pacslift.ledger import INSTANCES, InstanceState, Ledger, Planned
from pacslift.send.load import load
from pacslift.send.orders import OrderBook

NOTICE = "# PATIENT DATA: names, IDs and dates of patients stand in this file; keep it as such.\n"
TOGETHER = 2_000  # objects that are handed to the processes, and written, at a time
CHUNK = 50  # objects that a process takes at a time
MOST_PROCESSES = 61  # what one process can wait for on Windows; ProcessPoolExecutor takes no more
WORTH_PROCESSES = 1_000  # objects from which on it pays to start processes
FORMULA = r"^ *[=+\-@\t\r]"  # what a spreadsheet would take for one

COLUMNS = ("instance_key", "study_instance_uid", "sop_instance_uid", "rule", "keyword", "before",
           "after", "cause", "detail")  # fmt: skip
TABLE = pl.Schema(dict.fromkeys(COLUMNS, pl.String()))

Item = TypeVar("Item")
Row = tuple[str | None, ...]  # of TABLE
Prepare = Callable[[Iterable[Planned]], Iterator[list[Row]]]


@dataclass(frozen=True)
class Preview:
    """What would be changed and what left out, in counts that name no patient."""

    csv: Path
    parquet: Path
    objects: int  # that were prepared, or could not be
    changes: Mapping[tuple[str, str], int]  # rule and keyword: objects
    causes: Mapping[str, int]  # cause: objects


def write_preview(ledger: Ledger, book: OrderBook, folder: Path, tell: Sink) -> Preview:
    """Write plan-diff.parquet and plan-diff.csv into *folder*; gives what stands in them."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    objects = 0
    with TemporaryDirectory(prefix=".plan-diff-", dir=folder) as private:
        parts = Parts(Path(private))
        for aside in batched(set_aside(ledger), TOGETHER):
            parts.add(aside)
        with preparing(book, ledger.count_planned()) as prepare:
            for some in batched(ledger.planned(), TOGETHER):
                for rows in prepare(some):
                    parts.add(rows)
                    tell(ObjectsPrepared(1, sum(row[-2] is not None for row in rows)))
                objects += len(some)
        table = parts.table()
        parquet, text = folder / "plan-diff.parquet", folder / "plan-diff.csv"
        with private_file(parquet) as partial_:
            table.sink_parquet(partial_)
        with private_file(text) as partial_:
            write_csv(table, partial_)
        changed = table.filter(pl.col("rule").is_not_null()).group_by("rule", "keyword")
        left = table.filter(pl.col("cause").is_not_null()).group_by("cause")
        count = pl.col("instance_key").n_unique().alias("objects")
        return Preview(
            text,
            parquet,
            objects,
            {(rule, keyword): n for rule, keyword, n in most_first(changed.agg(count))},
            dict(most_first(left.agg(count))),
        )


def most_first(counts: pl.LazyFrame) -> Iterator[tuple[Any, ...]]:
    """Rows of *counts* with the largest number, which stands last, first."""
    found = counts.collect(engine="streaming")
    *names, number = found.columns
    return found.sort(number, *names, descending=[True, *[False] * len(names)]).iter_rows()


class Parts:
    """The table while it is made: parts of bounded size in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._rows: list[Row] = []
        self._written = 0

    def add(self, rows: Iterable[Row]) -> None:
        """Take further rows."""
        self._rows += rows
        if len(self._rows) >= TOGETHER * 10:
            self._write()

    def _write(self) -> None:
        frame = pl.DataFrame(self._rows, schema=TABLE, orient="row")
        frame.write_parquet(self._folder / f"{self._written:09}.parquet")
        self._written += 1
        self._rows = []

    def table(self) -> pl.LazyFrame:
        """All of it, in the order in which it was added."""
        self._write()
        return pl.scan_parquet(self._folder / "*.parquet")


def batched(rows: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """*rows* in lists of at most *size*."""
    rest = iter(rows)
    while some := list(islice(rest, size)):
        yield some


@contextmanager
def private_file(path: Path) -> Iterator[Path]:
    """A file for the owner alone that takes the place of *path* when all is written."""
    fresh = path.with_name(f".{path.name}.new")
    try:
        os.close(os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))
        yield fresh
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def write_csv(table: pl.LazyFrame, path: Path) -> None:
    """The table with the notice above it, and without what a spreadsheet takes for a formula."""
    guarded = table.with_columns(guarded_cell(column) for column in COLUMNS)
    with path.open("w", encoding="utf-8", newline="") as out:
        out.write(NOTICE + ",".join(COLUMNS) + "\n")
        for some in guarded.collect_batches():
            out.write(some.write_csv(include_header=False))


def guarded_cell(column: str) -> pl.Expr:
    """A column whose cells no spreadsheet takes for formulas."""
    cell = pl.col(column)
    marked = pl.concat_str(pl.lit("'"), cell)
    return pl.when(cell.str.contains(FORMULA)).then(marked).otherwise(cell).alias(column)


def set_aside(ledger: Ledger) -> Iterator[Row]:
    """What the plan does not send."""
    query = sa.select(INSTANCES).where(INSTANCES.c.state == InstanceState.SET_ASIDE)
    for row in ledger.rows(query.order_by(INSTANCES.c.position)):
        yield tuple(row.get(column) for column in COLUMNS)


@contextmanager
def preparing(book: OrderBook, objects: int) -> Iterator[Prepare]:
    """How to prepare instances: here, or where there are many, in several processes."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if objects < WORTH_PROCESSES or not cores or cores == 1:
        yield partial(map, partial(prepared, book))
        return
    fresh = get_context("spawn")  # a fork would copy the ledger's open file
    with ProcessPoolExecutor(min(cores, MOST_PROCESSES), fresh, remember, (book,)) as pool:
        yield lambda some: pool.map(prepared_there, some, chunksize=CHUNK)


_books: list[OrderBook] = []  # the one of this process


def remember(book: OrderBook) -> None:
    """Keep the order book for all objects of this process."""
    _books[:] = [book]


def prepared_there(planned: Planned) -> list[Row]:
    """As prepared(), in a process of the pool."""
    return prepared(_books[0], planned)


def prepared(book: OrderBook, planned: Planned) -> list[Row]:
    """What sending one instance would change; or the cause for which it would be set aside."""
    known = planned.instance_key, planned.study_instance_uid, planned.sop_instance_uid
    try:
        outgoing, _ = load(planned, book)
    except SetAsideError as error:
        return [(*known, None, None, None, None, error.cause.value, error.detail)]
    with outgoing:
        return [
            (*known, change.rule, change.keyword, change.before, change.after, None, None)
            for change in outgoing.changes
        ]
