"""Adapters: what is known of one legacy product, as a folder of facts.

adapter.toml holds what is fact, the *.sql files hold one SELECT each for a canonical table, and
hooks.py, where there is one, holds the pure functions that SQL cannot express. Loading a folder
runs its hooks.py, so the run names the folder and its digest in the ledger.
"""

import hashlib
import importlib.util
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from pacslift.errors import AdapterClashError, AdapterFaultError, NoAdapterError

CANONICAL = ("patients", "studies", "series", "instances", "files")
EXTRA = ("attachments",)  # files the dump names that are no instances
TRUTHS = ("database", "file")
# What becomes of an object that is only pixels: an instance of the class that the database names,
# Secondary Capture, or nothing.
MODALITY, SECONDARY_CAPTURE, NOT_REBUILT = "modality", "secondary capture", "none"
REBUILDS = (MODALITY, SECONDARY_CAPTURE, NOT_REBUILT)
LITTLE, BIG = "little", "big"
SECTIONS = {"name", "product", "dialects", "truth", "identify", "optional", "ignored", "storage",
            "codes", "expect", "governs", "rebuild"}  # fmt: skip

Names = Mapping[str, tuple[str, ...]]  # table to columns, all in lower case


@dataclass(frozen=True, slots=True)
class Rebuild:
    """[rebuild]: what becomes of files that are only pixels.

    iod     one of REBUILDS
    words   how native pixels of 16 bits are written, LITTLE or BIG endian
    """

    iod: str = NOT_REBUILT
    words: str = LITTLE


NOTHING_REBUILT = Rebuild()


@dataclass(frozen=True)
class Adapter:
    """One adapter, loaded. Table and column names are in lower case."""

    name: str
    product: str
    truth: str
    dialects: tuple[str, ...]
    folder: Path
    identify: Names
    optional: Names
    ignored: Names  # ("*",) stands for all columns of the table
    roots: tuple[str, ...]
    codes: Mapping[str, Mapping[str, Mapping[str, str]]]  # table, column, code, meaning
    warn_share_with_file: float
    governs: Names  # canonical table to its columns that overlay the header; all if it is not said
    queries: Mapping[str, str]  # canonical table to SQL
    hooks: Mapping[str, Callable[..., Any]]
    digest: str  # sha256 over the folder's files, hex
    rebuild: Rebuild = NOTHING_REBUILT

    def claims(self, tables: Names) -> bool:
        """Whether a dump with *tables* (lower case) is this product's."""
        return not self.missing(tables)

    def missing(self, tables: Names) -> list[str]:
        """What [identify] asks for and *tables* does not have, as table or table.column."""
        lacking = [table for table in self.identify if table not in tables]
        lacking += [
            f"{table}.{column}"
            for table, columns in self.identify.items()
            for column in columns
            if table in tables and column not in tables[table]
        ]
        return lacking


def shipped_folder() -> Path:
    """The adapters of this pacslift: inside the wheel, or in the checkout it is run from."""
    inside = Path(__file__).parent / "_adapters"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "adapters"


def load_adapters(folders: Sequence[Path] = ()) -> dict[str, Adapter]:
    """Every adapter by name: those of *folders*, of the entry points, and the shipped ones.

    A name found earlier wins, so that a site can put its own beside a shipped one.
    """
    plugged = [Path(str(point.load())) for point in entry_points(group="pacslift.adapters")]
    found: dict[str, Adapter] = {}
    for parent in (*folders, *plugged, shipped_folder()):
        for manifest in manifests(parent):
            adapter = load_adapter(manifest.parent)
            found.setdefault(adapter.name, adapter)
    return found


def manifests(parent: Path) -> list[Path]:
    """The adapter.toml files of *parent*, which is one adapter or a folder of adapters."""
    if not parent.is_dir():
        raise AdapterFaultError(f"{parent} is no folder; --adapters takes a folder of adapters")
    own = parent / "adapter.toml"
    return [own] if own.is_file() else sorted(parent.glob("*/adapter.toml"))


def load_adapter(folder: Path) -> Adapter:
    """Read one adapter's folder. AdapterFaultError names the file and what is wrong with it."""
    manifest = folder / "adapter.toml"
    try:
        said = tomllib.loads(manifest.read_text(encoding="utf-8"))
        return adapter_from(folder, said)
    except OSError as error:
        raise AdapterFaultError(
            f"{manifest}: {error.strerror}; an adapter is a folder with an adapter.toml"
        ) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise AdapterFaultError(f"{manifest}: {error}") from error
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise AdapterFaultError(
            f"{manifest}: {error} is missing or of the wrong kind; "
            "`pacslift adapter scaffold NAME` writes a folder that is right"
        ) from error


def adapter_from(folder: Path, said: Mapping[str, Any]) -> Adapter:
    """An Adapter from its parsed manifest and the files beside it."""
    unknown = sorted(set(said) - SECTIONS)
    if unknown:
        raise AdapterFaultError(f"{folder / 'adapter.toml'} has the unknown key {unknown[0]!r}")
    if said["truth"] not in TRUTHS:
        raise AdapterFaultError(
            f"{folder / 'adapter.toml'}: truth is {said['truth']!r}; it must be one of {TRUTHS}"
        )
    return Adapter(
        name=said["name"],
        product=said["product"],
        truth=said["truth"],
        dialects=tuple(said.get("dialects", ())),
        folder=folder,
        identify=names_from(said["identify"]),
        optional=names_from(said.get("optional", {})),
        ignored=names_from(said.get("ignored", {})),
        roots=tuple(said.get("storage", {}).get("roots", ())),
        codes=said.get("codes", {}),
        warn_share_with_file=float(said.get("expect", {}).get("warn_share_with_file", 0.98)),
        governs=names_from(said.get("governs", {})),
        queries=read_queries(folder),
        hooks=load_hooks(folder),
        digest=folder_digest(folder),
        rebuild=rebuild_from(folder, said),
    )


def rebuild_from(folder: Path, said: Mapping[str, Any]) -> Rebuild:
    """The rule of [rebuild]; AdapterFaultError for one that is none, or that nothing can follow."""
    manifest, section = folder / "adapter.toml", said.get("rebuild", {})
    if not isinstance(section, dict):
        raise AdapterFaultError(f"{manifest}: rebuild must be a section with the key iod")
    strange = sorted(set(section) - {"iod", "words"})
    if strange:
        raise AdapterFaultError(f"{manifest}: [rebuild] has the unknown key {strange[0]!r}")
    iod = section.get("iod", NOT_REBUILT)
    words = section.get("words", LITTLE)
    for key, value, values in (("iod", iod, REBUILDS), ("words", words, (LITTLE, BIG))):
        if value not in values:
            raise AdapterFaultError(
                f"{manifest}: [rebuild] {key} is {value!r}; it must be one of {', '.join(values)}"
            )
    if iod != NOT_REBUILT and said["truth"] != "database":
        raise AdapterFaultError(
            f"{manifest}: [rebuild] takes the header from the database, so truth must be "
            f'"database", not {said["truth"]!r}'
        )
    return Rebuild(iod, words)


def names_from(section: Mapping[str, Any]) -> Names:
    """Tables and columns of a manifest section, in lower case; a lone text is one column."""
    return {
        table.lower(): tuple(
            column.lower() for column in ([columns] if isinstance(columns, str) else columns)
        )
        for table, columns in section.items()
    }


def read_queries(folder: Path) -> dict[str, str]:
    """The SQL of each canonical table; AdapterFaultError if one is missing."""
    queries = {}
    for name in CANONICAL + EXTRA:
        path = folder / f"{name}.sql"
        if path.is_file():
            queries[name] = path.read_text(encoding="utf-8")
        elif name in CANONICAL:
            raise AdapterFaultError(f"{folder} lacks {name}.sql; an adapter has {CANONICAL}")
    return queries


def load_hooks(folder: Path) -> dict[str, Callable[..., Any]]:
    """The functions of hooks.py that are named like a canonical table; none without the file."""
    path = folder / "hooks.py"
    if not path.is_file():
        return {}
    spec = importlib.util.spec_from_file_location(f"pacslift_hooks_{folder.name}", path)
    if spec is None or spec.loader is None:
        raise AdapterFaultError(f"{path} cannot be loaded as Python")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # a site's own code may raise anything
        raise AdapterFaultError(f"{path} fails when it is loaded: {error!r}") from error
    return {name: getattr(module, name) for name in CANONICAL + EXTRA if hasattr(module, name)}


def folder_digest(folder: Path) -> str:
    """A sha256 over names and content of the adapter's files, hex."""
    digest = hashlib.sha256()
    files = (path for path in folder.iterdir() if path.is_file() and path.suffix != ".md")
    for path in sorted(files, key=lambda file: file.name):  # paths have another order on Windows
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def claimants(adapters: Iterable[Adapter], tables: Names) -> list[Adapter]:
    """The adapters that recognise *tables*, by name."""
    return sorted((a for a in adapters if a.claims(tables)), key=lambda a: a.name)


def choose(
    adapters: Mapping[str, Adapter], tables: Names, wanted: str | None, what: str
) -> Adapter:
    """The one adapter for a dump.

    *wanted* is the name a person gave, or None; *what* names the dump in messages.
    Raises NoAdapterError if none fits, AdapterClashError if several do and none was named.
    """
    if wanted is not None:
        return chosen_by_name(adapters, tables, wanted, what)
    fitting = claimants(adapters.values(), tables)
    if not fitting:
        raise NoAdapterError(
            f"{what} is of no system that pacslift knows: its tables are "
            f"{shortened(sorted(tables))}. Known are {', '.join(sorted(adapters))}. "
            "Give the folder of an adapter for it with --adapters DIR; "
            "`pacslift adapter scaffold` starts one"
        )
    if len(fitting) > 1:
        raise AdapterClashError(
            f"{what} is claimed by {' and by '.join(a.name for a in fitting)}; "
            "choose one with --adapter NAME"
        )
    return fitting[0]


def chosen_by_name(
    adapters: Mapping[str, Adapter], tables: Names, wanted: str, what: str
) -> Adapter:
    """The adapter called *wanted*, if it fits the dump."""
    if wanted not in adapters:
        raise NoAdapterError(
            f"there is no adapter {wanted!r}; known are {', '.join(sorted(adapters))}"
        )
    lacking = adapters[wanted].missing(tables)
    if lacking:
        raise NoAdapterError(
            f"{what} does not fit the adapter {wanted!r}: it lacks {shortened(lacking)}"
        )
    return adapters[wanted]


def shortened(names: Sequence[str], most: int = 12) -> str:
    """The first of *names*, and how many more there are."""
    shown = ", ".join(names[:most]) or "none"
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def unread_columns(adapter: Adapter, tables: Names, read: Names) -> list[str]:
    """Tables and columns of a dump that the adapter neither reads nor lists as ignored."""
    strange = []
    for table, columns in sorted(tables.items()):
        ignored = adapter.ignored.get(table, ())
        if "*" in ignored:
            continue
        if table not in read and not ignored:
            strange.append(table)
            continue
        known = {*read.get(table, ()), *ignored, *adapter.identify.get(table, ())}
        strange += [f"{table}.{column}" for column in columns if column not in known]
    return strange
