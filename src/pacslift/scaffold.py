"""The start of an adapter: a folder with every file, to be filled in with what one knows."""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from pacslift.adapter import CANONICAL
from pacslift.errors import AdapterFaultError
from pacslift.extract.shapes import TableShape
from pacslift.extract.take import opened_one
from pacslift.inventory.catalog import SCHEMAS

MANIFEST = """\
name     = "{name}"
product  = "product and versions"
dialects = []                  # mysql, postgres, sqlite, tsql, oracle
truth    = "file"              # or "database": which side holds corrections

[identify]                     # tables and columns by which the product is known
{identify}

[ignored]                      # known columns that are of no use; "*" for a whole table

[storage]
roots = []                     # the storage roots as the database names them

# [rebuild]                    # where files are only pixels; truth must be "database" then
# iod = "modality"             # or "secondary capture", or "none"

[expect]
warn_share_with_file = 0.98
"""

README = """\
# {name}

What product this is, and which versions were seen.

## Sources

Where each fact comes from: product source, manual, vendor, or a look at a real archive.

## Known faults

| fault | seen in | where handled | test |
| --- | --- | --- | --- |
"""


def scaffold(folder: Path, dump: Path | str | None) -> Iterator[Path]:
    """Write the files of an adapter into *folder*, which must not be there; gives each path.

    With a *dump*, a path or the text that names a database over ODBC, the manifest starts with its
    tables and columns.
    """
    if folder.exists():
        raise AdapterFaultError(f"{folder} is there already; give a folder that is not")
    shapes = shapes_of(dump) if dump else ()
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise AdapterFaultError(
            f"{folder} cannot be made: {error.strerror}; give a folder that this user may write"
        ) from error
    written = {
        "adapter.toml": MANIFEST.format(name=folder.name, identify=identify_lines(shapes)),
        "README.md": README.format(name=folder.name),
        **{f"{table}.sql": query(table) for table in CANONICAL},
    }
    for name, text in written.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
        yield folder / name


def shapes_of(dump: Path | str) -> Sequence[TableShape]:
    """The tables of *dump*."""
    with (
        tempfile.TemporaryDirectory(prefix="pacslift-") as private,
        opened_one(dump, Path(private)) as reader,
    ):
        return list(reader.shapes())


def identify_lines(shapes: Sequence[TableShape]) -> str:
    """A manifest line for each table, with all its columns: strike what is not telling."""
    lines = [
        f"{shape.name.lower()} = [{', '.join(repr(c.name.lower()) for c in shape.columns)}]"
        for shape in shapes
    ]
    return "\n".join(lines).replace("'", '"') or '# table = ["column"]'


def query(table: str) -> str:
    """A SELECT with every column that the catalog has for *table*."""
    columns = [c for c in SCHEMAS[table] if not c.endswith("_raw")]
    return "SELECT\n" + ",\n".join(f"  NULL AS {c}" for c in columns) + f"\nFROM old_{table}\n"
