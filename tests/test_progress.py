"""What a person or a program sees of a run while it goes on."""

import json
import re
from dataclasses import replace
from io import StringIO

import pytest

from clocks import Clock
from pacslift import events
from pacslift.events import (
    AssociationsChanged,
    Elsewhere,
    FilesWalked,
    Finding,
    InstanceSent,
    ObjectsPrepared,
    PaceChanged,
    StageFinished,
    StageStarted,
    Stopped,
    StudyAsked,
    TableRead,
    WorkersSeen,
    fan_out,
    silence,
    to_json_line,
)
from pacslift.progress import LINE_EVERY, Bar, JsonLines, Lines, StageCounts, display, workers_table

STORED = InstanceSent("1.2.3", "stored", None, 1_000_000, 0.1)
REFUSED = InstanceSent("1.2.4", "failed", "refused_by_target", 1_000_000, 0.1)
EVERY_KIND = [
    StageStarted("extract"),
    TableRead("images", 12),
    FilesWalked(7),
    ObjectsPrepared(3, 1),
    STORED,
    WorkersSeen({"send-0": "sending", "send-1": "waiting to try again"}),
    PaceChanged("paused"),
    AssociationsChanged(3, "grow"),
    Elsewhere(3, 40, 2_000_000),
    StudyAsked("1.2", 5, 4),
    Finding("extract", "the dump has a table that nobody knows"),
    StageFinished("extract", "done", 1.0),
    Stopped("the target is not there", 20),
]


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_these_are_all_the_kinds_of_event_there_are():
    assert {type(event) for event in EVERY_KIND} == set(events.Event.__args__)


@pytest.mark.parametrize("event", EVERY_KIND, ids=lambda event: type(event).__name__)
def test_every_event_is_one_line_of_json_with_its_name(event):
    line = to_json_line(event)
    assert "\n" not in line
    said = json.loads(line)
    assert said.pop("event") == type(event).__name__
    assert type(event)(**said) == event


def test_a_stored_object_counts_its_bytes_and_a_refused_one_as_trouble(clock):
    counts = StageCounts(clock)
    counts.start(StageStarted("send", 3))
    assert [counts.count(event) for event in (STORED, STORED, REFUSED)] == [1, 1, 1]
    assert (counts.done, counts.bytes, counts.troubled, counts.expected) == (3, 3_000_000, 1, 3)
    clock.now += 2
    assert counts.rate() == "2/s  1.5 MB/s"


def test_rows_files_and_studies_count_as_what_they_stand_for(clock):
    counts = StageCounts(clock)
    assert counts.count(TableRead("images", 12)) == 12
    counts.start(StageStarted("inventory"))
    assert [counts.count(FilesWalked(n)) for n in (1000, 2500)] == [1000, 1500]
    counts.start(StageStarted("verify", 9))
    assert counts.count(StudyAsked("1.2", 5, 4)) == 5
    assert (counts.done, counts.troubled) == (5, 1)
    clock.now += 1
    assert counts.rate() == "5/s"  # no bytes, no megabytes


def test_a_rate_can_be_asked_for_before_any_time_has_passed(clock):
    counts = StageCounts(clock)
    counts.start(StageStarted("send"))
    counts.count(STORED)
    assert counts.rate().endswith("MB/s")


def test_each_stage_begins_to_count_anew(clock):
    counts = StageCounts(clock)
    counts.start(StageStarted("send", 1))
    counts.count(REFUSED)
    counts.start(StageStarted("verify", 1))
    assert (counts.done, counts.bytes, counts.troubled) == (0, 0, 0)


def test_without_a_terminal_a_line_is_written_now_and_then(clock):
    written = StringIO()
    lines = Lines(written, clock)
    lines.tell(StageStarted("send", 4000))
    for _ in range(30):
        clock.now += 1
        lines.tell(STORED)
    said = written.getvalue().splitlines()
    assert len(said) == 30 / LINE_EVERY
    assert said[0].startswith("send       10 of 4,000 (0.2 %)  1/s  1.0 MB/s  0 in trouble")
    assert said[1].startswith("send       20 of 4,000 (0.5 %)")


def test_a_line_says_how_long_it_will_take_and_what_the_workers_do(clock):
    written = StringIO()
    lines = Lines(written, clock)
    lines.tell(StageStarted("send", 4000))
    lines.tell(WorkersSeen({"send-0": "sending", "send-1": "waiting", "send-2": "sending"}))
    for _ in range(20):
        clock.now += 1
        lines.tell(STORED)
    last = written.getvalue().splitlines()[-1]
    assert last.endswith("0 in trouble  about 1 h 5 min left  workers: 2 sending, 1 waiting")


def test_the_bytes_that_are_left_count_where_they_are_known(clock):
    counts = StageCounts(clock)
    counts.start(StageStarted("send", 40, expected_bytes=100_000_000))
    for _ in range(20):
        clock.now += 1
        counts.count(STORED)
    assert counts.left() == (pytest.approx(20), pytest.approx(80))
    assert counts.share() == "50.0 %"


CLOSED = PaceChanged("closed", "2026-11-23T19:00:00+01:00", "Europe/Berlin", 0, 24)
SLOWED = PaceChanged("slowed", None, "UTC", 3, 24, "slow answers")


def test_that_a_run_is_held_and_until_when_is_said_and_that_it_goes_on(clock):
    written = StringIO()
    lines = Lines(written, clock)
    lines.tell(StageStarted("send", 10))
    for event in (PaceChanged("paused"), CLOSED, SLOWED, PaceChanged("free")):
        lines.tell(event)
    closed = "waits for its window, closed until Mon 2026-11-23 19:00 (Europe/Berlin), then goes on"
    assert [line.removeprefix("send       ") for line in written.getvalue().splitlines()] == [
        "paused; `pacslift pace JOB --resume` goes on",
        closed,
        "slowed to 3 of 24 objects at once, as the target is in trouble: slow answers",
        "goes on",
    ]


def test_beside_the_bar_is_said_why_nothing_moves():
    bar = Bar(StringIO())
    bar.tell(StageStarted("send", 10))
    shown = []
    for event in (CLOSED, PaceChanged("paused"), SLOWED, PaceChanged("free")):
        bar.tell(event)
        bar.live.refresh()
        shown.append(bar._progress.tasks[0].fields["pace"])
    closed = "closed until Mon 2026-11-23 19:00 (Europe/Berlin)"
    assert shown == [closed, "paused", "slowed to 3 of 24 at once", ""]


def test_a_rate_is_that_of_sending_and_not_of_waiting(clock):
    counts = StageCounts(clock)
    counts.start(StageStarted("send"))
    clock.now += 1
    counts.count(STORED)
    clock.now += 3601
    counts.count(PaceChanged("free", held_seconds=3600.0))
    counts.count(STORED)
    assert counts.rate() == "1/s  1.0 MB/s"


def test_the_end_of_a_stage_is_always_written(clock):
    written = StringIO()
    lines = Lines(written, clock)
    lines.tell(StageStarted("plan"))
    lines.tell(StageFinished("plan", "21 instances to send, 3 not", 0.25))
    assert written.getvalue() == "plan       21 instances to send, 3 not  (0.2 s)\n"


def test_a_terminal_keeps_a_line_for_each_stage_that_is_done():
    written = StringIO()
    bar = Bar(written)
    with bar.live:
        for event in EVERY_KIND:
            bar.tell(event)
    assert "extract    done  (1.0 s)" in written.getvalue()


def test_a_terminal_shows_the_share_the_time_left_and_each_worker(clock):
    written = Terminal()
    bar = Bar(written, clock)
    with bar.live:
        bar.tell(StageStarted("send", 4000))
        for _ in range(20):
            clock.now += 1
            bar.tell(replace(STORED, worker="send-0"))
        bar.tell(WorkersSeen({"send-0": "sending", "send-1": "waiting to try again"}))
        bar.live.refresh()
    shown = written.getvalue()
    assert "0.5 %" in shown
    assert "1 h 5 min left" in shown
    assert re.search(r"send-0 +sending +20", shown)
    assert re.search(r"send-1 +waiting to try again +0", shown)


def test_the_bar_of_a_stage_is_gone_when_its_line_stands(clock):
    written = Terminal()
    bar = Bar(written, clock)
    with bar.live:
        bar.tell(StageStarted("plan", 4000))
        bar.live.refresh()
        before = len(written.getvalue())
        bar.tell(StageFinished("plan", "done", 1.0))
        assert "0.0 %" not in written.getvalue()[before:]


def test_many_workers_are_summed_up_in_one_line():
    counts = StageCounts()
    counts.count(WorkersSeen({f"send-{n}": "sending" for n in range(40)}))
    assert workers_table(counts).strip() == "workers: 40 sending"


def test_a_sentence_that_looks_like_markup_is_shown_as_it_is():
    written = StringIO()
    bar = Bar(written)
    with bar.live:
        bar.tell(StageStarted("extract"))
        bar.tell(StageFinished("extract", "read as [bold]orthanc[/bold]", 1.0))
    assert "[bold]orthanc[/bold]" in written.getvalue()


@pytest.mark.parametrize("event", EVERY_KIND, ids=lambda event: type(event).__name__)
def test_no_display_is_upset_by_any_event_at_any_time(event, clock):
    bar = Bar(StringIO())
    for sink in (Lines(StringIO(), clock).tell, bar.tell, JsonLines(StringIO()).tell, silence):
        sink(event)


class Terminal(StringIO):
    """A stream that says it is one."""

    def isatty(self) -> bool:
        return True


def test_the_display_follows_the_stream_and_what_was_asked_for():
    with display(StringIO(), "text") as tell:
        assert isinstance(tell.__self__, Lines)
    with display(Terminal(), "text") as tell:
        assert isinstance(tell.__self__, Bar)
    with display(Terminal(), "json") as tell:
        assert isinstance(tell.__self__, JsonLines)


def test_one_event_can_be_told_to_several():
    first, second = [], []
    fan_out(first.append, second.append)(STORED)
    assert first == second == [STORED]


def test_what_other_machines_sent_counts_and_their_number_is_shown(clock):
    stream = StringIO()
    lines = Lines(stream, clock)
    lines.tell(StageStarted("send", 100))
    clock.now += 20.0
    lines.tell(Elsewhere(3, 40, 2_000_000))
    assert "40 of 100 (40.0 %)  2/s  0.1 MB/s  3 machines" in stream.getvalue()
