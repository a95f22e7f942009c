"""The mapping: read, refused with file, line and column, and laid on top."""

import json
from pathlib import Path

import pytest
from catalogs import adapter, archive

from pacslift.errors import MappingError
from pacslift.plan.draft import draft_patients
from pacslift.plan.exclude import exclude
from pacslift.plan.lay import lay
from pacslift.plan.make import unused_lines
from pacslift.plan.mapping import Reviewed, read_mapping

PATIENTS = "patient_id,issuer_of_patient_id,new_patient_id,new_patient_name,new_patient_birth_date"


def written(folder: Path, kind: str, text: str | bytes) -> dict[str, list[Path]]:
    path = folder / f"{kind}.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return {kind: [path]}


def reviewed(folder: Path, kind: str, *lines: str) -> Reviewed:
    return read_mapping(written(folder, kind, "\n".join(lines) + "\n"))


REFUSED = {
    "column": ("patients", "patient_id,new_name\n", "line 1: the heading has no known .* column 2"),
    "needed": ("patients", "new_patient_id\n", "line 1: the heading lacks the column 'patient_id'"),
    "twice": ("patients", "patient_id,patient_id\n", "line 1: the heading has .* twice"),
    "empty": ("patients", "", "line 1: the heading lacks the column 'patient_id'"),
    "cells": ("accession_numbers", "accession_number,new_accession_number\nA,B,C\n",
              "line 2 has 3 cells, the heading has 2"),
    "blank": ("accession_numbers", "accession_number,new_accession_number\nGEHEIM,\n",
              "line 2, column new_accession_number: the cell is empty"),
    "long": ("accession_numbers", f"accession_number,new_accession_number\nG,{'GEHEIM' * 3}\n",
             "line 2, column new_accession_number: it has 18 characters, 16 are allowed"),
    "date": ("patients", f"{PATIENTS}\nGEHEIM,,,,19610230\n",
             "line 2, column new_patient_birth_date: it is no day of the calendar"),
    "sex": ("patients", "patient_id,new_patient_sex\nGEHEIM,W\n", "new_patient_sex: .* M, F, O"),
    "backslash": ("patients", f"{PATIENTS}\nGEHEIM,,A\\B,,\n", "new_patient_id: it holds a back"),
    "name": ("patients", f"{PATIENTS}\nGEHEIM,,,A^B^C^D^E^F,\n", "more than 5 components"),
    "same": ("patients", f"{PATIENTS}\nGEHEIM,,A,,\n\nGEHEIM,,B,,\n",
             r"line 4 is about the same patient_id and issuer_of_patient_id as .*, line 2"),
    "person": ("patients", f"{PATIENTS}\nG1,,NEW,GEHEIM,\nG2,,NEW,OTHER,\n",
               "line 3, column new_patient_name: differs from .*, line 2"),
    "what": ("exclusions", "what,value,reason\nname,GEHEIM,why\n",
             "line 2, column what: 'name' is none of patient_id, study_instance_uid"),
    "reason": ("exclusions", "what,value,reason\npatient_id,GEHEIM,\n", "column reason: .* empty"),
    "quotes": ("patients", f'{PATIENTS}\n"GEHEIM"x,,A,,\n', "line 2: .*check the quotes"),
    "latin": ("patients", PATIENTS.encode() + b"\nG,,\xfc,,\n", "is not in UTF-8, from byte"),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "text", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_is_named_by_file_line_and_column_and_no_value_is_shown(
    kind, text, message, tmp_path
):
    with pytest.raises(MappingError, match=rf"{kind}\.csv.*{message}") as error:
        read_mapping(written(tmp_path, kind, text))
    assert "GEHEIM" not in str(error.value)


def test_a_mapping_that_is_not_there_says_where_it_is_named(tmp_path):
    with pytest.raises(MappingError, match=r"gone\.csv cannot be read: .*\[mapping\] in job\.toml"):
        read_mapping({"patients": [tmp_path / "gone.csv"]})


def test_a_table_as_a_spreadsheet_saves_it_is_read(tmp_path):
    text = b'\xef\xbb\xbfpatient_id;new_patient_name\r\n007;"M\xc3\xbcller^""Uwe"""\r\n;\r\n'
    (line,) = read_mapping(written(tmp_path, "patients", text)).patients.values()
    assert line.said == {"patient_id": "007", "new_patient_name": 'Müller^"Uwe"'}


def test_lines_of_a_draft_that_nobody_filled_in_say_nothing(tmp_path):
    rows = archive(DUMP, STUDIES)["patients"]
    path = tmp_path / "patients.csv"
    assert draft_patients(rows, path) == 3  # two are merged into each other
    heading, first, *rest = path.read_text().splitlines()
    assert first == "OLD,A,,,,,,DOE"
    assert read_mapping({"patients": [path]}) == Reviewed()
    path.write_text("\n".join([heading, first.replace("OLD,A,", "OLD,A,NEW"), *rest]))
    assert list(read_mapping({"patients": [path]}).patients) == [("OLD", "A")]


DUMP = [
    {"patient_key": "p1", "patient_id": "OLD", "issuer_of_patient_id": "A", "patient_name": "DOE"},
    {"patient_key": "p2", "patient_id": "OLD", "issuer_of_patient_id": "B"},
    {"patient_key": "p3", "patient_id": "ONE", "issuer_of_patient_id": "A"},
    {"patient_key": "x", "patient_id": "X", "merged_into": "y"},
    {"patient_key": "y", "patient_id": "Y", "merged_into": "x"},
]
STUDIES = {"st1": "p1", "st2": "p2", "st3": "p3", "stx": "x", "sty": "y"}


def mapped(said: Reviewed, truth: str = "database", **changed) -> dict[str, dict]:
    """What the mapping lays over each study."""
    kept: list = []
    laid = lay(adapter(truth), archive(DUMP, STUDIES, **changed), said, kept.extend)
    texts = {row["overlay_key"]: row for row in kept if row["kind"] == "MAP"}
    found: dict[str, dict] = {}
    for series, keys in laid.series.select("series_key", "overlays").iter_rows():
        for key in (keys or "").split():
            found.setdefault(series, {}).update(
                json.loads(texts[key]["attributes"]) if key in texts else {}
            )
    return {series.removeprefix("se-"): said for series, said in found.items() if said}


@pytest.mark.parametrize("truth", ["database", "file"])
def test_a_patient_is_found_by_id_and_issuer(truth, tmp_path):
    said = reviewed(tmp_path, "patients", PATIENTS, "OLD,B,NEW,,", "ONE,,UNO,,")
    assert mapped(said, truth) == {
        "st2": {"00100020": {"vr": "LO", "Value": ["NEW"]}},
        "st3": {"00100020": {"vr": "LO", "Value": ["UNO"]}},
    }


def test_a_line_without_issuer_for_an_id_of_two_issuers_is_refused(tmp_path):
    said = reviewed(tmp_path, "patients", PATIENTS, "OLD,,NEW,,")
    with pytest.raises(
        MappingError, match=r"line 2, column issuer_of_patient_id: .*under 2 issuers"
    ):
        mapped(said)


def test_a_person_who_maps_a_patient_merged_in_a_circle_has_said_who_that_is(tmp_path):
    said = reviewed(tmp_path, "patients", PATIENTS, "X,,NEW,DOE^JANE,19610203")
    laid = lay(adapter(), archive(DUMP, STUDIES), said, lambda rows: None)
    causes = dict(laid.series.select("series_key", "cause").iter_rows())
    assert (causes["se-stx"], causes["se-sty"]) == (None, "patient_unclear")
    assert list(mapped(said)["stx"]) == ["00100010", "00100020", "00100030"]


def studies_with(accession: str) -> list[dict]:
    return [
        {"study_key": "st1", "patient_key": "p1", "study_instance_uid": "1.1",
         "accession_number": accession},
        {"study_key": "st2", "patient_key": "p2", "study_instance_uid": "1.2"},
    ]  # fmt: skip


def test_an_accession_number_is_replaced(tmp_path):
    heading = "accession_number,new_accession_number"
    said = reviewed(tmp_path, "accession_numbers", heading, "A1,B1", "A2,B2")
    assert mapped(said, studies=studies_with("A1")) == {
        "st1": {"00080050": {"vr": "SH", "Value": ["B1"]}}
    }


def left_out(said: Reviewed, **changed) -> set[str]:
    found = exclude(archive(DUMP, STUDIES, **changed), said)
    return {*found.studies["study_key"], *found.instances["sop_instance_uid"]}


@pytest.mark.parametrize(
    ("line", "gone"),
    [
        ("patient_id,OLD,wrong", {"st1", "st2"}),
        ("study_instance_uid,1.st3,wrong", {"st3"}),
        ("sop_instance_uid,3.st3,wrong", {"3.st3"}),
        ("sop_instance_uid,3.unknown,wrong", {"3.unknown"}),
        ("accession_number,A1,wrong", set()),
    ],
)
def test_a_line_leaves_out_what_it_names(line, gone, tmp_path):
    assert left_out(reviewed(tmp_path, "exclusions", "what,value,reason", line)) == gone


def test_what_is_left_out_says_by_which_line_and_why(tmp_path):
    said = reviewed(tmp_path, "exclusions", "what,value,reason", "study_instance_uid,1.st3,phantom")
    (why,) = exclude(archive(DUMP, STUDIES), said).studies["why_study"]
    assert why == f"{tmp_path / 'exclusions.csv'}, line 2: phantom"


def test_excluding_a_patient_leaves_out_what_was_merged_into_it(tmp_path):
    merged = [*DUMP, {"patient_key": "m", "patient_id": "M", "merged_into": "p3"}]
    said = reviewed(tmp_path, "exclusions", "what,value,reason", "patient_id,ONE,research")
    found = exclude(archive(merged, STUDIES | {"stm": "m"}), said)
    assert set(found.studies["study_key"]) == {"st3", "stm"}


def test_lines_that_met_nothing_are_told_by_their_numbers_alone(tmp_path):
    said = reviewed(tmp_path, "patients", PATIENTS, "ONE,,UNO,,", "GEHEIM,,NEW,,", "WEG,,NEU,,")
    laid = lay(adapter(), archive(DUMP, STUDIES), said, lambda rows: None)
    (sentence,) = unused_lines("mapping", said.lines, laid.used)
    assert "met nothing in the old database: 2, line 3, 4;" in sentence
    assert "GEHEIM" not in sentence
