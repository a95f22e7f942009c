"""The command line: what each command says, to people and to programs."""

import json
import re
import shutil
import signal
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import click
import pytest

from jobs import init, pacslift, started, status, tune
from livecases import sqlite_named
from newpacs import NewPacs, answering
from oldpacs import CT, MR, PATIENTS, OldPacs, Study, ct, mr, old_pacs, part10
from pacslift import flow
from pacslift.adapter import load_adapter, load_adapters
from pacslift.cases import find_cases, load_case
from pacslift.cli import INTERRUPTED, main
from pacslift.errors import Cause
from pacslift.events import Event, StageStarted
from pacslift.ledger import FileState, InstanceState
from pacslift.running import opened
from pacslift.send.hands import GRACE
from servers import CHECKOUT, free_port

FIXTURES = CHECKOUT / "fixtures"
README = (CHECKOUT / "README.md").read_text(encoding="utf-8")
COMMANDS = {
    **{(name,): command for name, command in main.commands.items()},
    **{("adapter", name): c for name, c in main.commands["adapter"].commands.items()},
}
CASES = find_cases(FIXTURES)


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> OldPacs:
    """Six slices that nobody touches."""
    return old_pacs(tmp_path_factory.mktemp("old"))


def a_job(tmp_path: Path, archive: OldPacs, target: object) -> Path:
    made = init(tmp_path / "job", archive.dump, archive.storage, str(target))
    assert made.exit_code == 0, made.output
    return tmp_path / "job"


def only_object(text: str) -> dict:
    """The one JSON object that *text* is, on one line."""
    (line,) = text.splitlines()
    return json.loads(line)


# ---------------------------------------------------------------------------------------------
# Help


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_and_every_option_explains_itself(words):
    shown = pacslift(*words, "--help")
    assert shown.exit_code == 0
    assert COMMANDS[words].help
    for option in COMMANDS[words].params:
        if isinstance(option, click.Option):
            assert option.help or option.metavar, option.name


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_is_in_the_readme(words):
    assert f"pacslift {' '.join(words)}" in README


@pytest.mark.parametrize("columns", [40, 80, 120])
@pytest.mark.parametrize("words", [(), ("adapter",)], ids=["pacslift", "adapter"])
def test_the_summary_of_every_command_is_whole_however_narrow_the_terminal(
    words, columns, monkeypatch
):
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = " ".join(pacslift(*words, "--help").stdout.split())
    for name, command in COMMANDS.items():
        if name[:-1] == words:
            assert f" {name[-1]} {command.get_short_help_str(1000)}" in shown
    assert "..." not in shown.replace("[ARGS]...", "")


def test_whatever_sends_takes_the_same_options():
    def options(name):
        return {one.name for one in main.commands[name].params}

    assert options("run") == options("send") == options("worker") - {"wait"}


def test_wrong_usage_ends_with_2_and_says_what_is_wrong():
    for words in (["run"], ["run", "job", "--faster"], ["migrate"], ["init", "job"]):
        result = pacslift(*words)
        assert result.exit_code == 2
        assert "Usage: pacslift" in result.stderr


# ---------------------------------------------------------------------------------------------
# inspect


def dumps_of(case: Path) -> tuple[Path, ...]:
    return load_case(case).dumps


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.name}")
def test_every_dump_of_the_fixtures_is_recognised_by_its_adapter(case):
    shown = pacslift("inspect", *dumps_of(case))
    assert shown.exit_code == 0, shown.output
    said = only_object(pacslift("inspect", *dumps_of(case), "--json").stdout)
    for dump in said["dumps"]:
        assert f"{dump['path']}: {dump['format']}" in shown.stdout
        for table in dump["tables"]:
            assert f"{table['rows']:,} rows  {table['name']}" in shown.stdout
        (claim,) = [one for one in dump["claims"] if one["claims"]]
        assert claim["sentence"] in shown.stdout
        assert claim["adapter"] == case.parent.name or case.parent.name == "hostile"
        assert len(dump["claims"]) == len(load_adapters())


def test_a_dump_that_nobody_claims_is_shown_with_what_each_adapter_lacks():
    shown = pacslift("inspect", FIXTURES / "hostile" / "unknown" / "shop.sql")
    assert shown.exit_code == 0
    assert "1 rows  till_receipts (2 columns)" in shown.stdout
    for name in load_adapters():
        assert f"not {name}: it lacks" in shown.stdout


def test_what_a_script_cannot_prove_of_itself_is_shown(tmp_path):
    dump = tmp_path / "dump.sql"
    script = "CREATE TABLE [dbo].[till]([a] [int] NOT NULL)\r\nGO\r\n"
    dump.write_text(script + "INSERT [dbo].[till] ([a]) VALUES (1)\r\nGO\r\n", newline="")
    shown = pacslift("inspect", dump)
    assert shown.exit_code == 0, shown.output
    (said,) = only_object(pacslift("inspect", dump, "--json").stdout)["dumps"]
    (finding,) = said["findings"]
    assert finding.startswith(f"{dump}: nothing in such a script proves that it is complete")
    assert finding in shown.stdout


def test_where_a_dump_ends_early_is_shown_if_that_is_to_be_accepted(tmp_path):
    whole = (FIXTURES / "orthanc" / "mysql" / "index.sql").read_bytes()
    dump = tmp_path / "index.sql"
    dump.write_bytes(whole[: whole.rindex(b"\n") // 2])
    assert pacslift("inspect", dump).exit_code == 12
    shown = pacslift("inspect", dump, "--accept-truncated", "--json")
    (said,) = only_object(shown.stdout)["dumps"]
    (cut,) = said["cuts"]
    assert cut.startswith(f"INCOMPLETE DUMP: {dump} ends early")
    assert cut in pacslift("inspect", dump, "--accept-truncated").stdout


# ---------------------------------------------------------------------------------------------
# run, its stages, status


def test_a_clean_run_ends_with_0_and_says_so_in_its_last_line(archive, tmp_path):
    with NewPacs(tmp_path / "new") as target:
        ran = pacslift("run", a_job(tmp_path, archive, target))
    assert ran.exit_code == 0
    last = ran.stdout.splitlines()[-1]
    assert last == "balanced. All 6 instances are verified at the target."


def test_a_run_gives_one_json_object_and_nothing_else_where_a_program_reads_it(archive, tmp_path):
    with NewPacs(tmp_path / "new") as target:
        job = a_job(tmp_path, archive, target)
        ran = pacslift("run", job, "--json", "--log-format", "json")
        assert ran.exit_code == 0
        assert only_object(ran.stdout) == status(job)
        events = [json.loads(line) for line in ran.stderr.splitlines()]
        assert sum(one["event"] == "InstanceSent" for one in events) == 6
        began = [one["stage"] for one in events if one["event"] == "StageStarted"]
        assert began == ["extract", "inventory", "plan", "send", "verify", "report"]
        assert began == [one["stage"] for one in events if one["event"] == "StageFinished"]


def test_a_program_that_reads_events_is_told_why_a_run_stopped(archive, tmp_path):
    job = a_job(tmp_path, archive, f"NOBODY@127.0.0.1:{free_port()}")
    ran = pacslift("run", job, "--log-format", "json")
    events = [json.loads(line) for line in ran.stderr.splitlines()]
    assert ran.exit_code == 20
    assert events[-1]["event"] == "Stopped"
    assert events[-1]["exit_code"] == 20
    assert "Connection refused" in events[-1]["sentence"]


def test_a_program_that_reads_the_account_is_told_of_a_stop_and_how_far_the_run_came(
    archive, tmp_path
):
    job = a_job(tmp_path, archive, f"NOBODY@127.0.0.1:{free_port()}")
    for log_format in ("text", "json"):
        ran = pacslift("run", job, "--json", "--log-format", log_format)
        said = only_object(ran.stdout)
        assert said["error"]["exit_code"] == ran.exit_code == 20
        assert "Connection refused" in said["error"]["message"]
        assert said["account"] == status(job)
        assert said["account"]["states"]["planned"] == 6
        assert ran.stderr.count("Connection refused") == 1


@pytest.mark.parametrize(
    "words", [["run", "JOB"], ["status", "JOB"], ["exceptions", "JOB"], ["inspect", "JOB"]]
)
def test_a_program_that_reads_json_gets_it_where_there_is_no_job_too(words, tmp_path):
    ran = pacslift(*(tmp_path if word == "JOB" else word for word in words), "--json")
    said = only_object(ran.stdout)
    assert said["account"] is None
    assert said["error"]["exit_code"] == ran.exit_code >= 10
    assert ran.stderr == f"pacslift: {said['error']['message']}\n"


def test_the_report_says_when_the_job_began(archive, tmp_path):
    with NewPacs(tmp_path / "new") as target:
        job = a_job(tmp_path, archive, target)
        pacslift("run", job)
        page = (job / "report" / "report.html").read_text()
        (began,) = re.findall(r"<dt>Started</dt><dd>([^<]+)</dd>", page)
        assert datetime.fromisoformat(began) <= datetime.now(UTC)
        pacslift("run", job)  # it began when it began
        assert f"<dt>Started</dt><dd>{began}</dd>" in (job / "report" / "report.html").read_text()


def test_a_finished_job_that_is_run_again_sends_nothing_and_gives_the_same_account(
    archive, tmp_path
):
    with NewPacs(tmp_path / "new") as target:
        job = a_job(tmp_path, archive, target)
        first = pacslift("run", job, "--json")
        again = pacslift("run", job, "--json")
        assert (again.exit_code, again.stdout) == (first.exit_code, first.stdout)
        assert set(target.times.values()) == {1}


def test_the_stages_one_by_one_do_what_a_run_does(archive, tmp_path):
    accounts, came = [], []
    for way in ("at once", "one by one"):
        folder = tmp_path / way
        with NewPacs(folder / "new") as target:
            job = a_job(folder, archive, target)
            stages = ["run"]
            if way == "one by one":
                stages = ["extract", "inventory", "plan", "send", "verify", "report"]
            codes = [pacslift(stage, job).exit_code for stage in stages]
            accounts.append(status(job))
            came.append(sorted(target.received))
            assert codes[-1] == 0
            assert (job / "report" / "report.html").exists()
            assert len((job / "exceptions.csv").read_text().splitlines()) == 1
    assert accounts[0] == accounts[1]
    assert came[0] == came[1]


def test_sending_alone_does_not_claim_that_anything_arrived(archive, tmp_path):
    with NewPacs(tmp_path / "new") as target:
        job = a_job(tmp_path, archive, target)
        for stage in ("extract", "inventory", "plan"):
            assert pacslift(stage, job).exit_code == 0
        sent = pacslift("send", job)
        assert sent.exit_code == 3
        assert status(job)["states"]["stored"] == 6


def test_a_job_that_has_not_begun_claims_nothing(archive, tmp_path):
    job = a_job(tmp_path, archive, "NOBODY@127.0.0.1:9")
    assert pacslift("status", job).exit_code == 15
    assert pacslift("extract", job).exit_code == 0
    shown = pacslift("status", job)
    assert "Nothing is planned yet." in shown.stdout
    assert "verified" not in shown.stdout
    assert status(job)["exit_code"] == 3


def test_the_account_can_be_read_while_another_process_sends(archive, tmp_path):
    with NewPacs(tmp_path / "new").hold_after(3) as target:
        job = a_job(tmp_path, archive, target)
        with started("run", job, "--log-format", "json") as run:
            for _ in range(3):
                run.wait_for(event="InstanceSent")
            account = status(job)
            assert set(account["states"]) == {state.value for state in InstanceState}
            assert set(account["file_states"]) == {state.value for state in FileState}
            assert account["instances"] == sum(account["states"].values()) == 6
            assert account["files"] == sum(account["file_states"].values()) == 6
            assert account["balanced"] is True
            assert (account["states"]["stored"], account["states"]["planned"]) == (3, 3)
            assert "Not finished: 3 of 6" in pacslift("status", job).stdout
            target.open_the_gate()
            run.wait_for(event="StageFinished", stage="report")
            assert run.process.wait() == 0


# ---------------------------------------------------------------------------------------------
# Ctrl-C


def test_the_readme_has_the_exit_code_of_ctrl_c():
    assert f"| {INTERRUPTED}, " in README


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_ctrl_c_keeps_what_was_answered_and_says_how_to_go_on(log_format, tmp_path):
    archive = old_pacs(tmp_path / "old", slices=200)
    with NewPacs(tmp_path / "new").hold_after(3) as target:
        job = a_job(tmp_path, archive, target)
        tune(job, associations=1)
        with started("run", job, "--log-format", log_format) as run:
            target.wait_for(4)
            run.process.send_signal(signal.SIGINT)
            target.open_the_gate()
            said = run.stderr.read()
        assert run.process.wait() == 130
        assert "Traceback" not in said
        assert "goes on where it was" in said.splitlines()[-1]
        if log_format == "json":
            assert json.loads(said.splitlines()[-1])["event"] == "Stopped"
        assert 4 <= status(job)["states"]["stored"] == len(target.received) < 200
        assert pacslift("run", job).exit_code == 0
        assert set(target.times.values()) == {1}


def test_ctrl_c_does_not_wait_for_a_target_that_asked_to_wait(archive, tmp_path):
    with NewPacs(tmp_path / "new").always(answering(0xA700)) as target:
        job = a_job(tmp_path, archive, target)
        tune(job, busy_waits=[3600], associations=2)
        with started("run", job) as run:
            target.wait_for(2)
            began = monotonic()
            run.process.send_signal(signal.SIGINT)
            said = run.stderr.read()
        assert run.process.wait() == 130
        assert monotonic() - began < GRACE
        assert "Traceback" not in said
        assert status(job)["states"]["planned"] == 6


def test_ctrl_c_before_anything_is_sent_leaves_a_job_that_can_be_run(archive, tmp_path):
    with NewPacs(tmp_path / "new") as target:
        job = a_job(tmp_path, archive, target)
        with started("run", job, "--log-format", "json") as run:
            run.wait_for(event="StageStarted", stage="inventory")
            run.process.send_signal(signal.SIGINT)
            said = run.stderr.read()
        assert run.process.wait() == 130
        assert "Traceback" not in said
        assert pacslift("run", job).exit_code == 0


# ---------------------------------------------------------------------------------------------
# exceptions


def test_kinds_that_the_target_refused_are_sent_when_it_takes_them(tmp_path):
    archive = old_pacs(tmp_path / "old", kinds=(ct, mr))
    with NewPacs(tmp_path / "new").accept_only(CT) as target:
        job = a_job(tmp_path, archive, target)
        assert pacslift("run", job).exit_code == 3
        assert status(job)["causes"] == {"context_refused": 3}
        listed = pacslift("exceptions", job)
        assert "3  context_refused" in listed.stdout
        assert "--retry context_refused" in listed.stdout
        assert only_object(pacslift("exceptions", job, "--json").stdout) == {
            "causes": {"context_refused": 3}
        }
        lines = (job / "exceptions.csv").read_text().splitlines()
        assert sum("MR Image Storage" in line for line in lines) == 3
    with NewPacs(tmp_path / "new").accept_only(CT, MR) as target:
        tune(job, port=target.port)
        assert "3 instances are planned again" in (
            pacslift("exceptions", job, "--retry", "context_refused").stdout
        )
        assert pacslift("run", job).exit_code == 0
        assert len(target.received) == 3
    assert pacslift("exceptions", job).stdout == "None.\n"


def test_a_file_that_no_row_names_is_an_exception_like_any_other(tmp_path):
    archive = old_pacs(tmp_path / "old")
    orphan = ct(Study(PATIENTS[0], "nobody's", "20140310", "CT", "S9"), 1, 1, 8)
    (archive.storage / "orphan.dcm").write_bytes(part10(orphan))
    with NewPacs(tmp_path / "new") as target:
        job = a_job(tmp_path, archive, target)
        assert pacslift("run", job).exit_code == 3
    listed = pacslift("exceptions", job).stdout
    assert "1  orphan (files)" in listed
    assert str(job / "exceptions.csv") in listed


def test_a_plan_after_the_run_says_what_was_sent_before(tmp_path):
    with NewPacs(tmp_path / "new") as target:
        job = a_job(tmp_path, old_pacs(tmp_path / "old"), target)
        pacslift("run", job)
        assert "0 instances to send, 6 sent before, 0 not" in pacslift("plan", job).output
        assert "Nothing is left to be sent" in pacslift("plan", job, "--diff").output
        assert len(target.received) == 6


@pytest.fixture
def put_back(tmp_path):
    """A job that ended without one of its files, which is there again now, and its target."""
    archive = old_pacs(tmp_path / "old")
    file, elsewhere = archive.files[archive.uids[4]], tmp_path / "elsewhere.dcm"
    file.rename(elsewhere)
    with NewPacs(tmp_path / "new") as target:
        job = a_job(tmp_path, archive, target)
        assert pacslift("run", job).exit_code == 3
        assert status(job)["causes"] == {"missing_file": 1}
        shutil.copyfile(elsewhere, file)
        yield job, target


def test_a_file_that_was_put_back_is_sent(put_back):
    job, target = put_back
    retried = pacslift("exceptions", job, "--retry", "missing_file", "--json")
    assert only_object(retried.stdout) == {"planned_again": 1}
    assert pacslift("run", job).exit_code == 0
    assert set(target.times.values()) == {1}


def test_a_file_that_was_put_back_is_sent_though_planning_it_again_was_cut_off(put_back):
    job, _ = put_back

    def die_before_the_plan(event: Event) -> None:
        if event == StageStarted("plan"):
            raise RuntimeError("the power fails")

    with (
        pytest.raises(RuntimeError, match="the power fails"),
        opened(job, die_before_the_plan) as run,
    ):
        flow.retry(run, Cause.MISSING_FILE)
    assert pacslift("run", job).exit_code == 0


@pytest.mark.parametrize("probe", ["none", "sample", "all"])
def test_a_file_that_was_cut_off_is_sent_when_it_was_restored(probe, tmp_path):
    """Found when it is sent, or opened beforehand: the way back is the same."""
    archive = old_pacs(tmp_path / "old")
    file = archive.files[archive.uids[4]]
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with NewPacs(tmp_path / "new") as target:
        job = a_job(tmp_path, archive, target)
        tune(job, probe=probe)
        assert pacslift("run", job).exit_code == 3
        assert status(job)["causes"] == {"truncated": 1}
        file.write_bytes(whole)
        retried = pacslift("exceptions", job, "--retry", "truncated")
        assert "1 instance is planned again" in retried.stdout
        assert pacslift("run", job).exit_code == 0
        assert set(target.times.values()) == {1}


# ---------------------------------------------------------------------------------------------
# doctor


def test_doctor_finds_nothing_wrong_with_a_job_that_is_right(archive, tmp_path):
    with NewPacs(tmp_path / "new") as target:
        job = a_job(tmp_path, archive, target)
        before = sorted(job.rglob("*"))
        seen = pacslift("doctor", job)
        assert seen.exit_code == 0, seen.output
        assert "FAIL" not in seen.stdout
        assert sorted(job.rglob("*")) == before
        pacslift("plan", job)
        checks = only_object(pacslift("doctor", job, "--json").stdout)["checks"]
        assert {one["name"] for one in checks} >= {"dumps", "storage", "target", "queries"}
        assert target.received == []


def test_doctor_names_everything_that_is_wrong_at_once(tmp_path):
    nobody = f"NOBODY@127.0.0.1:{free_port()}"
    made = init(tmp_path / "job", tmp_path / "gone.sql", tmp_path / "gone", nobody)
    for gone in ("gone.sql", "gone"):  # told at once, but perhaps it is mounted later
        assert f"warning: {tmp_path / gone} is not there" in made.stdout
    assert made.exit_code == 0
    seen = pacslift("doctor", tmp_path / "job")
    assert seen.exit_code == 3
    failed = [line.split()[1] for line in seen.stdout.splitlines() if line.startswith("FAIL")]
    assert failed == ["dumps", "storage", "target", "queries"]
    assert str(tmp_path / "gone.sql") in seen.stdout
    assert "Connection refused" in seen.stdout


def test_a_rule_that_there_is_none_of_stops_before_the_work_and_doctor_tells_the_rest(
    archive, tmp_path
):
    job = a_job(tmp_path, archive, f"NOBODY@127.0.0.1:{free_port()}")
    with (job / "job.toml").open("a") as text:
        text.write('\n[rules]\non = ["X99"]\n')
    ran = pacslift("run", job)
    assert ran.exit_code == 16
    assert "X99" in ran.stderr
    assert not (job / "tables").exists()
    seen = pacslift("doctor", job)
    failed = [line.split()[1] for line in seen.stdout.splitlines() if line.startswith("FAIL")]
    assert failed == ["settings", "target", "queries"]


def test_a_job_without_a_storage_root_is_told_so(archive, tmp_path):
    job = a_job(tmp_path, archive, f"NOBODY@127.0.0.1:{free_port()}")
    path = job / "job.toml"
    path.write_text(re.sub(r'(?m)^"" = .*$', "", path.read_text()))
    shown = pacslift("doctor", job).stdout
    assert "FAIL  storage      [storage.mounts] of job.toml is empty" in shown


def test_doctor_names_the_kinds_of_object_that_the_target_will_refuse(tmp_path):
    archive = old_pacs(tmp_path / "old", kinds=(ct, mr))
    with NewPacs(tmp_path / "new").accept_only(CT) as target:
        job = a_job(tmp_path, archive, target)
        for stage in ("extract", "inventory", "plan"):
            pacslift(stage, job)
        seen = pacslift("doctor", job)
        assert seen.exit_code == 3
        (line,) = [line for line in seen.stdout.splitlines() if line.startswith("FAIL")]
        assert MR[0] in line


# ---------------------------------------------------------------------------------------------
# adapter


def test_the_adapters_there_are_are_listed():
    rows = only_object(pacslift("adapter", "list", "--json").stdout)["adapters"]
    assert {row["name"] for row in rows} == set(load_adapters())
    listed = pacslift("adapter", "list", "--adapters", FIXTURES / "hostile" / "adapters").stdout
    for name in (*load_adapters(), "twin"):
        assert f"{name} " in listed


@pytest.mark.parametrize("dump", [None, *dict.fromkeys(d for c in CASES for d in dumps_of(c))],
                         ids=lambda d: d and str(d.relative_to(FIXTURES)))  # fmt: skip
def test_an_adapter_that_was_just_started_can_be_loaded(dump, tmp_path):
    made = pacslift("adapter", "scaffold", tmp_path / "mine", *(["--dump", dump] if dump else []))
    assert made.exit_code == 0, made.output
    adapter = load_adapter(tmp_path / "mine")
    assert adapter.name == "mine"
    for line in made.stdout.splitlines():
        assert Path(line.removeprefix("wrote ")).is_file()
    if dump:
        tables = only_object(pacslift("inspect", dump, "--json").stdout)["dumps"][0]["tables"]
        assert {table["name"].lower() for table in tables} <= set(adapter.identify)


def test_an_adapter_can_be_started_from_a_database(tmp_path):
    made = pacslift(
        "adapter",
        "scaffold",
        tmp_path / "mine",
        "--dump",
        sqlite_named(FIXTURES / "conquest" / "sqlite-nki" / "conquest.db3"),
    )
    assert made.exit_code == 0, made.output
    assert "dicomimages" in load_adapter(tmp_path / "mine").identify


@pytest.mark.parametrize("words", [("demo",), ("adapter", "scaffold"), ("init",)])
def test_where_a_folder_cannot_be_made_a_sentence_says_so(words, archive, tmp_path):
    (tmp_path / "file").write_text("in the way")
    more = ["--dump", archive.dump, "--storage", archive.storage, "--target", "A@h:1"]
    ran = pacslift(*words, tmp_path / "file" / "folder", *(more if words == ("init",) else []))
    assert ran.exit_code in (15, 17)
    assert str(tmp_path / "file" / "folder") in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def test_the_demo_says_that_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("in the way")
    ran = pacslift("demo", tmp_path / "file")
    assert ran.exit_code == 15
    assert "file is no folder" in ran.stderr


def test_an_adapter_is_not_started_over_another(tmp_path):
    (tmp_path / "mine").mkdir()
    result = pacslift("adapter", "scaffold", tmp_path / "mine")
    assert result.exit_code == 17
    assert str(tmp_path / "mine") in result.stderr
    assert not list((tmp_path / "mine").iterdir())


def test_an_adapter_is_checked_and_what_fails_is_said(tmp_path):
    pacslift("adapter", "scaffold", tmp_path / "mine")
    seen = pacslift("adapter", "check", tmp_path / "mine")
    assert seen.exit_code == 3
    assert "FAIL" in seen.stdout
    checks = only_object(pacslift("adapter", "check", tmp_path / "mine", "--json").stdout)
    assert not all(check["passed"] for check in checks["checks"])
