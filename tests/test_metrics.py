"""What a hospital's monitoring sees of a run."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from clocks import Clock
from pacslift.errors import JobFolderError
from pacslift.events import InstanceSent, StageFinished, StageStarted, WorkersSeen
from pacslift.metrics import WRITE_EVERY, Metrics

STORED = InstanceSent("1.2.3", "stored", None, 1_000_000, 0.1)
FAILED = InstanceSent("1.2.4", "failed", "refused_by_target", 500_000, 0.1)


def read(path):
    """Every sample of the file, by name and labels without the job's."""
    return {
        (sample.name, *sorted(v for k, v in sample.labels.items() if k != "job")): sample.value
        for family in text_string_to_metric_families(path.read_text())
        for sample in family.samples
    }


def test_monitoring_sees_what_was_sent_what_is_left_and_what_the_workers_do(tmp_path):
    clock, path = Clock(), tmp_path / "pacslift.prom"
    metrics = Metrics(path, "old-pacs", clock)
    metrics.tell(StageStarted("send", 40))
    metrics.tell(WorkersSeen({"send-0": "sending", "send-1": "idle"}))
    for _ in range(20):
        clock.now += 1
        metrics.tell(STORED)
    metrics.tell(FAILED)
    metrics.tell(StageFinished("send", "20 stored, 1 not", 20.0))
    seen = read(path)
    assert seen["pacslift_stage_done", "send"] == 21
    assert seen["pacslift_stage_expected", "send"] == 40
    assert seen["pacslift_stage_troubled", "send"] == 1
    assert seen["pacslift_sent_instances", "stored"] == 20
    assert seen["pacslift_sent_instances", "failed"] == 1
    assert seen["pacslift_sent_bytes",] == 20_500_000
    assert seen["pacslift_workers", "sending"] == 1
    assert seen["pacslift_left_seconds", "least"] <= seen["pacslift_left_seconds", "most"]
    assert 'job="old-pacs"' in path.read_text()


def test_the_file_is_written_now_and_then_and_not_for_every_object(tmp_path):
    clock, path = Clock(), tmp_path / "pacslift.prom"
    metrics = Metrics(path, "old-pacs", clock)
    metrics.tell(StageStarted("send", 4000))
    path.unlink()
    metrics.tell(STORED)
    assert not path.exists()
    clock.now += WRITE_EVERY
    metrics.tell(STORED)
    assert read(path)["pacslift_stage_done", "send"] == 2
    assert [entry.name for entry in tmp_path.iterdir()] == ["pacslift.prom"]


@pytest.mark.parametrize("name", ["pacslift.txt", "no-such-folder/pacslift.prom"])
def test_a_place_where_no_metrics_can_lie_is_refused_at_once(tmp_path, name):
    with pytest.raises(JobFolderError, match=r"ends in \.prom"):
        Metrics(tmp_path / name, "old-pacs")


def test_metrics_that_cannot_be_written_are_told_at_the_start(tmp_path):
    (tmp_path / "pacslift.prom").mkdir()
    with pytest.raises(JobFolderError, match="cannot be written"):
        Metrics(tmp_path / "pacslift.prom", "old-pacs")


def test_a_run_goes_on_when_its_metrics_cannot_be_written_for_a_while(tmp_path):
    folder = tmp_path / "textfiles"
    folder.mkdir()
    clock, path = Clock(), folder / "pacslift.prom"
    metrics = Metrics(path, "old-pacs", clock)
    path.unlink()
    folder.rename(tmp_path / "elsewhere")
    metrics.tell(StageFinished("send", "done", 1.0))
    (tmp_path / "elsewhere").rename(folder)
    metrics.tell(StageFinished("verify", "done", 1.0))
    assert path.exists()
