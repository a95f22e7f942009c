"""The report: report.html, account.json, exceptions.csv, studies.csv, at times two more.

It takes plain values and streams: exceptions and studies may be millions, the page shows the
first few hundred and names the file that has them all. The page is one file that needs nothing
else, neither network nor script. Each file is written beside its name and then renamed, so a
reader finds the old report or the new one.

It shows UIDs, keys of the old system and paths, no patient data; values that were changed, or that
differ at the target, are in changes_patient_data.csv and differences_patient_data.csv, which are
named so and stand apart. Everything shown is escaped; a cell that a spreadsheet would take for a
formula gets an apostrophe in front.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, field, fields
from functools import cache
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import TextIO, TypeAlias

from jinja2 import Environment, StrictUndefined, Template
from pydicom.config import IGNORE
from pydicom.uid import UID

from pacslift.verify.account import Account
from pacslift.verify.advice import OF_FILE, OF_STATE, advice_on
from pacslift.verify.corrections import ChangeRow, Correction

MOST_SHOWN = 200
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class ExceptionRow:
    """An instance that is not verified, or a file that no instance is read from."""

    instance_key: str
    sop_instance_uid: str
    study_instance_uid: str
    state: str
    cause: str
    detail: str
    file: str


@dataclass(frozen=True, slots=True)
class StudyRow:
    """How far one study is; counts are instances."""

    study_instance_uid: str
    instances: int
    stored: int  # the target said so, whatever was found afterwards
    verified: int


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    """What the target lists of a study otherwise than it was sent. Patient data."""

    study_instance_uid: str
    keyword: str
    sent: str
    at_target: str


@dataclass(frozen=True, slots=True)
class RefusedContext:
    """A kind of object that the target does not take."""

    sop_class_uid: str
    transfer_syntax_uid: str
    instances: int


@dataclass(frozen=True, slots=True)
class Ran:
    """What was run, where to, and how fast. None where it is not known."""

    version: str  # of pacslift
    job: str
    revision: str
    adapter: str
    dump_format: str
    target: str
    server: str | None = None  # of the old database
    started: str | None = None
    finished: str | None = None
    bytes_sent: int = 0
    seconds_sending: float = 0.0
    instances_sent: int = 0

    @property
    def throughput(self) -> str | None:
        """Megabytes (10**6) and instances a second while sending."""
        if not self.seconds_sending:
            return None
        megabytes = self.bytes_sent / self.seconds_sending / 1e6
        return (
            f"{megabytes:,.1f} MB/s, {self.instances_sent / self.seconds_sending:,.1f} instances/s"
        )


@dataclass(frozen=True, slots=True)
class ReportData:
    """What the report says besides the streams of exceptions and studies."""

    account: Account
    ran: Ran
    refused: Sequence[RefusedContext] = ()
    findings: Sequence[tuple[str, str]] = ()  # stage, sentence
    corrections: Sequence[Correction] = ()
    cuts: Sequence[str] = ()  # where a dump ends early: above all else on the page


Row: TypeAlias = ExceptionRow | StudyRow | DifferenceRow | ChangeRow


@dataclass
class Shown:
    """The part of a stream that the page shows, gathered while the stream goes to its file."""

    rows: list[Row] = field(default_factory=list)
    total: int = 0
    most: int = MOST_SHOWN

    @property
    def left_out(self) -> int:
        """How many rows only the file has."""
        return self.total - len(self.rows)


def write_report(
    folder: Path,
    data: ReportData,
    exceptions: Iterable[ExceptionRow],
    studies: Iterable[StudyRow],
    differences: Iterable[DifferenceRow] = (),
    changes: Iterable[ChangeRow] = (),
) -> Path:
    """Write the files into *folder*; gives the path of report.html."""
    folder.mkdir(parents=True, exist_ok=True)
    left_out = write_csv(folder / "exceptions.csv", ExceptionRow, exceptions)
    by_study = write_csv(folder / "studies.csv", StudyRow, studies)
    differing = write_patient_data(
        folder / "differences_patient_data.csv", DifferenceRow, differences
    )
    write_patient_data(folder / "changes_patient_data.csv", ChangeRow, changes)
    with replacing(folder / "account.json") as out:
        json.dump(data.account.as_dict(), out, indent=2)
        out.write("\n")
    page = folder / "report.html"
    with replacing(page) as out:
        out.writelines(rendered(data, left_out, by_study, differing))
    return page


@contextmanager
def replacing(path: Path) -> Iterator[TextIO]:
    """A new file that takes the place of *path* when all is written."""
    fresh = path.with_name(f".{path.name}.new")
    try:
        with fresh.open("w", encoding="utf-8", errors="backslashreplace", newline="") as out:
            yield out
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def write_patient_data(path: Path, kind: type[Row], rows: Iterable[Row]) -> int:
    """Write a file that holds patient data, for its owner alone; gives its rows.

    Where there is nothing to write there is no such file.
    """
    path.unlink(missing_ok=True)
    first = next(rows := iter(rows), None)
    if first is None:
        return 0
    path.touch(mode=0o600)
    shown = write_csv(path, kind, chain([first], rows))
    path.chmod(0o600)
    return shown.total


def write_csv(path: Path, kind: type[Row], rows: Iterable[Row]) -> Shown:
    """Write *rows* as RFC 4180 with a heading; gives those to be shown."""
    shown = Shown()
    with replacing(path) as out:
        writer = csv.writer(out)
        writer.writerow([one.name for one in fields(kind)])
        for row in rows:
            writer.writerow([guarded(cell) for cell in astuple(row)])
            shown.total += 1
            if len(shown.rows) < shown.most:
                shown.rows.append(row)
    return shown


def guarded(cell: object) -> object:
    """A text that no spreadsheet takes for a formula."""
    if isinstance(cell, str) and cell.lstrip(" ").startswith(FORMULA_STARTS):
        return f"'{cell}"
    return cell


@cache
def page() -> Template:
    """The template of the page, compiled."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.lstrip_blocks = True
    environment.filters["uid_name"] = uid_name
    text = files("pacslift.verify").joinpath("report.html.j2").read_text(encoding="utf-8")
    return environment.from_string(text)


def rendered(
    data: ReportData, exceptions: Shown, studies: Shown, differing: int = 0
) -> Iterator[str]:
    """The page, piece by piece."""
    return page().generate(
        account=data.account,
        ran=data.ran,
        refused=data.refused,
        findings=data.findings,
        cuts=data.cuts,
        exceptions=exceptions,
        studies=studies,
        differing=differing,
        corrections=data.corrections,
        advice_on=advice_on,
        of_state=OF_STATE,
        of_file=OF_FILE,
    )


def uid_name(uid: str) -> str:
    """The standard's name of a UID, or nothing for one it does not have."""
    name = UID(uid, IGNORE).name
    return "" if name == uid else name
