"""The mapping: what a person has reviewed and says against the old database. docs/mapping.md.

Three kinds of table, as CSV: who a patient is now, which accession number a study has now, and
what is left out. Everything is checked before anything is planned. Messages name file, line and
column and never a value, since the values are patients'.
"""

import codecs
import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pacslift.errors import MappingError
from pacslift.plan.values import fault_of

PATIENT_KEY = ("patient_id", "issuer_of_patient_id")
PATIENT_NEW = {  # column to the catalog's column whose value it replaces
    "new_patient_id": "patient_id",
    "new_issuer_of_patient_id": "issuer_of_patient_id",
    "new_patient_name": "patient_name",
    "new_patient_birth_date": "patient_birth_date",
    "new_patient_sex": "patient_sex",
}
ACCESSION_NEW = {"new_accession_number": "accession_number"}
MOST_TOLD = 3  # wrong lines of a file
UNICODE_TEXT = "what Windows calls Unicode"
NOTE = "note"  # a column for people, in any table
EXCLUDABLE = ("patient_id", "study_instance_uid", "accession_number", "sop_instance_uid")
# kind, as [mapping] of job.toml names it: its columns, and those that must be there
COLUMNS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "patients": ((*PATIENT_KEY, *PATIENT_NEW), ("patient_id",)),
    "accession_numbers": (("accession_number", *ACCESSION_NEW),) * 2,
    "exclusions": (("what", "value", "reason"),) * 2,
    # not of the mapping: which studies are sent first, see priority.py
    "priority": (("study_instance_uid", "accession_number", *PATIENT_KEY, "priority"), ()),
}

Old = tuple[str, str]  # Patient ID and issuer, "" for any issuer


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One line of a table, itself and no other. *said* has the cells that are not empty."""

    path: Path
    number: int
    said: Mapping[str, str]

    def __str__(self) -> str:
        """Where it is, for messages."""
        return f"{self.path}, line {self.number}"

    @property
    def place(self) -> tuple[str, int]:
        """Where it is, to sort by."""
        return str(self.path), self.number

    def new(self, columns: Mapping[str, str]) -> Mapping[str, str]:
        """The new values, by the catalog's columns."""
        return {columns[c]: text for c, text in self.said.items() if c in columns}


@dataclass(frozen=True)
class Reviewed:
    """All that the mapping files say; empty for a job without them."""

    patients: Mapping[Old, Line] = field(default_factory=dict)
    accession_numbers: Mapping[str, Line] = field(default_factory=dict)
    exclusions: Mapping[tuple[str, str], Line] = field(default_factory=dict)  # what, value

    @property
    def lines(self) -> Iterator[Line]:
        """All lines."""
        for kind in (self.patients, self.accession_numbers, self.exclusions):
            yield from kind.values()


def read_mapping(files: Mapping[str, Sequence[Path]]) -> Reviewed:
    """Read the files of each kind. MappingError for the first thing that is wrong with them."""
    lines = {kind: [*read_all(kind, files.get(kind, ()))] for kind in COLUMNS}
    # A draft has all patients; the lines that nobody filled in say nothing.
    lines["patients"] = [line for line in lines["patients"] if line.said.keys() & PATIENT_NEW]
    for line in lines["exclusions"]:
        check_exclusion(line)
    reviewed = Reviewed(
        patients=once(lines["patients"], PATIENT_KEY),
        accession_numbers=once(lines["accession_numbers"], ("accession_number",)),
        exclusions=once(lines["exclusions"], ("what", "value")),
    )
    require_one_person(lines["patients"])
    return reviewed


def read_all(kind: str, paths: Sequence[Path]) -> Iterator[Line]:
    """The lines of all files of a kind, checked one by one."""
    for path in paths:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise MappingError(
                f"the mapping {path} cannot be read: {error.strerror}; mend [mapping] in job.toml"
            ) from error
        yield from read_lines(kind, path, text_of(path, content))


def text_of(path: Path, content: bytes) -> str:
    """What the file *path* says. MappingError unless it is in UTF-8, with or without a mark."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise MappingError(f"{path} is in UTF-16 ({UNICODE_TEXT}); save it as CSV in UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        raise MappingError(
            f"{path}, line {number}: it is not in UTF-8, from byte {error.start} of the file on; "
            "save it as CSV in UTF-8"
        ) from error


def require_none(path: Path, faults: Sequence[MappingError]) -> None:
    """MappingError if any line of the file *path* has one of *faults*: the first few, and a sum."""
    if len(faults) == 1:
        raise faults[0]
    if faults:
        told = "; ".join(str(fault).removeprefix(f"{path}, ") for fault in faults[:MOST_TOLD])
        more = f"; and {len(faults) - MOST_TOLD:,} more" if len(faults) > MOST_TOLD else ""
        raise MappingError(f"{path}: {len(faults):,} lines are wrong. {told}{more}")


def read_lines(kind: str, path: Path, text: str) -> Iterator[Line]:
    """The lines of one file: comma or semicolon between cells, as the heading has it.

    MappingError at the end, where some lines are wrong, tells of the first of them.
    """
    heading = text.splitlines()[0] if text else ""
    delimiter = ";" if heading.count(";") > heading.count(",") else ","
    faults: list[MappingError] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = [name.strip() for name in next(reader, [])]
        check_heading(kind, path, names)
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            try:
                line = line_of(kind, Line(path, reader.line_num, {}), names, cells)
            except MappingError as fault:
                faults.append(fault)
                continue
            yield line
    except csv.Error as error:
        raise MappingError(
            f"{path}, line {reader.line_num}: {error}; check the quotes of the line"
        ) from error
    require_none(path, faults)


def check_heading(kind: str, path: Path, names: Sequence[str]) -> None:
    """MappingError unless the first line names the columns of *kind*.

    A column that is none is named by its number: without a heading it would be a patient's.
    """
    known, needed = COLUMNS[kind]
    unknown = [name for name in names if name not in known and name != NOTE]
    missing = [name for name in needed if name not in names]
    twice = sorted({name for name in names if names.count(name) > 1})
    met = (
        f"has no known name in column {names.index(unknown[0]) + 1}" if unknown
        else f"lacks the column {missing[0]!r}" if missing
        else f"has the column {twice[0]!r} twice" if twice
        else ""
    )  # fmt: skip
    if met:
        raise MappingError(
            f"{path}, line 1: the heading {met}; a table of {kind} has {', '.join(known)}"
            f" and may have {NOTE}"
        )


def line_of(kind: str, line: Line, names: Sequence[str], cells: Sequence[str]) -> Line:
    """One line with its cells checked."""
    if len(cells) != len(names):
        raise MappingError(
            f"{line} has {len(cells)} cells, the heading has {len(names)}; "
            "quote cells that hold the character between cells"
        )
    said = {name: cell.strip() for name, cell in zip(names, cells, strict=True) if cell.strip()}
    for name, text in said.items():
        fault = fault_of(name.removeprefix("new_"), text) if name.startswith("new_") else None
        if fault:
            raise MappingError(f"{line}, column {name}: {fault}")
    for name in COLUMNS[kind][1]:
        if name not in said:
            raise MappingError(f"{line}, column {name}: the cell is empty; it must be filled in")
    return Line(line.path, line.number, said)


def check_exclusion(line: Line) -> None:
    """MappingError unless the line says by what it excludes."""
    if line.said["what"] not in EXCLUDABLE:
        raise MappingError(
            f"{line}, column what: {line.said['what']!r} is none of {', '.join(EXCLUDABLE)}"
        )


def once(lines: Sequence[Line], by: Sequence[str]) -> dict[Any, Line]:
    """The lines by what they are about. MappingError if two are about the same."""
    found: dict[Any, Line] = {}
    for line in lines:
        key = tuple(line.said.get(column, "") for column in by)
        before = found.setdefault(key if len(by) > 1 else key[0], line)
        if before is not line:
            raise MappingError(
                f"{line} is about the same {' and '.join(by)} as {before}; keep one of them"
            )
    return found


def require_one_person(lines: Sequence[Line]) -> None:
    """MappingError if two lines make one patient, and give it different names, dates or sexes."""
    first: dict[tuple[str, str], dict[str, Line]] = {}
    for line in lines:
        if "new_patient_id" not in line.said:
            continue
        new = line.said["new_patient_id"], line.said.get("new_issuer_of_patient_id", "")
        told = first.setdefault(new, {})
        for column in PATIENT_NEW:
            before = told.setdefault(column, line) if column in line.said else line
            if before.said.get(column) != line.said.get(column):
                raise MappingError(
                    f"{line}, column {column}: differs from {before}, which makes the same new "
                    "patient; a patient has one value"
                )
