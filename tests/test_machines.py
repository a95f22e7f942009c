"""Several machines on one job, each with its own copy of it; PostgreSQL has the ledger."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

import warmstart
from databases import new_cluster, serving
from jobs import init, pacslift, status, tune
from ledgers import database_on, url_of
from newpacs import NewPacs
from oldpacs import OldPacs, old_pacs
from pacslift.job_reading import load_job
from pacslift.ledger import INSTANCES, Ledger
from warmstart import Forked

SLICES = 240
STUDIES = 40
LIMIT = 30  # instances a second
SOON = 90.0  # seconds that a machine with other work may need


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> OldPacs:
    return old_pacs(tmp_path_factory.mktemp("old"), SLICES, size=64, studies=STUDIES)


@pytest.fixture
def url(ledger_server) -> str:
    return url_of(ledger_server, database_on(ledger_server))


def a_job(folder: Path, archive: OldPacs, target: object, url: str, **tuned: object) -> Path:
    """The job on the machine that runs it."""
    job = folder / "job"
    assert init(job, archive.dump, archive.storage, str(target), "--ledger", url).exit_code == 0
    tune(job, **{"dead_after": 3.0, "associations": 2, **tuned})
    return job


def copied(job: Path, machine: str, storage: Path | None = None) -> Path:
    """The job on another machine, where the storage may be mounted elsewhere."""
    copy = job.parent / machine / "copy"
    copy.mkdir(parents=True)
    shutil.copy(job / "job.toml", copy)
    if storage:
        tune(copy, **{'""': str(storage)})
    return copy


@dataclass(frozen=True)
class Machine:
    """The command line at work in a process of its own."""

    process: Forked | subprocess.Popen[bytes]
    log: Path

    def events(self) -> list[dict]:
        """What it has told so far."""
        whole = self.log.read_text().rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines()]

    def sent(self) -> list[str]:
        return [e["sop_instance_uid"] for e in self.events() if e["event"] == "InstanceSent"]

    def wait_until(self, ready) -> None:
        deadline = time.monotonic() + SOON
        while not ready():
            assert time.monotonic() < deadline, self.log.read_text()[-2000:]
            assert self.process.poll() is None, self.log.read_text()[-2000:]
            time.sleep(0.02)

    def wait_for(self, **wanted: object) -> None:
        """Until it tells an event with these fields."""
        self.wait_until(lambda: any(e.items() >= wanted.items() for e in self.events()))

    def ends_with(self, code: int) -> None:
        assert self.process.wait(SOON) == code, self.log.read_text()[-2000:]


@contextmanager
def machine(command: str, job: Path, *options: str) -> Iterator[Machine]:
    """Start the command line as a process; it is killed at the end if it still runs."""
    log = job / f"{command}.log"
    arguments = [command, job, "--log-format", "json", *options]
    with log.open("wb") as out, Path(os.devnull).open("wb") as nowhere:
        process = warmstart.start(arguments, nowhere.fileno(), out.fileno())
    try:
        yield Machine(process, log)
    finally:
        process.kill()
        process.wait()


@contextmanager
def helping(one: Machine, copy: Path) -> Iterator[Machine]:
    """A worker beside *one* that runs the job, from when it is planned."""
    one.wait_for(event="StageStarted", stage="send")
    with machine("worker", copy) as worker:
        yield worker


def states(job: Path) -> dict[str, str]:
    ledger = Ledger(load_job(job).ledger)
    try:
        return {row["sop_instance_uid"]: row["state"] for row in ledger.rows(sa.select(INSTANCES))}
    finally:
        ledger.close()


def test_three_machines_bring_every_object_once_and_the_account_balances(archive, url, tmp_path):
    with NewPacs(tmp_path / "new").hold_after(12) as target:
        job = a_job(tmp_path, archive, target, url)
        elsewhere = tmp_path / "mounted elsewhere"
        shutil.copytree(archive.storage, elsewhere)
        second, third = copied(job, "second", elsewhere), copied(job, "third")
        with (
            machine("worker", second, "--wait") as two,
            machine("worker", third, "--wait", "--metrics", str(tmp_path / "3.prom")) as three,
            machine("run", job) as one,
        ):
            for each in (one, two, three):  # all of them have begun before the target goes on
                each.wait_for(event="StageStarted", stage="send")
            target.wait_for(12 + 3)  # each has one on the way
            one.wait_until(lambda: "3 machines send" in pacslift("pace", second).stdout)
            target.open_the_gate()
            one.ends_with(0)
            for each in (two, three):
                each.process.send_signal(signal.SIGTERM)
                each.ends_with(128 + signal.SIGTERM)
            sent = [each.sent() for each in (one, two, three)]
        account = status(job)
    assert account["balanced"]
    assert account["states"]["verified"] == SLICES
    assert set(states(job).values()) == {"verified"}
    assert target.times == dict.fromkeys(archive.uids, 1)
    assert sorted(uid for one in sent for uid in one) == sorted(archive.uids)
    assert min(map(len, sent)) > 0
    stored = f'pacslift_sent_instances{{job="copy",state="stored"}} {len(sent[2]):.1f}\n'
    assert stored in (tmp_path / "3.prom").read_text()


def test_a_limit_holds_over_all_machines_together(archive, url, tmp_path):
    with NewPacs(tmp_path / "new") as target:
        job = a_job(tmp_path, archive, target, url)
        with (job / "job.toml").open("a") as text:
            text.write(f"\n[pace]\ninstances_per_second = {LIMIT}\n")
        second = copied(job, "second")
        with machine("worker", second, "--wait") as two, machine("run", job) as one:
            one.wait_for(event="InstanceSent")
            began = time.monotonic()
            one.ends_with(0)
            took = time.monotonic() - began
            two.process.send_signal(signal.SIGTERM)
            two.ends_with(128 + signal.SIGTERM)
            sent = [len(each.sent()) for each in (one, two)]
    assert min(sent) >= LIMIT  # both had a part of it
    assert sum(sent) == SLICES
    assert took >= (SLICES - 1) / LIMIT - 1  # one second's worth in their buckets and on the way


def test_what_a_killed_machine_had_in_hand_is_sent_by_the_others(archive, url, tmp_path):
    with NewPacs(tmp_path / "new").hold_after(0) as target:
        job = a_job(tmp_path, archive, target, url)
        second, third = copied(job, "second"), copied(job, "third")
        with (
            machine("run", job) as one,
            helping(one, second) as two,
            helping(one, third) as three,
        ):
            for each in (one, two, three):
                each.wait_for(event="StageStarted", stage="send")
            target.wait_for(6)  # two associations of each, with an object on the way
            for passed in range(6, 25, 6):
                target.let_pass(6)
                target.wait_for(passed + 6)
            two.wait_until(lambda: len(two.sent()) > 2)
            two.process.kill()
            two.process.wait()
            on_record = {uid for uid, state in states(job).items() if state == "stored"}
            came = set(target.received)
            target.open_the_gate()
            one.ends_with(0)
            three.ends_with(0)
            assert set(two.sent()) <= on_record  # what was told was on record
            told = [*one.sent(), *two.sent(), *three.sent()]
        account = status(job)
    assert account["balanced"]
    assert account["states"]["verified"] == SLICES
    assert set(target.times) == set(archive.uids)
    again = {uid for uid, n in target.times.items() if n > 1}
    assert again <= came - on_record
    assert set(target.times.values()) <= {1, 2}
    assert len(told) == len(set(told))  # nothing is counted twice


def test_while_the_ledgers_server_is_away_machines_wait_and_nothing_is_lost(archive, tmp_path):
    with (
        new_cluster() as cluster,
        ExitStack() as up,
        NewPacs(tmp_path / "new").hold_after(40) as target,
    ):
        up.enter_context(serving(cluster))
        job = a_job(tmp_path, archive, target, url_of(cluster, "postgres"))
        with machine("run", job) as one, machine("worker", copied(job, "second"), "--wait") as two:
            for each in (one, two):
                each.wait_for(event="StageStarted", stage="send")
            target.wait_for(44)
            up.close()
            target.open_the_gate()
            for each in (one, two):
                each.wait_until(lambda each=each: "does not answer" in each.log.read_text())
            up.enter_context(serving(cluster))
            one.ends_with(0)
            account = status(job)
    assert account["balanced"]
    assert account["states"]["verified"] == SLICES
    assert target.times == dict.fromkeys(archive.uids, 1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_machine_that_is_told_to_stop_leaves_the_rest_to_the_others(
    number, archive, url, tmp_path
):
    with NewPacs(tmp_path / "new").hold_after(30) as target:
        job = a_job(tmp_path, archive, target, url, dead_after=3600.0)
        with machine("run", job) as one, helping(one, copied(job, "second")) as two:
            for each in (one, two):
                each.wait_for(event="StageStarted", stage="send")
            target.wait_for(34)
            two.process.send_signal(number)
            target.open_the_gate()
            two.ends_with(128 + number)
            one.ends_with(0)  # without waiting for an hour
            assert two.events()[-1]["event"] == "Stopped"
        account = status(job)
    assert account["states"]["verified"] == SLICES
    assert set(target.times) == set(archive.uids)
    assert len(target.received) <= SLICES + 2  # what it had no time to end


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (("[rules]", '[rules]\non = ["I01"]'), "[rules]"),
        (('aet = "NEWPACS"', 'aet = "OTHERPACS"'), "[target] aet, host, port"),
        (('"" = ', '"MAG0" = '), "[storage.mounts] names"),
    ],
)
def test_a_copy_of_the_job_that_would_send_otherwise_is_refused(
    change, named, archive, url, tmp_path
):
    with NewPacs(tmp_path / "new") as target:
        job = a_job(tmp_path, archive, target, url)
        with (job / "job.toml").open("a") as toml:
            toml.write("\n[rules]\n")
        for stage in ("extract", "inventory", "plan"):
            assert pacslift(stage, job).exit_code == 0
        copy = copied(job, "second")
        text = (copy / "job.toml").read_text()
        (copy / "job.toml").write_text(text.replace(*change, 1))
        result = pacslift("worker", copy)
    assert result.exit_code == 16
    assert f"is not the one that was planned: {named} differ" in result.stderr
    assert not target.received


def test_a_machine_without_the_adapter_of_the_job_says_so(archive, url, tmp_path):
    job = a_job(tmp_path, archive, "NOBODY@127.0.0.1:1", url)
    for stage in ("extract", "inventory", "plan"):
        assert pacslift(stage, job).exit_code == 0
    ledger = Ledger(load_job(job).ledger)
    ledger.put("adapter", "ours")
    ledger.close()
    result = pacslift("worker", copied(job, "second"))
    assert result.exit_code == 16
    assert "planned with the adapter ours, which this machine does not have" in result.stderr


def test_a_worker_of_a_job_that_nobody_planned_says_where_to_begin(archive, url, tmp_path):
    job = a_job(tmp_path, archive, "NOBODY@127.0.0.1:1", url)
    result = pacslift("worker", copied(job, "second"))
    assert result.exit_code == 15
    assert "start `pacslift run` on the machine that has the dump" in result.stderr


def test_a_worker_needs_a_ledger_that_machines_can_share(archive, tmp_path):
    job = tmp_path / "job"
    assert init(job, archive.dump, archive.storage, "NOBODY@127.0.0.1:1").exit_code == 0
    result = pacslift("worker", job)
    assert result.exit_code == 16
    assert "the same [ledger] url" in result.stderr


def test_one_machine_runs_a_job_and_others_can_only_help(archive, url, tmp_path):
    with NewPacs(tmp_path / "new").hold_after(5) as target:
        job = a_job(tmp_path, archive, target, url)
        other = tmp_path / "second" / "job"
        other.mkdir(parents=True)
        shutil.copy(job / "job.toml", other)
        with machine("run", job) as one:
            one.wait_until(lambda: len(one.sent()) == 5)
            for command in ("run", "plan"):
                result = pacslift(command, other)
                assert result.exit_code == 25
                assert "another machine runs this job" in result.stderr
            account = [status(folder) for folder in (other, job)]
            for one_account in account:
                one_account.pop("going", None)  # how it goes just now
            assert account[0] == account[1]
            one.process.kill()


def test_no_new_plan_is_made_while_others_send_the_one_before(archive, url, tmp_path):
    with NewPacs(tmp_path / "new").hold_after(5) as target:
        job = a_job(tmp_path, archive, target, url)
        with machine("run", job) as one, helping(one, copied(job, "second")) as two:
            for each in (one, two):
                each.wait_for(event="StageStarted", stage="send")
            one.process.kill()
            one.process.wait()
            result = pacslift("plan", job)
            assert result.exit_code == 25
            assert "what was planned before is being sent by" in result.stderr
            two.process.kill()


def test_another_job_with_the_same_ledger_is_refused(archive, url, tmp_path):
    job = a_job(tmp_path, archive, "NOBODY@127.0.0.1:1", url)
    for stage in ("extract", "inventory", "plan"):
        assert pacslift(stage, job).exit_code == 0
    other = tmp_path / "other job"
    assert init(other, archive.dump, archive.storage, "NOBODY@127.0.0.1:1").exit_code == 0
    with (other / "job.toml").open("a") as toml:
        toml.write(f'[ledger]\nurl = "{url}"\nschema = "pacslift_job"\n')
    result = pacslift("run", other)
    assert result.exit_code == 16
    assert "give it its own [ledger] schema" in result.stderr


# What can be wrong with the server


@pytest.mark.parametrize(
    ("wrong", "said", "code"),
    [
        (("@127.0.0.1:", "@127.0.0.1:1"), "cannot be reached", 19),
        (("postgres@", "nobody:geheim@"), 'role "nobody" does not exist', 19),
        (("/ledgers", "/no_ledgers"), "does not exist", 19),
        (("postgresql:", "mysql:"), "not of the form postgresql://", 16),
        (("postgres@127.0.0.1", "postgres:geheim@not-there.invalid"), "cannot be reached", 19),
    ],
)
def test_a_wrong_ledger_is_told_in_a_sentence_without_the_password(
    wrong, said, code, archive, url, tmp_path
):
    job = a_job(tmp_path, archive, "NOBODY@127.0.0.1:1", url)
    text = (job / "job.toml").read_text()
    (job / "job.toml").write_text(text.replace(*wrong, 1))
    for command in ("run", "status", "worker", "doctor"):
        result = pacslift(command, job)
        assert said in result.stderr + result.stdout
        assert result.exit_code == (3 if (command, code) == ("doctor", 19) else code)
        assert "geheim" not in result.stderr + result.stdout


def test_a_user_without_rights_is_told_which_it_needs(archive, url, ledger_server, tmp_path):
    ledger_server.run("CREATE ROLE guest LOGIN")
    job = a_job(tmp_path, archive, "NOBODY@127.0.0.1:1", url.replace("postgres@", "guest@"))
    result = pacslift("run", job)
    assert result.exit_code == 19
    assert "needs CREATE on the database" in result.stderr


def test_a_user_who_may_only_look_is_told_so_when_it_would_write(
    archive, url, ledger_server, tmp_path
):
    job = a_job(tmp_path, archive, "NOBODY@127.0.0.1:1", url)
    for stage in ("extract", "inventory", "plan"):
        assert pacslift(stage, job).exit_code == 0
    ledger_server.run("CREATE ROLE reader LOGIN")
    database = url.rpartition("/")[2]
    ledger_server.run("GRANT USAGE ON SCHEMA pacslift_job TO reader", database)
    ledger_server.run("GRANT SELECT ON ALL TABLES IN SCHEMA pacslift_job TO reader", database)
    before = status(job)
    text = (job / "job.toml").read_text()
    (job / "job.toml").write_text(text.replace("postgres@", "reader@"))
    assert status(job) == before
    result = pacslift("send", job)
    assert result.exit_code == 19
    assert "permission denied" in result.stderr
    assert "all rights on the schema" in result.stderr
