"""The job folder and job.toml, what a person writes.

A job folder is made readable by its owner alone, since it comes to hold patient data.
"""

import codecs
import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pacslift import job_order, job_pace
from pacslift.access import Identity, Tls, access_lines, identity_from, tls_from
from pacslift.errors import JobFileError, JobFolderError
from pacslift.job_order import NEWEST_FIRST, Order, order_from, order_lines
from pacslift.job_pace import UNPACED, Pace, pace_from, pace_lines
from pacslift.job_text import (
    ledger_lines,
    mapping_lines,
    quote,
    rules_lines,
    status_lines,
    write_text,
)
from pacslift.job_values import (
    hint_for,
    path_text,
    path_texts,
    refuse_unknown,
    seconds,
    section,
    typed,
)

if TYPE_CHECKING:
    from pacslift.ledger_engine import Place

ODBC = "odbc:"  # begins the name of a database that is read in the place of a dump
PROBES = ("none", "sample", "all")
TARGET = re.compile(r"(?P<aet>[^@]{1,16})@(?P<host>[^@\s]+):(?P<port>\d{1,5})", re.ASCII)
KNOWN = {
    "": {"revised", "source", "storage", "target", "send", "inventory", "charset", "mapping",
         "rules", "pace", "order", "ledger"},
    "source": {"dumps", "adapter", "adapters", "accept_truncated", "name", "schema"},
    "storage": {"mounts"},
    "target": {"aet", "host", "port", "calling_aet", "profile", "statuses", "tls", "identity"},
    "send": {"processes", "associations", "window", "response_timeout", "busy_waits", "lost_waits"},
    "inventory": {"probe", "accept_lost"},
    "mapping": {"patients", "accession_numbers", "exclusions"},
    "pace": job_pace.KEYS,
    "order": job_order.KEYS,
    "ledger": {"url", "schema", "dead_after"},
}  # fmt: skip
FOUND, OR_FOUND = "  # 0: found while sending", "; 0: found while sending"
SHORTEST = 2  # seconds of silence that may pass for death
SOURCE_NAME = 64  # characters, PS3.5 6.2, VR LO


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


def create_job(job: Job) -> None:
    """Make the folder and its job.toml. JobFolderError if that cannot be or a job is there."""
    if (job.folder / "job.toml").exists():
        raise JobFolderError(
            f"{job.folder} already holds a job; edit its job.toml, or choose another folder"
        )
    try:
        job.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        job.folder.chmod(0o700)
        write_text(job.folder / "job.toml", to_toml(job))
    except OSError as error:
        raise JobFolderError(
            f"the job folder {job.folder} cannot be made: {error.strerror}; "
            "choose a folder that this user may write"
        ) from error


def to_toml(job: Job) -> str:
    """job.toml for *job*, with the comments a person needs to edit it."""
    dumps = "".join(f"  {quote(str(dump))},\n" for dump in (*job.dumps, *job.databases))
    mounts = "".join(f"{quote(name)} = {quote(str(path))}\n" for name, path in job.mounts.items())
    adapter = f"adapter = {quote(job.adapter)}\n" if job.adapter else ""
    folders = ", ".join(quote(str(path)) for path in job.adapters)
    truncated = "accept_truncated = true\n" if job.accept_truncated else ""
    truncated += f"schema = {quote(job.schema)}\n" if job.schema else ""
    lines = "".join(f"{quote(name)} = {quote(said)}\n" for name, said in job.charset.items())
    charset = f"\n[charset]\n{lines}" if lines else ""
    name = f"name = {quote(job.source_name)}\n" if job.source_name else ""
    return f"""\
# One migration. Edit it, then run `pacslift plan` or `pacslift run` again.
revised = {job.revised or now()}  # written by init and plan; the only time that enters an object

[source]
dumps = [
{dumps}]
{name}{adapter}{f"adapters = [{folders}]" + chr(10) if folders else ""}{truncated}{charset}
# The old name of a storage root = the folder where its copy is now. "" is the only root.
[storage.mounts]
{mounts}
[target]
aet = {quote(job.target.aet)}
host = {quote(job.target.host)}
port = {job.target.port}
calling_aet = {quote(job.target.calling_aet)}
{status_lines(job.profile, job.statuses)}{access_lines(job.target.tls, job.target.identity)}
[inventory]
probe = {quote(job.probe)}  # none, sample or all: how many files are opened before sending
{"accept_lost = true" + chr(10) if job.accept_lost else ""}
[send]
processes = {job.processes}{FOUND if not job.processes else ""}
associations = {job.associations}  # of each process{OR_FOUND if not job.associations else ""}
window = {job.window}  # objects unanswered at once on an association, where the target grants it
response_timeout = {job.response_timeout}  # seconds
busy_waits = {list(job.busy_waits)}  # seconds before a target out of resources is asked again
lost_waits = {list(job.lost_waits)}  # seconds before an object without an answer is sent again
{pace_lines(job.pace)}{order_lines(job.order)}{mapping_lines(job.mapping)}\
{rules_lines(job.rules)}{ledger_lines(job.ledger_url, job.ledger_schema, job.dead_after)}"""


def now() -> str:
    """The present moment in UTC, to the second, as TOML writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def load_job(folder: Path) -> Job:
    """Read folder/job.toml. JobFolderError if there is none, JobFileError if it is wrong."""
    path = folder / "job.toml"
    try:
        text = text_of(path, path.read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        lacks = "it has no job.toml" if folder.is_dir() else "there is no such folder"
        raise JobFolderError(
            f"{folder} is no job folder: {lacks}; make one with `pacslift init`"
        ) from error
    except OSError as error:
        raise JobFolderError(
            f"{path} cannot be read: {error.strerror}; give this user the right to, or run "
            "pacslift as the job's owner"
        ) from error
    try:
        return job_from(folder.resolve(), tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise JobFileError(f"{path}: {error}; {hint_for(line_in(text, str(error)))}") from error
    except JobFileError as error:
        raise JobFileError(f"{path}: {error}") from error


def text_of(path: Path, content: bytes) -> str:
    """What the file says, with line ends as TOML has them. JobFileError unless it is in UTF-8."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in content:
        raise JobFileError(
            f"{path} is in UTF-16, which Windows calls Unicode; save it in UTF-8, as TOML has it"
        )
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        raise JobFileError(
            f"{path}, line {number}: it is not in UTF-8; save the file in UTF-8, as TOML has it"
        ) from error


def line_in(text: str, fault: str) -> str:
    """The line of *text* that a *fault* of tomllib names; empty where it names none."""
    named = re.search(r"at line (\d+)", fault)
    lines = text.split("\n")
    return lines[int(named[1]) - 1] if named and int(named[1]) <= len(lines) else ""


def job_from(folder: Path, said: Mapping[str, Any]) -> Job:
    """A Job from the parsed job.toml; relative paths count from the job folder."""
    refuse_unknown_keys(said)
    source, target = section(said, "source"), section(said, "target")
    send, inventory = section(said, "send"), section(said, "inventory")
    ledger = section(said, "ledger")
    mounts = section(section(said, "storage"), "mounts")
    charset, statuses = section(said, "charset"), section(target, "statuses")
    address = TargetAddress(
        typed(target, "aet", str),
        typed(target, "host", str),
        typed(target, "port", int),
        typed(target, "calling_aet", str, "PACSLIFT"),
        tls_from(folder, section(target, "tls")) if "tls" in target else None,
        identity_from(folder, section(target, "identity")) if "identity" in target else None,
    )
    parse_target(str(address), address.calling_aet)
    files, databases = files_and_databases(path_texts(source, "dumps"))
    return checked(
        Job(
            folder=folder,
            dumps=tuple(folder / name for name in files),
            databases=databases,
            mounts={name: folder / path_text(mounts, name) for name in mounts},
            target=address,
            adapter=typed(source, "adapter", str, "") or None,
            adapters=tuple(folder / name for name in path_texts(source, "adapters", [])),
            charset={name: typed(charset, name, str) for name in charset},
            accept_truncated=typed(source, "accept_truncated", bool, default=False),
            schema=typed(source, "schema", str, "") or None,
            profile=typed(target, "profile", str, ""),
            statuses={name: typed(statuses, name, str) for name in statuses},
            processes=typed(send, "processes", int, 0),
            associations=typed(send, "associations", int, 0),
            window=typed(send, "window", int, 8),
            response_timeout=seconds(send, "response_timeout", 60.0),
            busy_waits=tuple(typed(send, "busy_waits", list, [1.0, 5.0, 15.0])),
            lost_waits=tuple(typed(send, "lost_waits", list, [0.0, 5.0, 30.0])),
            probe=typed(inventory, "probe", str, "sample"),
            accept_lost=typed(inventory, "accept_lost", bool, default=False),
            mapping=mapping_from(folder, section(said, "mapping")),
            rules=section(said, "rules"),
            pace=pace_from(section(said, "pace")),
            order=order_from(folder, section(said, "order")),
            source_name=typed(source, "name", str, ""),
            revised=revised_of(said),
            ledger_url=typed(ledger, "url", str, ""),
            ledger_schema=typed(ledger, "schema", str, "pacslift"),
            dead_after=seconds(ledger, "dead_after", 30.0),
        )
    )


def mapping_from(folder: Path, said: Mapping[str, Any]) -> Mapping[str, tuple[Path, ...]]:
    """The mapping files of each kind; a lone path need not be in a list."""
    found = {}
    for kind in said:
        named = typed(said, kind, (str, list))
        names = [named] if isinstance(named, str) else named
        if not all(isinstance(name, str) for name in names):
            raise JobFileError(
                f"[mapping] {kind} must be the path of a CSV file, or a list of such"
            )
        found[kind] = tuple(folder / name for name in names)
    return found


def revised_of(said: Mapping[str, Any]) -> str:
    """The `revised` time as text in UTC, or "" where a person removed the line."""
    value = said.get("revised", "")
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if value:
        raise JobFileError(f"`revised` is {value}; a time like 2026-01-31T12:00:00Z belongs here")
    return ""


def checked(job: Job) -> Job:
    """*job* if its values make sense; JobFileError otherwise."""
    if not job.dumps and not job.databases:
        raise JobFileError("[source] dumps is empty; name the dump of the old database")
    for key in ("processes", "associations"):
        if (number := getattr(job, key)) < 0:
            raise JobFileError(f"[send] {key} is {number}; it must be 1 or more, or 0 to be found")
    if job.window < 1:
        raise JobFileError(f"[send] window is {job.window}; it must be 1 or more")
    if job.probe not in PROBES:
        raise JobFileError(f"[inventory] probe is {job.probe!r}; it must be none, sample or all")
    if len(job.source_name) > SOURCE_NAME or "\\" in job.source_name:
        raise JobFileError(
            f"[source] name has {len(job.source_name)} characters; it goes into the objects, with "
            f"at most {SOURCE_NAME} characters and no backslash (PS3.5 6.2)"
        )
    waits = (*job.busy_waits, *job.lost_waits)
    waits_right = all(isinstance(wait, (int, float)) and 0 <= wait < math.inf for wait in waits)
    if not waits_right or job.response_timeout <= 0:
        raise JobFileError(
            "[send] response_timeout must be seconds above 0, busy_waits and lost_waits lists of "
            "seconds, 0 or more; an empty list stands for no further attempt"
        )
    require_ledger(job)
    return job


def require_ledger(job: Job) -> None:
    """JobFileError unless [ledger] makes sense."""
    if job.ledger_url:
        _ = job.ledger  # says what is wrong with it
    if job.dead_after < SHORTEST:
        raise JobFileError(
            f"[ledger] dead_after is {job.dead_after}; it must be {SHORTEST} seconds or more"
        )


def refuse_unknown_keys(said: Mapping[str, Any]) -> None:
    """A misspelt key would silently change nothing: name it instead."""
    for name, known in KNOWN.items():
        refuse_unknown(section(said, name) if name else said, known, name)


def files_and_databases(dumps: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Those of *dumps* that are paths, and those that are databases named over ODBC."""
    databases = tuple(name for name in dumps if name.startswith(ODBC))
    return tuple(name for name in dumps if name not in databases), databases


def resolve_all(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Absolute paths, symbolic links followed, in the same order."""
    return tuple(path.expanduser().resolve() for path in paths)
