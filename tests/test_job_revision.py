"""The revision of a job: every key of job.toml decides bytes that are sent, or it does not."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from jobs import init, pacslift, status, tune
from newpacs import NewPacs
from oldpacs import old_pacs
from pacslift.job_reading import KNOWN, job_from, load_job
from pacslift.job_revision import DECIDING, content_digest
from pacslift.ledger import Ledger

WRITTEN: Mapping[str, Any] = {
    "revised": datetime(2026, 1, 31, tzinfo=UTC),
    "source": {"dumps": ["/dumps/index.sql"]},
    "storage": {"mounts": {"": "/mnt/copy"}},
    "target": {"aet": "NEWPACS", "host": "127.0.0.1", "port": 104},
}
# Every key of job.toml with another value, and what that needs beside it.
OTHERWISE: Mapping[str, Mapping[str, Any]] = {
    "source.dumps": {"dumps": ["/dumps/other.sql"]},
    "source.adapter": {"adapter": "orthanc"},
    "source.adapters": {"adapters": ["/adapters"]},
    "source.accept_truncated": {"accept_truncated": True},
    "source.name": {"name": "OLDPACS@SITE"},
    "source.schema": {"schema": "pacs"},
    "storage.mounts": {"mounts": {"": "/mnt/another"}},
    "target.aet": {"aet": "OTHERPACS"},
    "target.host": {"host": "127.0.0.2"},
    "target.port": {"port": 11112},
    "target.calling_aet": {"calling_aet": "MIGRATION"},
    "target.profile": {"profile": "dcm4chee-arc"},
    "target.statuses": {"statuses": {"A701": "stop"}},
    "target.tls": {"tls": {"verify": False}},
    "target.identity": {"identity": {"user": "me"}},
    "send.processes": {"processes": 4},
    "send.associations": {"associations": 3},
    "send.window": {"window": 2},
    "send.response_timeout": {"response_timeout": 600},
    "send.busy_waits": {"busy_waits": [30]},
    "send.lost_waits": {"lost_waits": []},
    "inventory.probe": {"probe": "all"},
    "inventory.accept_lost": {"accept_lost": True},
    "charset": {"*": "cp1252"},
    "mapping.patients": {"patients": "map.csv"},
    "mapping.accession_numbers": {"accession_numbers": "map.csv"},
    "mapping.exclusions": {"exclusions": "map.csv"},
    "rules": {"on": ["I01"]},
    "pace.megabytes_per_second": {"megabytes_per_second": 5},
    "pace.instances_per_second": {"instances_per_second": 5},
    "pace.windows": {"windows": ["Mon 10:00-11:00"], "time_zone": "UTC"},
    "pace.time_zone": {"time_zone": "Europe/Berlin"},
    "pace.adaptive": {"adaptive": False},
    "pace.answer_seconds": {"answer_seconds": 2},
    "order.by": {"by": "path"},
    "order.csv": {"by": "priority", "csv": "first.csv"},
    "ledger.url": {"url": "postgresql://me@db/pacslift"},
    "ledger.schema": {"url": "postgresql://me@db/pacslift", "schema": "other"},
    "ledger.dead_after": {"url": "postgresql://me@db/pacslift", "dead_after": 60},
}


def all_keys() -> set[str]:
    """Of job.toml, but for `revised`, which is the revision's time."""
    sections = {name: keys for name, keys in KNOWN.items() if name}
    whole = KNOWN[""] - sections.keys() - {"revised"}
    return whole | {f"{name}.{key}" for name, keys in sections.items() for key in keys}


def test_every_key_of_a_job_is_said_to_decide_bytes_or_not():
    assert set(OTHERWISE) == all_keys()
    assert set(DECIDING) <= all_keys()


@pytest.mark.parametrize("key", OTHERWISE)
def test_what_decides_bytes_is_part_of_the_revision_and_nothing_else_is(key, tmp_path):
    (tmp_path / "map.csv").write_text("patient_id\n")
    section = key.partition(".")[0]
    other = {**WRITTEN, section: {**WRITTEN.get(section, {}), **OTHERWISE[key]}}
    before, after = job_from(tmp_path, WRITTEN), job_from(tmp_path, other)
    assert before != after
    differ = content_digest(before, "a") != content_digest(after, "a")
    assert differ == (key in DECIDING)


def on_record(job, key: str) -> str | None:
    ledger = Ledger(load_job(job).ledger)
    try:
        return ledger.get(key)
    finally:
        ledger.close()


def test_waiting_longer_or_sending_elsewhere_leaves_the_revision_as_it_was(tmp_path):
    archive = old_pacs(tmp_path / "old")
    job = tmp_path / "job"
    with NewPacs(tmp_path / "new") as target:
        init(job, archive.dump, archive.storage, str(target))
        assert pacslift("run", job).exit_code == 0
        revision, planned = on_record(job, "revision"), on_record(job, "planned")
        written = load_job(job).revised
        tune(job, busy_waits=[9.0], lost_waits=[], response_timeout=600.0)
        assert pacslift("run", job).exit_code == 0
        assert on_record(job, "planned") == planned
        assert on_record(job, "revision") == revision
        tune(job, host="localhost")
        assert pacslift("run", job).exit_code == 0
        assert on_record(job, "planned") != planned
        assert on_record(job, "revision") == revision
    assert load_job(job).revised == written
    assert status(job)["states"]["verified"] == len(archive.uids)
    assert target.times == dict.fromkeys(archive.uids, 1)
