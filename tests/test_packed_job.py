"""A job whose dump is packed and in parts, told through the command line."""

import gzip
import os
import shutil
from pathlib import Path

import pytest

from jobs import init, pacslift, status
from pacslift.fingerprints import dumps_print
from pacslift.job_reading import load_job

CASE = Path(__file__).parents[1] / "fixtures" / "dcmqrscp" / "moved" / "storage"
NOBODY = "OLD@127.0.0.1:9"


@pytest.fixture
def storage(tmp_path):
    """An archive whose index lies in its storage, in three parts of a gzip file."""
    folder = tmp_path / "storage"
    shutil.copytree(CASE, folder)
    packed = gzip.compress((folder / "index.dat").read_bytes())
    (folder / "index.dat").unlink()
    third = len(packed) // 3
    for i, mark in enumerate(("aa", "ab", "ac")):
        end = None if mark == "ac" else (i + 1) * third
        (folder / f"index.dat.gz.{mark}").write_bytes(packed[i * third : end])
    return folder


def planned(tmp_path, dumps, storage):
    job = tmp_path / "job"
    assert init(job, dumps, storage, NOBODY).exit_code == 0
    for stage in ("extract", "inventory", "plan"):
        result = pacslift(stage, job)
        assert result.exit_code == 0, result.output
    return job


@pytest.mark.parametrize("named", ["first", "all"])
def test_the_parts_of_a_dump_in_the_storage_are_its_index_and_no_orphans(tmp_path, storage, named):
    parts = sorted(storage.glob("index.dat.gz.*"))
    job = planned(tmp_path, parts[0] if named == "first" else parts, storage)
    plain = planned(tmp_path / "plain", CASE / "index.dat", CASE)
    found, expected = status(job), status(plain)
    assert found["states"] == expected["states"]
    assert found["file_states"] == expected["file_states"] | {"index": 3}
    assert found["balanced"]


def test_a_dump_is_read_again_if_any_of_its_parts_has_changed(tmp_path, storage):
    job = planned(tmp_path, storage / "index.dat.gz.aa", storage)
    before = dumps_print(load_job(job))
    assert [Path(name).name for name, _, _ in before] == [
        f"index.dat.gz.a{letter}" for letter in "abc"
    ]
    os.utime(storage / "index.dat.gz.ac", (1, 1))
    assert dumps_print(load_job(job)) != before


def test_inspect_says_how_the_dump_is_packed(storage):
    parts = sorted(storage.glob("index.dat.gz.*"))
    shown = pacslift("inspect", *parts).output.splitlines()[0]
    assert shown == (
        f"{parts[0]}: dcmqrscp index.dat, gzip compressed, 3 parts, DCMTK dcmqrscp, index 05"
    )


def test_a_part_that_is_missing_stops_the_job_by_name(tmp_path, storage):
    job = tmp_path / "job"
    init(job, storage / "index.dat.gz.aa", storage, NOBODY)
    (storage / "index.dat.gz.ab").unlink()
    result = pacslift("extract", job)
    assert result.exit_code == 12
    assert "index.dat.gz.ab is missing" in result.output
