"""[pace] of job.toml, and what is said over it."""

import json
from dataclasses import replace

import pytest

from pacslift.errors import JobFileError, LedgerError
from pacslift.job import Job, parse_target
from pacslift.job_pace import UNPACED, Pace, in_force, pace_from
from pacslift.job_reading import load_job
from pacslift.job_writing import create_job

FULL = Pace(12.5, 100.0, ("Mon-Fri 19:00-06:00", "Sat,Sun 00:00-24:00"), "Europe/Berlin",
            adaptive=False, answer_seconds=5.0)  # fmt: skip


def a_job(folder, **more) -> Job:
    return Job(folder, (folder / "dump",), {}, parse_target("A@host:104"), **more)


def test_a_pace_is_read_back_as_it_was_written(tmp_path):
    create_job(a_job(tmp_path / "job", pace=FULL))
    assert load_job(tmp_path / "job").pace == FULL


def test_a_job_that_says_nothing_has_no_limits_and_no_lines(tmp_path):
    create_job(a_job(tmp_path / "job"))
    assert load_job(tmp_path / "job").pace == UNPACED
    assert "[pace]" not in (tmp_path / "job" / "job.toml").read_text()


@pytest.mark.parametrize(
    ("said", "met"),
    [
        ({"megabytes_per_second": 0}, "megabytes_per_second is 0; it must be a number above 0"),
        ({"megabytes_per_second": -1}, "above 0"),
        ({"instances_per_second": "5"}, "instances_per_second is '5'"),
        ({"instances_per_second": True}, "instances_per_second is True"),
        ({"instances_per_second": float("inf")}, "above 0"),
        ({"answer_seconds": float("nan")}, "above 0"),
        ({"adaptive": 1}, "adaptive is 1; it must be true or false"),
        ({"windows": "Mon-Fri 19:00-06:00"}, "windows must be a list"),
        ({"windows": [5]}, "windows must be a list"),
        ({"windows": ["Mon-Fri 19:00-06:00"]}, "write time_zone too"),
        ({"windows": ["Monday"], "time_zone": "UTC"}, "'Monday' is none"),
        ({"time_zone": "Middle/Earth"}, "no time zone that this system knows"),
        ({"time_zone": 1}, "time_zone must be a text"),
    ],
)
def test_what_cannot_hold_is_told_with_what_would_be_right(said, met):
    with pytest.raises(JobFileError, match=met) as error:
        pace_from(said)
    assert str(error.value).startswith("[pace] ")


def test_an_unknown_line_is_named_with_those_there_are(tmp_path):
    create_job(a_job(tmp_path / "job"))
    with (tmp_path / "job" / "job.toml").open("a") as text:
        text.write("\n[pace]\nmb_per_s = 5\n")
    with pytest.raises(JobFileError, match="'mb_per_s'; known are adaptive, answer_seconds"):
        load_job(tmp_path / "job")


def test_what_is_said_meanwhile_is_laid_over_and_can_lift_a_limit():
    said = json.dumps({"megabytes_per_second": None, "instances_per_second": 7, "paused": True})
    assert in_force(FULL, said) == replace(
        FULL, megabytes_per_second=None, instances_per_second=7, paused=True
    )
    assert in_force(FULL, None) == FULL


@pytest.mark.parametrize("text", ["{", "[]", '{"speed": 3}', '{"windows": ["x"]}'])
def test_what_another_version_said_is_not_taken_for_anything_else(text):
    with pytest.raises(LedgerError, match="--clear"):
        in_force(FULL, text)
