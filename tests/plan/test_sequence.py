"""What is sent first: the newest, what a person needs tomorrow, or what comes first on the tape."""

from pathlib import Path

import polars as pl
import pytest
from catalogs import adapter, archive
from hypothesis import given
from hypothesis import strategies as st

from inventories import Reconciled
from pacslift.errors import JobFileError, MappingError
from pacslift.inventory.ranges import scratch_folder
from pacslift.inventory.reconcile import PLACES
from pacslift.job_order import Order, order_from, order_lines
from pacslift.plan.make import make_plan
from pacslift.plan.mapping import Line, Reviewed
from pacslift.plan.sequence import turns_of

NOTHING_SAID = Reviewed()
FILES = pl.Schema(
    dict.fromkeys(("mount", "relative", "state", "instance_key", "detail"), pl.String())
    | {"size_on_disk": pl.Int64()}
)
PEOPLE = [
    {"patient_key": "a", "patient_id": "GEHEIM-A", "issuer_of_patient_id": "OLD"},
    {"patient_key": "b", "patient_id": "GEHEIM-B"},
    {"patient_key": "b2", "patient_id": "GEHEIM-B2", "merged_into": "b"},
]
# study key: patient, date, accession number
STUDIES = {
    "s1": ("a", "20200101", "ACC1"),
    "s2": ("b", "20210101", "ACC2"),
    "s3": ("a", "20220101", "ACC3"),
    "s4": ("b2", "20230101", "ACC4"),
    "s5": ("b", None, None),
}


def old_pacs(slices: int = 2) -> dict:
    """Five studies of one series, each with some slices; keys in an order of their own."""
    instances = [
        {"instance_key": f"{nth}-{key}", "series_key": f"se-{key}", "visibility": "live",
         "sop_instance_uid": f"3.{key}.{nth}"}
        for key in STUDIES
        for nth in range(slices)
    ]  # fmt: skip
    studies = [
        {"study_key": key, "patient_key": owner, "study_instance_uid": f"1.{key}",
         "study_date": day, "accession_number": accession}
        for key, (owner, day, accession) in STUDIES.items()
    ]  # fmt: skip
    owners = {key: owner for key, (owner, _, _) in STUDIES.items()}
    return archive(PEOPLE, owners, studies=studies, instances=instances)


def planned(order: Order, *, reviewed=NOTHING_SAID, places=None, size=3) -> tuple[list[str], tuple]:
    """Instance keys in the order of sending, and the findings."""
    catalog = old_pacs()
    keys = catalog["instances"].collect()["instance_key"].to_list()
    verdicts = pl.DataFrame(
        [(key, None, None) for key in keys],
        schema=dict.fromkeys(("instance_key", "cause", "detail"), pl.String()),
        orient="row",
    )
    candidates = pl.DataFrame(places or [], schema={
        name: kind for name, kind in PLACES.items() if name not in ("cause", "detail")
    })  # fmt: skip
    found = Reconciled(verdicts, candidates, pl.DataFrame(schema=FILES))
    with scratch_folder(None) as scratch:
        made = make_plan(
            adapter(), catalog, found.verdicts(), reviewed, lambda rows: None, scratch,
            size=size, turns=turns_of(order),
        )  # fmt: skip
        rows = pl.concat(list(made.instances)).sort("position")
        assert rows["position"].to_list() == list(range(len(keys)))
        assert sorted(rows["instance_key"]) == sorted(keys)
        return rows["instance_key"].to_list(), made.findings


def studies(order: Order, **more) -> list[str]:
    """The studies in the order of sending, each of which must stay together."""
    keys, _ = planned(order, **more)
    found = [key.partition("-")[2] for key in keys]
    in_turn = list(dict.fromkeys(found))
    assert found == sorted(found, key=in_turn.index)
    return in_turn


def priorities(folder: Path, text: str | bytes) -> Order:
    path = folder / "tomorrow.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Order("priority", path)


def test_by_itself_the_newest_study_goes_first_and_one_without_a_date_last():
    assert studies(Order()) == ["s4", "s3", "s2", "s1", "s5"]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("accession_number\nACC1\nACC2\n", ["s1", "s2", "s4", "s3", "s5"]),
        ("study_instance_uid\n1.s5\n", ["s5", "s4", "s3", "s2", "s1"]),
        ("patient_id\nGEHEIM-A\n", ["s3", "s1", "s4", "s2", "s5"]),
        # before and after merges: who was merged into another is that one
        ("patient_id\nGEHEIM-B\n", ["s4", "s2", "s5", "s3", "s1"]),
        ("patient_id\nGEHEIM-B2\n", ["s4", "s3", "s2", "s1", "s5"]),
        ("patient_id;issuer_of_patient_id\nGEHEIM-A;OLD\n", ["s3", "s1", "s4", "s2", "s5"]),
        ("patient_id;issuer_of_patient_id\nGEHEIM-B;ANY\n", ["s4", "s2", "s5", "s3", "s1"]),
        # whichever cell fits
        ("accession_number,patient_id\nNEW,GEHEIM-A\nACC2,\n", ["s3", "s1", "s2", "s4", "s5"]),
        # the lowest priority first, none last, equal ones as they come
        ("accession_number,priority\nACC1,2\nACC2,1.5\nACC3,\nACC4,2\n",
         ["s2", "s1", "s4", "s3", "s5"]),
        ("accession_number,priority\nACC1,2026-11-24 08:00\nACC2,2026-11-23T15:30\n",
         ["s2", "s1", "s4", "s3", "s5"]),
        # named twice: the earlier one counts
        ("accession_number,priority\nACC1,9\nACC2,5\nACC1,1\n", ["s1", "s2", "s4", "s3", "s5"]),
        ("accession_number\n", ["s4", "s3", "s2", "s1", "s5"]),
    ],
)  # fmt: skip
def test_the_studies_that_a_file_names_go_first_in_its_order(tmp_path, text, first):
    assert studies(priorities(tmp_path, text)) == first


def test_a_study_is_also_found_by_the_numbers_that_the_mapping_gives_it(tmp_path):
    reviewed = Reviewed(
        patients={("GEHEIM-A", ""): Line(
            tmp_path, 2, {"patient_id": "GEHEIM-A", "new_patient_id": "NEW-7"}
        )},
        accession_numbers={"ACC1": Line(
            tmp_path, 2, {"accession_number": "ACC1", "new_accession_number": "NEW-9"}
        )},
    )  # fmt: skip
    by_patient = priorities(tmp_path, "patient_id\nNEW-7\n")
    assert studies(by_patient, reviewed=reviewed)[:2] == ["s3", "s1"]
    by_number = priorities(tmp_path, "accession_number\nNEW-9\n")
    assert studies(by_number, reviewed=reviewed)[0] == "s1"


def test_lines_that_name_no_study_are_told_by_their_numbers_alone(tmp_path):
    text = "patient_id,issuer_of_patient_id\nGEHEIM-A,\nGEHEIM-X,\nGEHEIM-A,NEW\n"
    _, (finding,) = planned(priorities(tmp_path, text))
    assert "tomorrow.csv that met nothing in the old database: 2, line 3, 4" in finding
    assert "GEHEIM" not in finding


REFUSED = {
    "no heading": (b"GEHEIM-A,1\n", "line 1: the heading has no known name in column 1"),
    "other columns": (b"accession_number,name\n", "no known name in column 2"),
    "nobody": (b"accession_number,priority\n,5\n", "line 2 names no study; fill in one of study_"),
    "cells": (b"accession_number,priority\nGEHEIM\n", "line 2 has 1 cells, the heading has 2"),
    "when": (b"accession_number,priority\nGEHEIM,soon\n", "line 2, column priority: it is neither"),
    "nan": (b"accession_number,priority\nGEHEIM,nan\n", "line 2, column priority: it is neither"),
    "mixed": (b"accession_number,priority\nGEHEIM,1\nGEHEIM,2026-01-01 08:00\n",
              "line 3, column priority: numbers and times"),
    "latin": (b"patient_id\nA\nGEH\xc4IM\n", "line 3: it is not in UTF-8, from byte"),
    "utf-16": ("patient_id\nGEHEIM\n".encode("utf-16"), "in UTF-16 .*save it as CSV in UTF-8"),
    "whens": (b"patient_id,priority\nGEHEIM,soon\nGEHEIM,1\nGEHEIM,late\n",
              "2 lines are wrong. line 2, column priority: .*; line 4, column priority"),
    "widths": (b"patient_id,priority\n" + b"GEHEIM\n" * 9,
               "9 lines are wrong. line 2 has 1 .*line 3 .*line 4 [^;]*; [^;]*; and 6 more"),
    "nobodies": (b"patient_id,priority\n,5\n,6\n", "2 lines are wrong. line 2 names no study"),
    "quotes": (b'patient_id\n"GEHEIM"x\n', "line 2: .*check the quotes"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "met"), REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_with_a_file_is_told_by_line_and_column_and_no_value_is_shown(
    tmp_path, text, met
):
    with pytest.raises(MappingError, match=rf"tomorrow\.csv.*{met}") as error:
        turns_of(priorities(tmp_path, text))
    assert "GEHEIM" not in str(error.value)


def test_a_file_that_is_not_there_says_where_it_is_named(tmp_path):
    with pytest.raises(MappingError, match=r"cannot be read: .*\[order\] in job\.toml"):
        turns_of(Order("priority", tmp_path / "gone.csv"))


Copies = st.permutations(range(10)).map(lambda numbers: [f"{n % 3}/{n:03}.dcm" for n in numbers])


Media = st.lists(st.sampled_from(["/tape1", "/tape2"]), min_size=10, max_size=10)


@given(Copies, Media, st.integers(1, 12))
def test_for_slow_media_objects_go_as_they_lie_there(paths, media, size):
    keys = [f"{nth}-{key}" for key in STUDIES for nth in range(2)]
    places = [
        {"instance_key": key, "rank": 0, "mount": medium, "relative": path}
        for key, medium, path in zip(keys, media, paths, strict=True)
    ]
    spare = [{"instance_key": keys[0], "rank": 1, "mount": "/tape0", "relative": "0/0.dcm"}]
    found, _ = planned(Order("path"), places=[*spare, *places], size=size)
    where = {one["instance_key"]: (one["mount"], one["relative"]) for one in places}
    assert [where[key] for key in found] == sorted(where.values())


@pytest.mark.parametrize(
    ("said", "met"),
    [
        ({"by": "oldest"}, "must be one of newest, priority, path"),
        ({"by": "priority"}, "there is no csv"),
        ({"csv": "x.csv"}, "there is a csv"),
        ({"by": "path", "csv": "x.csv"}, "there is a csv"),
        ({"by": "priority", "csv": 5}, "csv is 5; it must be the path"),
    ],
)
def test_an_order_that_is_none_is_told_with_what_would_be_right(said, met):
    with pytest.raises(JobFileError, match=met):
        order_from(Path("/job"), said)


def test_an_order_is_written_so_that_it_is_read_back():
    order = order_from(Path("/job"), {"by": "priority", "csv": "tomorrow.csv"})
    assert order == Order("priority", Path("/job/tomorrow.csv"))
    assert order_lines(order) == '\n[order]\nby = "priority"\ncsv = "/job/tomorrow.csv"\n'
    assert order_lines(Order()) == ""
