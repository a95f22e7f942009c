"""`pacslift pace`: a person looks, slows down, stops and lets go on, while the run is at work."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from jobs import init, pacslift, started, status
from newpacs import NewPacs, answering
from oldpacs import SECRETS, old_pacs

SLICES = 24
PATIENCE = 20  # seconds within which a run has to take over what was said


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return old_pacs(tmp_path_factory.mktemp("old"), SLICES)


@pytest.fixture
def target(tmp_path):
    with NewPacs(tmp_path / "new") as pacs:
        yield pacs


@pytest.fixture
def job(tmp_path, archive, target):
    init(tmp_path / "job", archive.dump, archive.storage, str(target))
    return tmp_path / "job"


def write_pace(job, *lines: str) -> None:
    with (job / "job.toml").open("a") as text:
        text.write("\n[pace]\n" + "\n".join(lines) + "\n")


def going(job) -> list[dict]:
    return json.loads(pacslift("pace", job, "--json").stdout)["going"]


def until(what) -> None:
    """Wait until *what* is so; the test fails where that takes too long."""
    end = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_limit_of_instances_a_second_holds_over_processes_and_associations(job, target):
    write_pace(job, "instances_per_second = 12")
    for stage in ("extract", "inventory", "plan"):
        assert pacslift(stage, job).exit_code == 0
    began = time.monotonic()
    assert pacslift("send", job, "--processes", 2, "--associations", 2).exit_code == 3
    assert time.monotonic() - began >= (SLICES - 3) / 12  # a quarter of a second's worth at once
    assert len(target.received) == SLICES


def test_a_limit_of_megabytes_a_second_holds(job, target, archive):
    size = sum(path.stat().st_size for path in archive.files.values()) / 1e6
    write_pace(job, f"megabytes_per_second = {size / 2:.6f}")
    began = time.monotonic()
    assert pacslift("run", job).exit_code == 0
    assert time.monotonic() - began >= 1.5
    assert len(target.received) == SLICES


def test_a_run_is_paused_and_goes_on_at_the_word_of_another_process(job, target):
    write_pace(job, "instances_per_second = 4")
    with started("run", job, "--log-format", "json") as run:
        target.wait_for(2)
        assert "at most 4" in pacslift("pace", job).stdout
        pacslift("pace", job, "--pause")
        assert run.wait_for(event="PaceChanged")["state"] == "paused"
        assert [one["told"]["state"] for one in going(job)] == ["paused"]
        assert "send: paused" in pacslift("status", job).stdout
        assert [one["told"]["state"] for one in status(job)["going"]] == ["paused"]
        before = len(target.received)
        assert before < SLICES
        pacslift("pace", job, "--resume", "--instances-per-s", "none")
        assert run.wait_for(event="PaceChanged")["state"] == "free"
        assert len(target.received) <= before + 1  # one may have been on its way
        run.wait_for(event="StageFinished", stage="report")
        assert run.process.wait() == 0
    assert set(target.times.values()) == {1}
    assert going(job) == []
    assert "going" not in status(job)


def test_a_run_that_is_paused_ends_in_order_with_ctrl_c_and_stays_paused(job, target):
    for stage in ("extract", "inventory", "plan"):
        pacslift(stage, job)
    assert pacslift("pace", job, "--pause").exit_code == 0
    with started("send", job, "--log-format", "json") as run:
        run.wait_for(event="PaceChanged", state="paused")
        run.process.send_signal(2)
        told = list(run.events())
        assert run.process.wait() == 130
    assert told[-1]["event"] == "Stopped"
    assert target.received == []
    assert status(job)["states"]["planned"] == SLICES
    assert "paused" in pacslift("pace", job).stdout.splitlines()[-1]


def test_a_closed_window_holds_a_run_and_opening_it_lets_it_go_on(job, target):
    tomorrow = f"{datetime.now(UTC) + timedelta(days=1):%a}"
    write_pace(job, f'windows = ["{tomorrow} 10:00-11:00"]', 'time_zone = "UTC"')
    with started("run", job) as run:
        line = next(line for line in run.stderr if "window" in line)
        assert f"closed until {tomorrow} " in line
        assert "10:00 (UTC)" in line
        assert f"closed until {tomorrow} " in pacslift("status", job).stdout
        assert target.received == []
        pacslift("pace", job, "--window", "always")
        assert run.process.wait(PATIENCE) == 0
    assert len(target.received) == SLICES


def test_a_target_out_of_resources_slows_the_run_and_all_is_stored_in_the_end(job, target):
    text = (job / "job.toml").read_text()
    (job / "job.toml").write_text(text.replace("busy_waits = [1.0,", "busy_waits = [0.2,"))
    target.next(*[answering(0xA700)] * 2)
    with started("run", job, "--log-format", "json") as run:
        changed = run.wait_for(event="PaceChanged", state="slowed")
        assert 1 <= changed["allowed"] < changed["room"]
        run.wait_for(event="StageFinished", stage="report")
        assert run.process.wait() == 0


def test_what_cannot_hold_is_refused_and_nothing_is_changed(job):
    pacslift("run", job)
    for wrong in (
        ("--mb-per-s", "0"),
        ("--instances-per-s", "fast"),
        ("--window", "Monday"),
        ("--window", "Mon 10:00-11:00"),  # on whose clock?
        ("--time-zone", "Middle/Earth"),
    ):
        assert pacslift("pace", job, *wrong).exit_code == 2
    assert json.loads(pacslift("pace", job, "--json").stdout)["said_meanwhile"] == {}


def test_what_was_said_holds_beside_what_was_said_before_until_it_is_cleared(job):
    pacslift("run", job)
    pacslift("pace", job, "--mb-per-s", "5")
    pacslift("pace", job, "--window", "Mon 10:00-11:00", "--time-zone", "Europe/Berlin")
    said = json.loads(pacslift("pace", job, "--json").stdout)["said_meanwhile"]
    assert said == {
        "megabytes_per_second": 5.0,
        "windows": ["Mon 10:00-11:00"],
        "time_zone": "Europe/Berlin",
    }
    shown = pacslift("pace", job).stdout
    assert "at most 5   (job.toml: no limit)" in shown
    assert pacslift("pace", job, "--clear").exit_code == 0
    assert "job.toml:" not in pacslift("pace", job).stdout


def test_before_a_job_has_begun_its_pace_is_shown_and_changing_it_says_where_to_write_it(job):
    write_pace(job, "megabytes_per_second = 5")
    assert "at most 5" in pacslift("pace", job).stdout
    refused = pacslift("pace", job, "--pause")
    assert refused.exit_code == 15
    assert "[pace]" in refused.output


def test_nothing_that_is_said_of_the_pace_names_a_patient(job):
    write_pace(job, "instances_per_second = 100")
    pacslift("run", job)
    shown = pacslift("pace", job).output + pacslift("pace", job, "--json").output
    assert not any(secret in shown for secret in SECRETS)
