"""One migration, as job.toml says it; job_reading.py reads that, job_writing.py writes it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pacslift.access import Identity, Tls
from pacslift.errors import JobFileError
from pacslift.job_order import NEWEST_FIRST, Order
from pacslift.job_pace import UNPACED, Pace

if TYPE_CHECKING:
    from pacslift.ledger_engine import Place

ODBC = "odbc:"  # begins the name of a database that is read in the place of a dump
TARGET = re.compile(r"(?P<aet>[^@]{1,16})@(?P<host>[^@\s]+):(?P<port>\d{1,5})", re.ASCII)


@dataclass(frozen=True, slots=True)
class TargetAddress:
    """Where the objects go: AE titles (PS3.8 9.3.2, at most 16 characters), host, port, access."""

    aet: str
    host: str
    port: int
    calling_aet: str = "PACSLIFT"
    tls: Tls | None = None  # None: the connection is not encrypted
    identity: Identity | None = None

    def __str__(self) -> str:
        """AET@HOST:PORT, as the command line takes it."""
        return f"{self.aet}@{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Job:
    """One migration, as job.toml says it. Paths are absolute."""

    folder: Path
    dumps: tuple[Path, ...]
    mounts: Mapping[str, Path]
    target: TargetAddress
    adapter: str | None = None
    adapters: tuple[Path, ...] = ()
    processes: int = 0  # 0: found while sending
    associations: int = 0  # of each process; 0: found while sending
    window: int = 8  # objects unanswered at once on an association, if the target grants that
    response_timeout: float = 60.0  # seconds; an archive may need long to store a large object
    busy_waits: tuple[float, ...] = (1.0, 5.0, 15.0)  # seconds before asking a busy target again
    lost_waits: tuple[float, ...] = (0.0, 5.0, 30.0)  # seconds before each new association
    probe: str = "sample"
    revised: str = field(default="")
    databases: tuple[str, ...] = field(default=(), repr=False)  # ODBC and a connection string
    charset: Mapping[str, str] = field(default_factory=dict)  # "*", table or table.column: codec
    accept_truncated: bool = False  # a dump that ends early is read up to its last good row
    mapping: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)  # kind of table: files
    rules: Mapping[str, Any] = field(default_factory=dict)  # [rules] as a person wrote it
    source_name: str = ""  # what objects say that their previous values come from
    accept_lost: bool = False  # a storage without a single file of the dump is what there is
    profile: str = ""  # which product the target is, for what it means by its statuses
    statuses: Mapping[str, str] = field(default_factory=dict)  # codes: what to do about them
    pace: Pace = UNPACED  # how fast, and when
    order: Order = NEWEST_FIRST  # what first
    schema: str | None = None  # schema or database whose tables alone are read
    ledger_url: str = field(default="", repr=False)  # of PostgreSQL; "": a file in the folder
    ledger_schema: str = "pacslift"
    dead_after: float = 30.0  # seconds without a sign of life until a machine's studies are others'

    @property
    def tables(self) -> Path:
        """Folder of the extracted tables."""
        return self.folder / "tables"

    @property
    def catalog(self) -> Path:
        """Folder of the canonical catalog."""
        return self.folder / "catalog"

    @property
    def report(self) -> Path:
        """Folder of the report."""
        return self.folder / "report"

    @property
    def ledger(self) -> "Place":
        """Where the ledger is kept: a file, or a schema of a server."""
        if not self.ledger_url:
            return self.folder / "ledger.db"
        from pacslift.ledger_engine import place_of  # noqa: PLC0415 - loads SQLAlchemy

        return place_of(self.ledger_url, self.ledger_schema)


def parse_target(text: str, calling_aet: str = "PACSLIFT") -> TargetAddress:
    """AET@HOST:PORT as an address. JobFileError says what would be right."""
    match = TARGET.fullmatch(text)
    if not match or not match["aet"].strip() or not 0 < int(match["port"]) <= 65535:  # noqa: PLR2004
        raise JobFileError(
            f"the target {text!r} is not of the form AET@HOST:PORT "
            "(AE title of 1 to 16 characters, port 1 to 65535), for example ORTHANC@10.0.0.5:4242"
        )
    if not 0 < len(calling_aet.strip()) <= 16:  # noqa: PLR2004 - PS3.5 6.2, VR AE
        raise JobFileError(f"the calling AE title {calling_aet!r} must have 1 to 16 characters")
    return TargetAddress(match["aet"], match["host"].strip("[]"), int(match["port"]), calling_aet)


def files_and_databases(dumps: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Those of *dumps* that are paths, and those that are databases named over ODBC."""
    databases = tuple(name for name in dumps if name.startswith(ODBC))
    return tuple(name for name in dumps if name not in databases), databases


def resolve_all(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Absolute paths, symbolic links followed, in the same order."""
    return tuple(path.expanduser().resolve() for path in paths)
