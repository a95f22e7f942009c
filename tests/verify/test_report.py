"""What a hospital reads at the end: complete, self-contained, without patient data or tricks."""

import csv
import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacslift.errors import Cause
from pacslift.ledger import FileState, InstanceState
from pacslift.verify.account import account_of
from pacslift.verify.report import (
    MOST_SHOWN,
    ExceptionRow,
    Ran,
    RefusedContext,
    ReportData,
    StudyRow,
    guarded,
    write_report,
)

RAN = Ran("0.1.0", "/srv/job", "abc", "orthanc", "SQLite", "NEW@host:104")
NASTY = "<script>alert('x')</script>&\"{{ 7*7 }}"


def an_account(**changes):
    facts = {
        "instances": 3,
        "states": {"verified": 2, "set_aside": 1},
        "files": 4,
        "file_states": {"used": 3, "orphan": 1},
        "causes": {"missing_file": 1},
    }
    return account_of(**(facts | changes))


def an_exception(n: int = 1, **changes) -> ExceptionRow:
    facts = {
        "instance_key": f"row {n}",
        "sop_instance_uid": f"1.2.{n}",
        "study_instance_uid": "1.2",
        "state": "set_aside",
        "cause": "missing_file",
        "detail": "no file",
        "file": "a/b",
    }
    return ExceptionRow(**(facts | changes))


def report(folder, data=None, exceptions=(), studies=()) -> str:
    data = data or ReportData(an_account(), RAN)
    return write_report(folder, data, exceptions, studies).read_text(encoding="utf-8")


def test_an_incomplete_dump_is_what_the_page_begins_with(tmp_path):
    sentence = "INCOMPLETE DUMP: index.sql ends early, in table a after row 2."
    data = ReportData(an_account(), RAN, findings=[("extract", "odd")], cuts=[sentence])
    page = report(tmp_path, data)
    assert page.index(sentence) < page.index(data.account.headline)
    assert "The dump is incomplete" not in report(tmp_path)


class Page(HTMLParser):
    """The tags of a page and what they refer to, checking that each is closed."""

    VOID = frozenset({"meta", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.references: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.references += [v or "" for k, v in attrs if k in {"src", "href", "data", "action"}]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


def test_the_page_needs_nothing_but_itself(tmp_path):
    text = report(tmp_path, exceptions=[an_exception()])
    page = Page(text)
    assert page.open == []
    assert page.references == []
    assert "script" not in page.tags
    assert not re.search(r"url\(|@import|https?://", text)


@pytest.mark.parametrize("state", [*InstanceState, *FileState])
def test_every_state_has_a_colour_of_its_bar(tmp_path, state):
    assert re.search(rf"--{state.value}: #[0-9a-f]{{6}};", report(tmp_path))


def test_the_balance_sheet_comes_first_with_sums(tmp_path):
    text = Page(report(tmp_path)).text
    assert text.index("Balance sheet: balanced") < text.index("by cause")
    assert "Each of the 3 instance rows of the dump and each of the 4 files" in text
    assert text.count("✓ equal") == 2


def test_an_account_that_does_not_balance_says_so_and_what_it_means(tmp_path):
    text = Page(report(tmp_path, ReportData(an_account(instances=5), RAN))).text
    assert "Balance sheet: not balanced" in text
    assert "Do not retire the old archive" in text
    assert "✗ differs" in text


def test_a_target_that_cannot_be_asked_is_named(tmp_path):
    account = an_account(no_verification="it does not accept C-FIND")
    text = Page(report(tmp_path, ReportData(account, RAN))).text
    assert "Verification was not possible: it does not accept C-FIND." in text


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_is_explained_on_the_page(tmp_path, cause):
    account = an_account(causes={cause.value: 1})
    assert "what to do" in Page(report(tmp_path, ReportData(account, RAN))).text


def test_nothing_in_the_job_can_put_markup_on_the_page(tmp_path):
    ran = Ran(NASTY, NASTY, NASTY, NASTY, NASTY, NASTY, NASTY, NASTY, NASTY)
    data = ReportData(
        an_account(causes={NASTY: 1}, no_verification=NASTY),
        ran,
        [RefusedContext(NASTY, NASTY, 1)],
        [(NASTY, NASTY)],
    )
    rows = [ExceptionRow(*[NASTY] * 7)]
    page = Page(report(tmp_path, data, rows, [StudyRow(NASTY, 1, 1, 1)]))
    assert "script" not in page.tags
    assert page.open == []
    assert "49" not in page.text


def test_the_page_shows_a_part_of_many_exceptions_and_the_file_has_them_all(tmp_path):
    many = MOST_SHOWN + 50
    text = report(
        tmp_path,
        exceptions=(an_exception(n) for n in range(many)),
        studies=(StudyRow(f"1.{n}", 1, 1, 1) for n in range(many)),
    )
    assert text.count("no file</span>") == MOST_SHOWN
    assert f"{many:,} in exceptions.csv ; the first {MOST_SHOWN}" in Page(text).text
    assert len(read(tmp_path / "exceptions.csv")) == many
    assert len(read(tmp_path / "studies.csv")) == many


def read(path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def test_the_exceptions_are_rfc_4180(tmp_path):
    report(tmp_path, exceptions=[an_exception(detail='said "no",\nthen hung up')])
    raw = (tmp_path / "exceptions.csv").read_bytes()
    heading = b"instance_key,sop_instance_uid,study_instance_uid,state,cause,detail,file\r\n"
    assert raw.startswith(heading)
    assert raw.endswith(b'"said ""no"",\nthen hung up",a/b\r\n')


@given(st.text(max_size=20))
def test_no_cell_is_a_formula_and_none_is_lost(text):
    cell = guarded(text)
    assert isinstance(cell, str)
    assert cell.endswith(text)
    assert not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r"))


def test_a_path_that_is_no_text_does_not_stop_the_report(tmp_path):
    text = report(tmp_path, exceptions=[an_exception(file="caf\udce9.dcm")])
    assert "caf\\udce9.dcm" in text
    assert read(tmp_path / "exceptions.csv")[0]["file"] == "caf\\udce9.dcm"


def test_the_account_is_written_for_machines_too(tmp_path):
    report(tmp_path)
    assert json.loads((tmp_path / "account.json").read_text()) == an_account().as_dict()


def test_a_report_that_fails_leaves_the_old_one_as_it_was(tmp_path):
    before = report(tmp_path, exceptions=[an_exception()])
    kept = (tmp_path / "exceptions.csv").read_bytes()

    def broken():
        yield an_exception(2)
        raise OSError("the ledger is gone")

    with pytest.raises(OSError, match="ledger"):
        report(tmp_path, exceptions=broken())
    assert (tmp_path / "exceptions.csv").read_bytes() == kept
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == before
    assert len(list(tmp_path.iterdir())) == 4


def test_the_same_values_give_the_same_bytes(tmp_path):
    assert report(tmp_path / "a") == report(tmp_path / "b")


def test_what_ran_is_named_with_its_rate(tmp_path):
    ran = Ran(
        "0.1.0",
        "/srv/job",
        "3f9c",
        "dcm4chee-2",
        "mysqldump",
        "NEW@host:104",
        server="MariaDB 10.11",
        bytes_sent=50_000_000,
        seconds_sending=10,
        instances_sent=1000,
    )
    text = Page(report(tmp_path, ReportData(an_account(), ran))).text
    for fact in ("0.1.0", "3f9c", "dcm4chee-2", "mysqldump, MariaDB 10.11", "NEW@host:104"):
        assert fact in text
    assert "5.0 MB/s, 100.0 instances/s" in text
