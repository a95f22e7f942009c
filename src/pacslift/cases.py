"""Cases: small archives that show what an adapter makes of its product's dumps.

    <vendor>/<case>/case.toml       what the case consists of
                    dump, storage/  as case.toml names them
                    expected/       the accepted catalog, see accepted.py

case.toml has `dumps` (files or folders of the case), [mounts] (old root = folder of the case) and
may have `notes`, `truncated` (the file of the dumps to cut, else the largest) and `instance_rows`
(SQL that counts the dump's instance rows, for products that keep several levels in one table).
"""

import shutil
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import sqlglot
from sqlglot import exp

from pacslift.adapter import Adapter, Names
from pacslift.errors import AdapterFaultError
from pacslift.events import silence
from pacslift.extract.columns import needed_columns
from pacslift.extract.store import extract_tables, load_tables
from pacslift.extract.take import names_of, opened_dumps, wanted_columns

KNOWN = {"dumps", "mounts", "notes", "truncated", "instance_rows"}


@dataclass(frozen=True, slots=True)
class Case:
    """One case, its paths absolute."""

    folder: Path
    dumps: tuple[Path, ...]
    mounts: Mapping[str, Path]
    notes: str
    truncated: Path
    instance_rows: str | None

    @property
    def accepted(self) -> Path:
        """Folder of the accepted catalog."""
        return self.folder / "expected"


def find_cases(place: Path) -> list[Path]:
    """The folders at or below *place* that hold a case.toml, in order of their names."""
    return sorted(found.parent for found in place.rglob("case.toml"))


def cases_of(adapter: Path) -> list[Path]:
    """The cases of the adapter in this folder: below it, or in a checkout's fixtures/<its name>."""
    folder = adapter.resolve()
    return find_cases(folder) or find_cases(folder.parent.parent / "fixtures" / folder.name)


def load_case(folder: Path) -> Case:
    """Read case.toml. AdapterFaultError says what is wrong with it."""
    path = folder / "case.toml"
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
        unknown = sorted(set(said) - KNOWN)
        if unknown:
            raise AdapterFaultError(f"{path} has the unknown key {unknown[0]!r}; known are "
                                    f"{', '.join(sorted(KNOWN))}")  # fmt: skip
        dumps = tuple(folder.resolve() / name for name in said["dumps"])
        return Case(
            folder=folder,
            dumps=dumps,
            mounts={name: folder.resolve() / place for name, place in said["mounts"].items()},
            notes=said.get("notes", ""),
            truncated=folder.resolve() / said["truncated"] if "truncated" in said
            else largest(dumps),
            instance_rows=said.get("instance_rows"),
        )  # fmt: skip
    except OSError as error:
        raise AdapterFaultError(
            f"{path}: {error.strerror}; a case is a folder with a case.toml"
        ) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise AdapterFaultError(f"{path}: {error}") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise AdapterFaultError(
            f"{path}: {error} is missing or of the wrong kind; a case names its `dumps`, a list, "
            "and its [mounts], old root = folder"
        ) from error


def largest(dumps: Sequence[Path]) -> Path:
    """The largest file of *dumps*, which are files or folders of files."""
    files = [
        file for dump in dumps for file in ([dump] if not dump.is_dir() else sorted(dump.iterdir()))
    ]
    return max(files, key=lambda file: file.stat().st_size)


@dataclass(frozen=True)
class CaseRead:
    """The dump of a case as a job reads it for one adapter."""

    tables: Names
    read: Names  # tables and columns that the adapter's SQL reads
    frames: Mapping[str, pl.DataFrame]
    instance_rows: int  # as the dump has them


def read_case(adapter: Adapter, case: Case) -> CaseRead:
    """Read what *adapter* needs of the case's dump, and count its instance rows."""
    count = case.instance_rows or instance_table(adapter)
    with TemporaryDirectory() as name:
        place = Path(name)
        with opened_dumps(case.dumps, place / "private") as readers:
            shapes = [shape for reader in readers for shape in reader.shapes()]
            read = wanted_columns(adapter, readers)
            counted = needed_columns([count], shapes, adapter.optional)
            wanted = {
                table: [*dict.fromkeys([*read.get(table, ()), *counted.get(table, ())])]
                for table in {**read, **counted}
            }
            extract_tables(readers, wanted, place / "tables", silence)
            tables = names_of(readers)
        frames = {table: frame.collect() for table, frame in load_tables(place / "tables").items()}
    rows = pl.SQLContext(frames).execute(sqlglot.transpile(count, "postgres", "postgres")[0])
    return CaseRead(
        tables,
        {table: tuple(columns) for table, columns in read.items()},
        frames,
        int(rows.collect().item()),
    )


def instance_table(adapter: Adapter) -> str:
    """SQL that counts the rows of the first table in the adapter's instances.sql."""
    parsed = sqlglot.parse_one(adapter.queries["instances"], read="postgres")
    named = {part.alias for part in parsed.find_all(exp.CTE)}
    tables = (table.name for table in parsed.find_all(exp.Table) if table.name not in named)
    return f"SELECT COUNT(*) AS counted FROM {next(tables)}"  # noqa: S608 - out of parsed SQL


def names_in(case: Case) -> Names:
    """Tables and columns of the case's dumps."""
    with TemporaryDirectory() as name, opened_dumps(case.dumps, Path(name)) as readers:
        return names_of(readers)


def copied_and_cut(case: Case, place: Path) -> Case:
    """The case with copies of its dumps in *place*, one of their files cut to half."""
    moved: dict[Path, Path] = {}
    for nth, dump in enumerate(case.dumps):
        moved[dump] = place / str(nth) / dump.name
        copy: Callable[..., object] = shutil.copytree if dump.is_dir() else shutil.copyfile
        moved[dump].parent.mkdir(parents=True)
        copy(dump, moved[dump])
    for dump, copied in moved.items():
        if case.truncated == dump or case.truncated.is_relative_to(dump):
            file = copied / case.truncated.relative_to(dump)
            with file.open("r+b") as opened:
                opened.truncate(file.stat().st_size // 2)
    return replace(case, dumps=tuple(moved.values()))
