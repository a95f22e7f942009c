"""The character set of a study's texts: what one object tells holds for those that say nothing."""

import pickle
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom import dcmread

from jobs import init, pacslift
from newpacs import NewPacs
from oldpacs import OldPacs, old_pacs
from pacslift import flow, sending
from pacslift.events import silence
from pacslift.ledger import Ledger
from pacslift.running import opened
from pacslift.send.load import load

NAME = "Müßig^Jörg"
ASCII_NAME = "MUESSIG^JOERG"
ACME, OTHER = "ACME", "Other Makers"
SCANS = 12  # three objects of each of four studies


def written(path: Path, charset: str, *, declared: bool = False, **texts: str) -> None:
    """Give an object other texts, in a character set that it declares or not."""
    header = dcmread(path)
    header.SpecificCharacterSet = charset
    for keyword, text in texts.items():
        setattr(header, keyword, text)
    header.save_as(path)
    if not declared:
        padded = charset.encode() + b" " * (len(charset) % 2)
        element = b"\x08\x00\x05\x00CS" + len(padded).to_bytes(2, "little") + padded
        content = path.read_bytes()
        assert content.count(element) == 1
        path.write_bytes(content.replace(element, b""))


@pytest.fixture
def archive(tmp_path) -> OldPacs:
    """An old PACS that knows all patients as Müßig^Jörg."""
    archive = old_pacs(tmp_path / "old", slices=SCANS)
    with closing(sqlite3.connect(archive.dump)) as database, database:
        database.execute("UPDATE dicompatients SET patientnam = ?", [NAME])
        database.execute("UPDATE dicomstudies SET studydescr = 'CT', referphysi = 'Zuweiser'")
    for path in archive.files.values():
        written(
            path,
            "ISO_IR 100",
            declared=True,
            PatientName=ASCII_NAME,
            StudyDescription="CT",
            ReferringPhysicianName="Zuweiser",
            Manufacturer=ACME,
        )
    return archive


def study(archive: OldPacs, nth: int) -> list[Path]:
    """The files of the three objects of a study."""
    return list(archive.files.values())[nth::4]


def planned(tmp_path: Path, archive: OldPacs) -> Path:
    """A job that is planned."""
    job = tmp_path / "job"
    made = init(job, archive.dump, archive.storage, "NEW@127.0.0.1:104")
    assert made.exit_code == 0, made.output
    with opened(job, silence) as run:
        flow.extract(run)
        flow.inventory(run)
        flow.plan(run)
    return job


def charsets(job: Path, *, backwards: bool = False) -> dict[str, tuple[str, str]]:
    """By file: the character set that each object gets, and by which rule; only those that do."""
    found = {}
    with opened(job, silence) as run:
        book = sending.order_book(run)
        instances = list(run.ledger.planned())
        for instance in reversed(instances) if backwards else instances:
            outgoing, candidate = load(instance, book)
            with outgoing:
                for change in outgoing.changes:
                    assert change.keyword == "SpecificCharacterSet"
                    found[Path(candidate.relative).name] = change.after, change.rule
    return found


def test_an_object_without_a_telling_text_gets_what_another_of_its_study_shows(tmp_path, archive):
    telling, silent, plain = study(archive, 0)
    written(telling, "ISO_IR 100", PatientName=NAME)
    written(silent, "ISO_IR 100", ProtocolName="Schädel", Manufacturer=OTHER)
    assert charsets(planned(tmp_path, archive)) == {
        telling.name: ("ISO_IR 100", "T01"),
        silent.name: ("ISO_IR 100", "T01"),
    }
    assert plain.name not in charsets(tmp_path / "job")  # plain ASCII needs none


def test_one_study_tells_nothing_of_another(tmp_path, archive):
    written(study(archive, 0)[0], "ISO_IR 100", PatientName=NAME)
    written(study(archive, 1)[0], "ISO_IR 100", ProtocolName="Schädel")
    assert list(charsets(planned(tmp_path, archive))) == [study(archive, 0)[0].name]


def test_an_object_that_declares_what_the_database_confirms_tells_for_one_that_does_not(
    tmp_path, archive
):
    right, silent, _ = study(archive, 0)
    written(right, "ISO_IR 192", declared=True, PatientName=NAME)
    written(silent, "ISO_IR 192", ProtocolName="Schädel")
    assert charsets(planned(tmp_path, archive)) == {silent.name: ("ISO_IR 192", "T01")}


def test_what_two_objects_leave_open_alone_they_tell_together(tmp_path, archive):
    """The name reads alike in Latin 1 and 5; only the other text of each tells one from another."""
    open_, telling, _ = study(archive, 0)
    written(open_, "ISO_IR 148", PatientName=NAME, ProtocolName="Göğüs")
    assert charsets(planned(tmp_path, archive)) == {}  # Latin 1 would make Göðüs of it
    written(telling, "ISO_IR 148", declared=True, PatientName=NAME)
    assert charsets(tmp_path / "job") == {open_.name: ("ISO_IR 148", "T01")}


def test_objects_that_contradict_each_other_tell_nothing_and_are_reported(tmp_path, archive):
    latin, unicode, silent = study(archive, 0)
    written(latin, "ISO_IR 100", PatientName=NAME)
    written(unicode, "ISO_IR 192", PatientName=NAME)
    written(silent, "ISO_IR 100", ProtocolName="Schädel", Manufacturer=OTHER)
    with NewPacs(tmp_path / "new") as target:
        job = tmp_path / "job"
        init(job, archive.dump, archive.storage, str(target))
        assert pacslift("run", job).exit_code == 0
    assert charsets_sent(job) == {
        latin.name: "ISO_IR 100",
        unicode.name: "ISO_IR 192",
    }
    page = (job / "report" / "report.html").read_text()
    assert "the texts of some objects were found to be in ISO_IR 100, of others in ISO_IR 192" in (
        " ".join(page.split())
    )


def charsets_sent(job: Path) -> dict[str, str]:
    with closing(sqlite3.connect(job / "ledger.db")) as ledger:
        rows = ledger.execute(
            'SELECT file, "after" FROM changes JOIN instances USING (instance_key)'
            " WHERE rule = 'T01'"
        ).fetchall()
    return {Path(file).name: after for file, after in rows}


def test_where_devices_write_otherwise_an_object_is_told_by_its_own(tmp_path, archive):
    latin, unicode, silent = study(archive, 0)
    written(latin, "ISO_IR 100", PatientName=NAME, Manufacturer=OTHER)
    written(unicode, "ISO_IR 192", PatientName=NAME)
    written(silent, "ISO_IR 100", ProtocolName="Schädel", Manufacturer=OTHER)
    found = charsets(planned(tmp_path, archive))
    assert found[silent.name] == ("ISO_IR 100", "T01")


def test_a_wrong_declaration_is_a_devices_habit_and_no_other_devices(tmp_path, archive):
    lying, same, other = study(archive, 0)
    for path, more in (
        (lying, {"PatientName": NAME}),
        (same, {}),
        (other, {"Manufacturer": OTHER}),
    ):
        written(path, "ISO_IR 100", declared=True, ProtocolName="Schädel", **more)
        content = path.read_bytes()
        path.write_bytes(content.replace(b"ISO_IR 100", b"ISO_IR 144"))  # says Cyrillic
    assert charsets(planned(tmp_path, archive)) == {
        lying.name: ("ISO_IR 100", "T02"),
        same.name: ("ISO_IR 100", "T02"),
    }


def test_it_does_not_matter_who_asks_first_nor_what_was_sent_before(tmp_path, archive):
    for nth in range(4):
        telling, silent, _ = study(archive, nth)
        charset = ("ISO_IR 100", "ISO_IR 192")[nth % 2]
        written(telling, charset, PatientName=NAME)
        written(silent, charset, ProtocolName="Schädel")
    job = planned(tmp_path, archive)
    forwards = charsets(job)
    assert len(forwards) == 8
    assert charsets(job, backwards=True) == forwards
    with opened(job, silence) as run:
        instances = list(run.ledger.planned())
        run.ledger.record(  # as if all but one object had been sent, some under another UID
            [
                {"instance_key": one.instance_key, "state": "stored", "attempts": 1,
                 "study_instance_uid": f"2.25.{nth}"}
                for nth, one in enumerate(instances[1:])
            ]
        )  # fmt: skip
    ((file, said),) = charsets(job).items() or [(None, None)]
    assert forwards[file] == said


def test_another_process_hears_the_same(tmp_path, archive):
    telling, _, _ = study(archive, 0)
    written(telling, "ISO_IR 100", PatientName=NAME)
    with opened(planned(tmp_path, archive), silence) as run:
        book = sending.order_book(run)
    uid = str(dcmread(telling).StudyInstanceUID)
    said = book.witnesses.testimonies(uid)
    assert said
    there = pickle.loads(pickle.dumps(book))  # noqa: S301 - our own
    assert there.witnesses.testimonies(uid) == said


def test_threads_that_ask_at_once_hear_the_same_and_headers_are_read_once(tmp_path, archive):
    telling, _, _ = study(archive, 0)
    written(telling, "ISO_IR 100", PatientName=NAME)
    job = planned(tmp_path, archive)
    with opened(job, silence) as run:
        book = sending.order_book(run)
    assert book.witnesses is not None
    uid = str(dcmread(telling).StudyInstanceUID)
    heard: list[frozenset] = []
    threads = [
        threading.Thread(target=lambda: heard.append(book.witnesses.testimonies(uid)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(heard) == 8
    assert len({id(one) for one in heard}) == 1
    assert len(heard[0]) == 1


def test_a_witness_that_is_damaged_or_lies_in_a_wrong_place_says_nothing(tmp_path, archive):
    telling, silent, _ = study(archive, 0)
    stranger = study(archive, 1)[0]
    written(telling, "ISO_IR 100", PatientName=NAME)
    written(silent, "ISO_IR 100", ProtocolName="Schädel")
    job = planned(tmp_path, archive)
    assert silent.name in charsets(job)
    written(stranger, "ISO_IR 192", PatientName=NAME)
    telling.write_bytes(stranger.read_bytes())
    with opened(job, silence) as run:
        book = sending.order_book(run)
        assert book.witnesses is not None
        assert not book.witnesses.testimonies(str(dcmread(silent).StudyInstanceUID))
    telling.write_bytes(b"\0" * 100)
    with opened(job, silence) as run:
        assert not sending.order_book(run).witnesses.testimonies(
            str(dcmread(silent).StudyInstanceUID)
        )


def test_studies_whose_texts_in_the_database_are_plain_have_no_witnesses(tmp_path, archive):
    with closing(sqlite3.connect(archive.dump)) as database, database:
        database.execute("UPDATE dicompatients SET patientnam = 'Doe^Jane'")
    job = planned(tmp_path, archive)
    with closing(sqlite3.connect(job / "ledger.db")) as ledger:
        assert ledger.execute("SELECT count(*) FROM witnesses").fetchone() == (0,)


def test_without_a_ledger_each_object_is_judged_alone(tmp_path, archive):
    telling, silent, _ = study(archive, 0)
    written(telling, "ISO_IR 100", PatientName=NAME)
    written(silent, "ISO_IR 100", ProtocolName="Schädel")
    job = planned(tmp_path, archive)
    with opened(job, silence) as run:
        alone = replace(sending.order_book(run), ledger=None)
        changed = 0
        for instance in run.ledger.planned():
            with load(instance, alone)[0] as outgoing:
                changed += len(outgoing.changes)
    assert changed == 1


def test_at_most_so_many_witnesses_are_asked(tmp_path, archive):
    job = planned(tmp_path, archive)
    ledger = Ledger(job / "ledger.db")
    uid = str(dcmread(study(archive, 0)[0]).StudyInstanceUID)
    assert len(ledger.witnesses(uid, 256)) == 3
    assert len(ledger.witnesses(uid, 2)) == 2
    ledger.close()
