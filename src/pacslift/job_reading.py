"""job.toml read and checked: a mistake is named with its place and with what belongs there."""

import codecs
import math
import re
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pacslift import job_order, job_pace
from pacslift.access import identity_from, tls_from
from pacslift.errors import JobFileError, JobFolderError
from pacslift.job import Job, TargetAddress, files_and_databases, parse_target
from pacslift.job_order import order_from
from pacslift.job_pace import pace_from
from pacslift.job_values import (
    hint_for,
    path_text,
    path_texts,
    refuse_unknown,
    seconds,
    section,
    typed,
)

PROBES = ("none", "sample", "all")
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
SHORTEST = 2  # seconds of silence that may pass for death
SOURCE_NAME = 64  # characters, PS3.5 6.2, VR LO


def load_job(folder: Path) -> Job:
    """Read folder/job.toml. JobFolderError if there is none, JobFileError if it is wrong."""
    path = folder / "job.toml"
    try:
        text = text_of(path, path.read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise JobFolderError(why_no_job(folder)) from error
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


def why_no_job(folder: Path) -> str:
    """What to say of a path that is no job folder."""
    if folder.is_dir():
        return f"{folder} is no job folder: it has no job.toml; make one with `pacslift init`"
    if folder.exists():
        return f"{folder} is no job folder but a file; name the folder that job.toml is in"
    return f"{folder} is no job folder: it is not there; make one with `pacslift init`"


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
