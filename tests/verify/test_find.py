"""Asking real and scripted targets what they hold of a study."""

import threading
from contextlib import contextmanager

import pytest
from find_peer import PENDING, FindPeer, rows
from pydicom import Dataset
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag
from pynetdicom.sop_class import CTImageStorage, Verification

from pacslift.errors import TargetLostError, TargetRejectedError, TargetUnreachableError
from pacslift.job import TargetAddress
from pacslift.verify.find import Finder, NoVerification, open_finder
from pacslift.verify.findscu import FindTimeouts
from pacslift.verify.identity import StudyIdentity
from pacslift.verify.match import Expected, FoundInstance, Sign, match_study
from pacslift.verify.query import identifier, row_of
from servers import free_port, run_dcmqrscp

QUICK = FindTimeouts(connect=2, association=2, response=1, reconnect=())
STUDY, SERIES = "1.2.1", "1.2.2"


def an_instance(sop="1.2.3", series=SERIES, study=STUDY, patient="P1") -> Expected:
    return Expected(f"key {sop}", sop, study, series, patient)


def well_behaved(keys):
    """A target that holds two instances, one series, and knows no lists of UIDs."""
    above = {"StudyInstanceUID": STUDY, "SeriesInstanceUID": SERIES}
    match keys["QueryRetrieveLevel"]:
        case "STUDY":
            return rows({"StudyInstanceUID": STUDY, "PatientID": "P1"})
        case "SERIES":
            return rows(above)
    held = ["1.2.3", "1.2.4"]
    wanted = keys["SOPInstanceUID"]
    return rows(*[{**above, "SOPInstanceUID": uid} for uid in held if wanted in {"", uid}])


@contextmanager
def finder_of(peer: FindPeer):
    finder = open_finder(peer.address, QUICK)
    assert isinstance(finder, Finder)
    with finder:
        yield finder


def ask(script, *expected: Expected):
    """What a finder finds at a peer with *script*, and the peer."""
    with FindPeer(script).running() as peer, finder_of(peer) as finder:
        return finder.study(STUDY, expected or [an_instance()]), peer


def uids(found) -> list[str]:
    return sorted(instance.sop_instance_uid for instance in found.instances)


# the usual case


def test_a_study_is_proved_by_three_queries_on_one_association():
    found, peer = ask(well_behaved, an_instance("1.2.3"), an_instance("1.2.4"))
    assert uids(found) == ["1.2.3", "1.2.4"]
    assert {i.patient_id for i in found.instances} == {"P1"}
    assert [q["QueryRetrieveLevel"] for q in peer.asked] == ["STUDY", "SERIES", "IMAGE"]
    assert peer.associations == 1
    assert (found.doubts, found.notes) == ({}, ())


def test_many_studies_share_one_association():
    with FindPeer(well_behaved).running() as peer, finder_of(peer) as finder:
        for _ in range(5):
            assert uids(finder.study(STUDY, [an_instance()])) == ["1.2.3", "1.2.4"]
    assert peer.associations == 1


def test_a_name_is_asked_for_once_a_study_and_never_for_an_instance():
    _found, peer = ask(well_behaved, *(an_instance(f"1.2.{n}") for n in range(3, 9)))
    assert ["PatientName" in query for query in peer.asked] == [
        query["QueryRetrieveLevel"] == "STUDY" for query in peer.asked
    ]


@pytest.mark.parametrize(
    ("charset", "value", "name"),
    [
        (None, b"Verborgen^Gerda ", "Verborgen^Gerda"),
        (b"ISO_IR 192", "Müller^Jörg".encode(), "Müller^Jörg"),
        (b"ISO_IR 100", b"M\xfcller^J\xf6rg", "Müller^Jörg"),
        (
            b"\\ISO 2022 IR 87",
            b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B",
            "Yamada^Tarou=山田^太郎",
        ),
    ],
)
def test_what_a_study_is_said_to_be_is_read_by_the_answers_character_set(charset, value, name):
    answer = Dataset()
    if charset is not None:
        answer[0x00080005] = RawDataElement(
            Tag(0x00080005), "CS", len(charset), charset, 0, False, True
        )
    answer[0x00100010] = RawDataElement(Tag(0x00100010), "PN", len(value), value, 0, False, True)
    assert row_of(answer).identity == StudyIdentity(patient_name=name)


# targets with peculiarities


def test_an_instance_that_the_list_leaves_out_is_asked_for_by_name():
    def cut_short(keys):
        reply = well_behaved(keys)
        by_list = keys["QueryRetrieveLevel"] == "IMAGE" and not keys["SOPInstanceUID"]
        return [reply[0], reply[-1]] if by_list else reply

    found, _peer = ask(cut_short, an_instance("1.2.3"), an_instance("1.2.4"))
    assert uids(found) == ["1.2.3", "1.2.4"]


def test_a_target_that_knows_no_lists_of_uids_is_asked_one_by_one():
    def lists_nothing(keys):
        reply = well_behaved(keys)
        by_list = keys["QueryRetrieveLevel"] == "IMAGE" and not keys["SOPInstanceUID"]
        return reply[-1:] if by_list else reply

    found, peer = ask(lists_nothing, an_instance("1.2.3"), an_instance("1.2.4"))
    assert uids(found) == ["1.2.3", "1.2.4"]
    named = [q["SOPInstanceUID"] for q in peer.asked if q.get("SOPInstanceUID")]
    assert named == ["1.2.3\\1.2.4", "1.2.3", "1.2.4"]


def test_a_study_that_cannot_be_found_as_such_is_still_found_by_its_series():
    def blind(keys):
        return rows() if keys["QueryRetrieveLevel"] == "STUDY" else well_behaved(keys)

    found, _peer = ask(blind)
    assert "1.2.3" in uids(found)
    assert next(iter(found.instances)).patient_id is None


def test_an_instance_in_another_study_is_found_there():
    def moved(keys):
        if keys["QueryRetrieveLevel"] == "IMAGE" and not keys.get("StudyInstanceUID"):
            return rows({"SOPInstanceUID": "1.2.3", "StudyInstanceUID": "1.9", "PatientID": "P1"})
        return rows()

    found, _peer = ask(moved)
    assert found.instances == {FoundInstance("1.2.3", None, "1.9", "P1")}
    (verdict,) = match_study([an_instance()], found).verdicts
    assert verdict.sign is Sign.DIFFERS


def test_answers_that_come_twice_count_once():
    def twice(keys):
        reply = well_behaved(keys)
        return reply[:-1] + reply

    found, _peer = ask(twice)
    assert uids(found) == ["1.2.3", "1.2.4"]


def test_counts_that_are_higher_than_the_list_become_a_note():
    def counting(keys):
        if keys["QueryRetrieveLevel"] == "STUDY":
            count = {"NumberOfStudyRelatedInstances": "7"}
            return rows({"StudyInstanceUID": STUDY, "PatientID": "P1", **count})
        return well_behaved(keys)

    found, _peer = ask(counting)
    assert found.notes == ("the target counts 7 instances and lists 2",)


def test_answers_about_another_study_are_not_taken_for_this_one():
    def prefixes(keys):
        other = {"StudyInstanceUID": STUDY + "9", "SeriesInstanceUID": SERIES, "PatientID": "P2"}
        reply = well_behaved(keys)
        return rows({**other, "SOPInstanceUID": keys.get("SOPInstanceUID") or "1.2.5"})[:1] + reply

    found, peer = ask(prefixes, an_instance("1.2.3"))
    assert found.instances == {
        FoundInstance("1.2.3", SERIES, STUDY, "P1"),
        FoundInstance("1.2.4", SERIES, STUDY, "P1"),
    }
    assert [q["QueryRetrieveLevel"] for q in peer.asked] == ["STUDY", "SERIES", "IMAGE"]
    assert found.notes == ()


def test_an_answer_without_its_uid_is_noted_and_not_counted():
    def nameless(keys):
        reply = well_behaved(keys)
        if keys["QueryRetrieveLevel"] == "IMAGE":
            reply.insert(0, (PENDING, identifier("IMAGE", {"InstanceNumber": "1"})))
        return reply

    found, _peer = ask(nameless)
    assert uids(found) == ["1.2.3", "1.2.4"]
    assert found.notes == ("the target gave an answer at IMAGE level without SOP Instance UID",)


# targets in trouble


@pytest.mark.parametrize("status", [0xA700, 0xA900, 0xC001, 0xFE00, 0x0122, 0xB123])
def test_a_query_that_fails_leaves_an_instance_in_doubt_and_not_missing(status):
    found, _peer = ask(lambda _keys: [(status, None)])
    assert f"0x{status:04X}" in found.doubts["1.2.3"]
    (verdict,) = match_study([an_instance()], found).verdicts
    assert (verdict.sign, verdict.state) == (Sign.UNKNOWN, None)


def test_what_came_before_a_failure_counts():
    def breaks_off(keys):
        return [*well_behaved(keys)[:-1], (0xA700, None)]

    found, _peer = ask(breaks_off)
    assert "1.2.3" in uids(found)
    assert found.doubts == {}
    assert len(found.notes) == 3


def test_a_query_that_gets_no_answer_is_put_again_on_a_fresh_association():
    failures = iter([True, True, False])

    def hangs_up(keys):
        lost = keys["QueryRetrieveLevel"] == "SERIES" and next(failures, False)
        return None if lost else well_behaved(keys)

    found, peer = ask(hangs_up)
    assert "1.2.3" in uids(found)
    assert peer.associations == 3
    assert found.notes == ()


def test_a_query_that_hangs_is_given_up_and_put_again():
    released = threading.Event()
    hangs = iter([True])

    def hanging(keys):
        if keys["QueryRetrieveLevel"] == "SERIES" and next(hangs, False):
            released.wait(10)
        return well_behaved(keys)

    with FindPeer(hanging).running() as peer, finder_of(peer) as finder:
        found = finder.study(STUDY, [an_instance()])
        released.set()
    assert "1.2.3" in uids(found)
    assert peer.associations == 2


def test_one_question_that_always_fails_spoils_only_its_study():
    def refuses_series(keys):
        return None if keys["QueryRetrieveLevel"] == "SERIES" else well_behaved(keys)

    found, _peer = ask(refuses_series)
    assert "1.2.3" in uids(found)
    assert "may not be complete" in found.notes[0]


def test_a_target_that_answers_nothing_any_more_ends_the_stage():
    with (
        FindPeer(lambda _keys: None).running() as peer,
        finder_of(peer) as finder,
        pytest.raises(TargetLostError, match="verify again"),
    ):
        finder.study(STUDY, [an_instance()])


def test_a_target_that_goes_away_ends_the_stage():
    with FindPeer(well_behaved).running() as peer:
        finder = open_finder(peer.address, QUICK)
        assert isinstance(finder, Finder)
    with pytest.raises(TargetLostError, match="takes no association any more"), finder:
        finder.study(STUDY, [an_instance()])


def test_a_target_that_comes_back_in_time_is_asked_again():
    first = FindPeer(well_behaved)
    second = FindPeer(well_behaved)
    with first.running():
        finder = open_finder(first.address, QUICK)
        assert isinstance(finder, Finder)
    with second.running():
        waited: list[float] = []

        def switch(seconds: float) -> None:
            waited.append(seconds)
            finder.address = second.address

        finder.timeouts = FindTimeouts(connect=1, association=2, response=2, reconnect=(7.5,))
        finder.pause = switch
        with finder:
            assert "1.2.3" in uids(finder.study(STUDY, [an_instance()]))
    assert waited == [7.5]


def test_a_lookup_that_a_target_need_not_know_is_dropped_after_its_first_failure():
    def strict(keys):
        if keys["QueryRetrieveLevel"] == "IMAGE" and not keys.get("StudyInstanceUID"):
            return None
        return rows()

    with FindPeer(strict).running() as peer, finder_of(peer) as finder:
        for _ in range(3):
            found = finder.study(STUDY, [an_instance()])
            assert (found.instances, found.doubts) == (frozenset(), {})
    assert sum(not q.get("StudyInstanceUID") for q in peer.asked) == 1


# UIDs as old archives have them


@pytest.mark.parametrize("uid", ["1.02.3", "1.2.3.A", "x" * 70, "1.2.*", "1.2.?"])
def test_a_uid_that_breaks_the_rules_is_asked_for_all_the_same(uid):
    def echo(keys):
        row = {"StudyInstanceUID": STUDY, "SeriesInstanceUID": SERIES, "PatientID": "P1"}
        return rows({**row, "SOPInstanceUID": uid})

    found, _peer = ask(echo, an_instance(uid))
    assert uids(found) == [uid]


def test_a_uid_is_never_a_pattern():
    """A target that takes the star for one finds others, which are not the one asked for."""

    def matching(keys):
        above = {"StudyInstanceUID": STUDY, "SeriesInstanceUID": SERIES, "PatientID": "P1"}
        return rows({**above, "SOPInstanceUID": "1.2.3"})

    found, _peer = ask(matching, an_instance("1.2.*"))
    (verdict,) = match_study([an_instance("1.2.*")], found).verdicts
    assert verdict.sign is Sign.MISSING


@pytest.mark.parametrize("uid", ["", "1.2\\1.3", "1.2.\N{DEGREE SIGN}"])
def test_a_uid_that_no_query_can_carry_is_doubted_and_not_sent(uid):
    found, peer = ask(lambda _keys: rows(), an_instance(uid), an_instance("1.2.3"))
    assert set(found.doubts) == {uid}
    assert not any(uid and uid in query.values() for query in peer.asked)


def test_a_study_that_no_query_can_carry_is_doubted_and_its_objects_asked_for_by_name():
    with FindPeer(lambda _keys: rows()).running() as peer, finder_of(peer) as finder:
        found = finder.study("", [an_instance()])
    assert set(found.doubts) == {"1.2.3"}
    (asked,) = peer.asked
    assert (asked["StudyInstanceUID"], asked["SOPInstanceUID"]) == ("", "1.2.3")


# targets that cannot be asked


def test_a_target_without_query_is_said_to_be_unverifiable():
    with FindPeer(well_behaved).running(Verification) as peer:
        answer = open_finder(peer.address, QUICK)
    assert isinstance(answer, NoVerification)
    assert "cannot be verified" in answer.sentence


def test_a_target_that_takes_neither_query_nor_echo_is_said_to_be_unverifiable():
    with FindPeer(well_behaved).running(CTImageStorage) as peer:
        assert isinstance(open_finder(peer.address, QUICK), NoVerification)


def test_nobody_listening_is_told_apart_from_a_refusal():
    with pytest.raises(TargetUnreachableError, match="check that the target runs"):
        open_finder(TargetAddress("NOBODY", "127.0.0.1", free_port()), QUICK)


def test_a_refused_association_is_told_in_the_words_of_the_standard(tmp_path):
    with (
        run_dcmqrscp(tmp_path) as server,
        pytest.raises(TargetRejectedError, match="called AE title not recognized"),
    ):
        open_finder(TargetAddress("WRONG", "127.0.0.1", server.port), QUICK)
