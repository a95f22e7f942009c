"""Tables of any length worked on in ranges of a key, so that memory does not grow with the archive.

Strategy: the bounds between ranges come from every so many keys of the longest table; each table is
read once, in batches, and its rows are put by on disk with those of their range. The ranges come
in the key's order, and all rows of one key, of whichever table, are in one range: what is joined,
sorted or made unique by the key within the ranges is so within the whole.
Cost     one writing and one reading of the columns that are needed; nothing where one range holds
         everything. A table of which many rows have one key makes one long range.
"""

import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

RANGE = 500_000  # rows of the longest table in one range
BATCH = 200_000  # rows that are parted at a time
SAMPLED = 64  # one key of so many is looked at to find the bounds

Tables = Mapping[str, pl.LazyFrame]


@contextmanager
def scratch_folder(parent: Path | None) -> Iterator[Path]:
    """A folder for what is put by: in *parent*, emptied before and after; None: the system's."""
    if parent is None:
        with TemporaryDirectory(prefix="pacslift-") as name:
            yield Path(name)
        return
    folder = parent / "scratch"
    shutil.rmtree(folder, ignore_errors=True)  # of a run that was killed
    folder.mkdir(mode=0o700, parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Spilled:
    """Frames put by in files, to be read again in their order, as often as wanted."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._parts: list[Path] = []
        self.height = 0

    def add(self, rows: pl.DataFrame) -> None:
        """Put *rows* by."""
        path = self._folder / f"{len(self._parts)}.ipc"
        rows.write_ipc(path, compression="lz4")
        self._parts.append(path)
        self.height += rows.height

    def scan(self) -> pl.LazyFrame:
        """All rows together, in no order; there is at least one frame."""
        return pl.scan_ipc(self._parts)

    def drop(self) -> None:
        """Remove what was put by; nothing can be read any more."""
        for path in self._parts:
            with suppress(PermissionError):  # Windows, while it is still mapped; goes at the end
                path.unlink()
        self._parts.clear()

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """The frames."""
        return (pl.read_ipc(path) for path in self._parts)


def in_ranges(
    tables: Tables, key: str, scratch: Path, size: int | None = None
) -> Iterator[dict[str, pl.DataFrame]]:
    """All *tables* range by range; each has the text column *key*, without nulls.

    *size* is about the length of a range of the longest. Rows of a range keep their order.
    """
    longest = max(tables.values(), key=length_of)
    bounds = bounds_of(longest, key, size or RANGE)
    if not bounds.len():
        yield {name: rows.collect() for name, rows in tables.items()}
        return
    with TemporaryDirectory(dir=scratch) as name:
        parted = {
            table: part(rows, key, bounds, Path(name) / table) for table, rows in tables.items()
        }
        for nth in range(bounds.len() + 1):
            yield {table: together(parts[nth], tables[table]) for table, parts in parted.items()}


def length_of(rows: pl.LazyFrame) -> int:
    """How many they are."""
    return int(rows.select(pl.len()).collect(engine="streaming").item())


def bounds_of(rows: pl.LazyFrame, key: str, size: int) -> pl.Series:
    """The first keys of all ranges but the first, in order."""
    length = length_of(rows)
    every = min(SAMPLED, size)
    if length <= size:
        return pl.Series(key, [], pl.String())
    sample = rows.select(pl.col(key).gather_every(every)).collect(engine="streaming")[key].sort()
    step = size // every
    return sample.gather_every(step, step).unique().sort()


def part(rows: pl.LazyFrame, key: str, bounds: pl.Series, folder: Path) -> list[list[Path]]:
    """Put *rows* by, and give the files of each range."""
    folder.mkdir()
    parts: list[list[Path]] = [[] for _ in range(bounds.len() + 1)]
    for nth, batch in enumerate(rows.collect_batches(chunk_size=BATCH, maintain_order=True)):
        which = bounds.search_sorted(batch[key], side="right").alias("range")
        for (where,), some in batch.group_by(which, maintain_order=True):
            path = folder / f"{where}-{nth}.ipc"
            some.write_ipc(path, compression="lz4")
            parts[int(str(where))].append(path)
    return parts


def together(files: Iterable[Path], like: pl.LazyFrame) -> pl.DataFrame:
    """The rows of *files*, which are removed, with the columns of *like*."""
    frames = []
    for path in files:
        frames.append(pl.read_ipc(path))
        path.unlink()
    return pl.concat(frames) if frames else pl.DataFrame(schema=like.collect_schema())
