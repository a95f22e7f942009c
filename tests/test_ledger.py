"""The ledger: what it keeps, what it refuses, and what somebody sees who looks in meanwhile."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite

from pacslift.errors import Cause, LedgerError
from pacslift.ledger import CANDIDATES, CHANGES, FILES, INSTANCES, UNTRIED, Ledger
from pacslift.ledger_tables import CHANGE_LINES, SHARED, Digest
from pacslift.verify.tell import account_now


def instance(position: int, **others) -> dict:
    """A planned instance; its key and its UID follow from its place."""
    return {
        "instance_key": f"k{position}",
        "sop_instance_uid": f"1.2.{position}",
        "position": position,
        "state": "planned",
        **others,
    }


def copy(position: int, rank: int = 0) -> dict:
    key = f"k{position}"
    return {"instance_key": key, "rank": rank, "mount": "/old", "relative": f"{key}.{rank}"}


def file(position: int, state: str = "used") -> dict:
    return {"mount": "/old", "relative": f"k{position}.0", "state": state}


def planned(ledger: Ledger, *positions: int, **others) -> None:
    """A plan of these instances, each with one copy."""
    ledger.replan(
        [[instance(position, **others) for position in positions]],
        [[copy(position) for position in positions]],
        [[file(position) for position in positions]],
        {"instances": len(positions), "files": len(positions)},
    )


def states(ledger: Ledger) -> dict[str, str]:
    return {row["instance_key"]: row["state"] for row in ledger.rows(sa.select(INSTANCES))}


def test_only_its_owner_can_read_the_ledger(tmp_path):
    Ledger(tmp_path / "ledger.db").close()
    assert (tmp_path / "ledger.db").stat().st_mode & 0o077 == 0


def test_what_was_put_is_there_until_it_is_forgotten(ledger):
    ledger.put("adapter", "orthanc")
    ledger.put("adapter", "conquest")
    assert ledger.get("adapter") == "conquest"
    ledger.forget("adapter", "never put")
    assert ledger.get("adapter") is None


def test_no_instance_can_be_in_a_state_that_is_not_on_the_list(ledger):
    planned(ledger, 1)
    with pytest.raises(sa.exc.IntegrityError, match=r"(?i)check"):
        ledger.record([{"instance_key": "k1", "state": "lost"}])
    assert states(ledger) == {"k1": "planned"}


def test_no_file_can_be_in_a_state_that_is_not_on_the_list(ledger):
    with pytest.raises(sa.exc.IntegrityError, match=r"(?i)check"):
        ledger.replan([], [], [[file(1, "mislaid")]], {})
    assert ledger.counts(FILES, "state") == {}


def test_a_ledger_of_another_version_is_left_alone(ledger, place):
    ledger.put("schema_version", "99")
    with pytest.raises(LedgerError, match=r"ledger .* has schema version 99, this pacslift .* 5"):
        Ledger(place)
    assert ledger.get("schema_version") == "99"


def test_a_ledger_that_another_program_holds_says_so(tmp_path):
    with (
        closing(Ledger(tmp_path / "ledger.db")) as ledger,
        closing(sqlite3.connect(tmp_path / "ledger.db")) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        with ledger._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout=1")
        with pytest.raises(LedgerError, match="end the other program that holds it"):
            ledger.put("adapter", "orthanc")


# ---------------------------------------------------------------------------------------------
# Plans


@pytest.mark.parametrize("state", ["stored", "stored_changed", "verified"])
def test_what_the_target_holds_stays_when_the_job_is_planned_again(state, ledger):
    planned(ledger, 1, 2)
    ledger.record([{"instance_key": "k1", "state": state, "digest": "abc"}])
    planned(ledger, 1, 2, study_date="20140310")
    assert states(ledger) == {"k1": state, "k2": "planned"}
    kept = next(row for row in ledger.rows(sa.select(INSTANCES)) if row["instance_key"] == "k1")
    assert (kept["digest"], kept["study_date"]) == ("abc", None)


def test_what_the_new_plan_no_longer_has_is_dropped_only_if_it_was_not_sent(ledger):
    planned(ledger, 1, 2, 3)
    ledger.record([{"instance_key": "k1", "state": "stored"}])
    planned(ledger, 3)
    assert states(ledger) == {"k1": "stored", "k3": "planned"}


def test_a_plan_that_fails_half_way_leaves_the_one_before(ledger):
    planned(ledger, 1, 2)

    def rows() -> Iterator[list[dict]]:
        yield [instance(3)]
        raise RuntimeError("the power fails")

    with pytest.raises(RuntimeError):
        ledger.replan(rows(), [], [], {"instances": 1, "files": 0})
    assert states(ledger) == {"k1": "planned", "k2": "planned"}
    assert ledger.get("instances") == "2"


def test_who_looks_in_while_a_plan_is_made_sees_the_account_in_balance(ledger, place):
    seen = []

    def rows() -> Iterator[list[dict]]:
        for position in range(3):
            yield [instance(position)]
            other = Ledger(place)
            seen.append(account_now(other))
            other.close()

    ledger.replan(rows(), [], [], {"instances": 3, "files": 0})
    assert [(account.balanced, account.instances) for account in seen] == [(True, 0)] * 3
    assert account_now(ledger).instances == 3


def test_an_account_that_is_being_read_does_not_change_on_the_way(ledger, place):
    other = Ledger(place)
    with other.one_moment():
        assert other.count_planned() == 0
        planned(ledger, 1, 2)
        assert other.count_planned() == 0
        assert other.get("instances") is None
    assert other.count_planned() == 2
    other.close()


# ---------------------------------------------------------------------------------------------
# What is still to be sent


@given(st.sets(st.integers(0, 40)).map(sorted), st.sets(st.integers(0, 40)), st.integers(1, 7))
def test_everything_that_is_planned_is_given_once_in_the_order_of_the_plan(
    new_place, positions, stored, page
):
    ledger = Ledger(new_place())
    planned(ledger, *reversed(positions))
    ledger.record([{"instance_key": f"k{nth}", "state": "stored"} for nth in stored])
    given_out = [one.instance_key for one in ledger.planned(page)]
    assert given_out == [f"k{nth}" for nth in positions if nth not in stored]
    ledger.close()


def test_what_was_tried_before_comes_last(ledger):
    planned(ledger, *range(5))
    ledger.record(
        [{"instance_key": f"k{nth}", "state": "planned", "attempts": 3} for nth in (0, 3)]
    )
    given_out = [(one.instance_key, one.attempts) for one in ledger.planned(page=2)]
    assert given_out == [("k1", 0), ("k2", 0), ("k4", 0), ("k0", 3), ("k3", 3)]


def test_instances_of_two_plans_with_one_place_are_all_given_out(ledger):
    ledger.replan([[instance(n) | {"position": n // 3} for n in range(9)]], [], [], {})
    given_out = [one.instance_key for one in ledger.planned(page=2)]
    assert given_out == [f"k{n}" for n in range(9)]


def test_results_that_come_in_between_two_pages_are_not_given_out(ledger):
    planned(ledger, *range(6))
    given_out = []
    for one in ledger.planned(page=2):
        given_out.append(one.instance_key)
        if one.instance_key == "k1":
            ledger.record([{"instance_key": "k3", "state": "stored"}])
    assert given_out == ["k0", "k1", "k2", "k4", "k5"]


def test_the_copies_of_an_object_come_in_their_order_of_rank(ledger):
    ranks = [copy(1, 2), copy(1, 0), copy(2, 0), copy(1, 1)]
    ledger.replan([[instance(1), instance(2)]], [ranks], [], {})
    first, second = ledger.planned()
    assert [c.relative for c in first.candidates] == ["k1.0", "k1.1", "k1.2"]
    assert [c.relative for c in second.candidates] == ["k2.0"]


def test_an_object_whose_copies_have_gone_is_given_out_too_so_that_it_is_not_forgotten(ledger):
    ledger.replan([[instance(nth) for nth in range(4)]], [[copy(0), copy(3)]], [], {})
    given_out = {one.instance_key: len(one.candidates) for one in ledger.planned(page=1)}
    assert given_out == {"k0": 1, "k1": 0, "k2": 0, "k3": 1}


# ---------------------------------------------------------------------------------------------
# What became of it


def failed(position: int, state: str, cause: Cause) -> dict:
    return {"instance_key": f"k{position}", "state": state, "cause": cause, "detail": "x"}


def test_what_failed_for_one_cause_is_planned_again_and_nothing_else(ledger):
    planned(ledger, 1, 2, 3, 4, 5)
    ledger.record(
        [
            failed(1, "failed", Cause.NO_ANSWER),
            failed(2, "failed", Cause.REFUSED_BY_TARGET),
            failed(3, "set_aside", Cause.NO_ANSWER),
            failed(4, "missing_at_target", Cause.NO_ANSWER),
            {"instance_key": "k5", "state": "stored"},
        ]
    )
    assert ledger.reopen(Cause.NO_ANSWER) == 3
    assert states(ledger) == {
        "k1": "planned", "k2": "failed", "k3": "planned", "k4": "planned", "k5": "stored"
    }  # fmt: skip
    causes = {row["instance_key"]: row["cause"] for row in ledger.rows(sa.select(INSTANCES))}
    assert causes == {"k1": None, "k2": "refused_by_target", "k3": None, "k4": None, "k5": None}


def test_what_was_set_aside_without_a_copy_to_read_stays_so(ledger):
    ledger.replan([[instance(1, state="set_aside", cause="missing_file")]], [], [], {})
    assert ledger.reopen(Cause.MISSING_FILE) == 0


def test_the_changes_of_an_object_that_is_sent_again_replace_those_before(ledger):
    planned(ledger, 1)
    result = {"instance_key": "k1", "state": "stored"}
    change = {"instance_key": "k1", "rule": "nki", "keyword": "PixelData"}
    for _ in range(2):
        ledger.record([result], [{**change, "before": None, "after": "decoded"}])
    assert len(list(ledger.rows(sa.select(CHANGES)))) == 1


def test_what_the_target_said_last_about_a_kind_of_object_counts(ledger):
    ledger.learn_contexts({("1.2", "1.3"): False, ("1.2", "1.4"): True})
    ledger.learn_contexts({("1.2", "1.3"): True})
    assert ledger.contexts() == {("1.2", "1.3"): True, ("1.2", "1.4"): True}


def test_text_comes_back_as_it_was_but_for_characters_that_no_server_takes(ledger, place):
    said = "tab\t, line\nend, back\\slash, quote', \\N, Ä漢"
    planned(ledger, 1, detail=said)
    ledger.record(
        [{"instance_key": "k1", "state": "stored", "patient_id": said, "patient_name": "A\0B"}]
    )
    (row,) = ledger.rows(sa.select(INSTANCES))
    assert (row["detail"], row["patient_id"]) == (said, said)
    assert row["patient_name"] == (
        "A\0B" if isinstance(place, Path) else "A\N{REPLACEMENT CHARACTER}B"
    )


def test_an_object_of_more_than_two_gigabytes_is_counted(ledger):
    planned(ledger, 1)
    ledger.record([{"instance_key": "k1", "state": "stored", "bytes": 5_000_000_000}])
    assert ledger.totals()["bytes"] == 5_000_000_000


def test_keys_are_in_the_order_of_their_bytes_whatever_language_the_server_speaks(ledger):
    keys = ["a", "B", "ä", "Z", "1.10", "1.2", "_"]
    rows = [{**instance(nth), "instance_key": key} for nth, key in enumerate(sorted(keys))]
    ledger.replan([rows], [], [], {})
    query = sa.select(INSTANCES.c.instance_key).order_by(INSTANCES.c.instance_key)
    assert [row["instance_key"] for row in ledger.rows(query)] == sorted(keys)


def test_of_some_studies_only_their_instances_are_given_out(ledger):
    studies = ["1.1", "1.2", None, "1.1", "1.3"]
    rows = [instance(nth, study_instance_uid=uid) for nth, uid in enumerate(studies)]
    ledger.replan([rows], [], [], {})
    assert [one.instance_key for one in ledger.planned(studies=["1.1"])] == ["k0", "k3"]
    assert [one.instance_key for one in ledger.planned(studies=["1.2", ""])] == ["k1", "k2"]


def test_totals_count_what_is_at_the_target_and_what_is_in_trouble(ledger):
    planned(ledger, 1, 2, 3, 4)
    ledger.record(
        [
            {"instance_key": "k1", "state": "stored", "bytes": 10},
            {"instance_key": "k2", "state": "verified", "bytes": 20},
            {"instance_key": "k3", "state": "failed", "bytes": 40},
        ]
    )
    assert ledger.totals() == {"stored": 2, "troubled": 1, "bytes": 30}


def test_the_times_of_all_runs_add_up(ledger):
    ledger.add_time("send", 1.5)
    ledger.add_time("send", 2.0)
    assert ledger.get("seconds.send") == "3.5"


# ---------------------------------------------------------------------------------------------
# Versions and overlays

VERSION_4 = Path(__file__).parent / "ledgers" / "version4.sql"  # written by a pacslift of then
ADDED = {  # tables and columns that an older version did not have, by version
    1: (("overlays", "uids", "earlier", "differences"),
        ("overlays", "own_overlay", "issuer_of_patient_id", "patient_name", "patient_birth_date",
         "accession_number", "sent_study_date", "sent_under")),
    2: (("overlays", "uids"), ("overlays", "own_overlay", "issuer_of_patient_id")),
    3: ((), ()),
}  # fmt: skip


def older(path, version: int) -> None:
    """A ledger as an older version of pacslift wrote it."""
    with closing(sqlite3.connect(path)) as database, database:
        database.executescript(VERSION_4.read_text())
        if version in ADDED:
            tables, columns = ADDED[version]
            for table in tables:
                database.execute(f"DROP TABLE {table}")
            for column in columns:
                database.execute(f"ALTER TABLE instances DROP COLUMN {column}")
            database.execute("ALTER TABLE candidates DROP COLUMN member")  # since version 4
        database.execute("UPDATE meta SET value = ? WHERE key = 'schema_version'", [str(version)])


@pytest.mark.parametrize("version", [*ADDED, 4])
def test_an_older_ledger_is_brought_up_to_date_with_its_rows(version, tmp_path):
    older(tmp_path / "ledger.db", version)
    with closing(Ledger(tmp_path / "ledger.db")) as newer:
        assert newer.get("schema_version") == "5"
        assert states(newer) == {
            "k1": "stored", "k2": "verified", "k3": "failed", "k4": "planned"
        }  # fmt: skip
        assert account_now(newer).balanced
        assert account_now(newer).file_states["used"] == 4
        newer.add_overlays([overlay("b")])
        newer.record([{"instance_key": "k4", "overlays": "b"}])
        assert [one.overlays[0].attributes for one in newer.planned()] == ["{}"]
        assert newer.reopen(Cause.NO_ANSWER) == 1


def test_nothing_that_a_ledger_of_version_4_knew_is_lost(tmp_path):
    older(tmp_path / "ledger.db", 4)
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as before:
        before.row_factory = sqlite3.Row
        instances = {r["instance_key"]: dict(r) for r in before.execute("SELECT * FROM instances")}
        changes = [tuple(r) for r in before.execute("SELECT * FROM changes ORDER BY 1, 2")]
        copies = [tuple(r) for r in before.execute("SELECT * FROM candidates ORDER BY 1, 2")]
    with closing(Ledger(tmp_path / "ledger.db")) as newer:
        now = {row["instance_key"]: row for row in newer.rows(sa.select(INSTANCES))}
        for key, row in instances.items():
            assert row.items() <= ({"file": None} | now[key] | {"file": row["file"]}).items()
        assert [now[key]["file"] for key in ("k1", "k2")] == ["k1.0", "k2.1"]
        found = newer.rows(sa.select(CHANGES).order_by(CHANGES.c.instance_key, CHANGES.c.rule))
        assert [tuple(row.values()) for row in found] == changes
        found = newer.rows(
            sa.select(CANDIDATES).order_by(CANDIDATES.c.instance_key, CANDIDATES.c.rank)
        )
        assert [tuple(row.values()) for row in found] == copies


def test_what_instances_have_in_common_is_kept_once(ledger):
    planned(ledger, *range(100), study_instance_uid="1.9", overlays="a b c")
    sent = {"state": "stored", "patient_id": "P1", "sent_under": "first"}
    change = {"rule": "T13", "keyword": "PatientName", "before": None, "after": "A^B"}
    keys = [f"k{nth}" for nth in range(100)]
    ledger.record([{"instance_key": key, **sent} for key in keys],
                  [{"instance_key": key, **change} for key in keys])  # fmt: skip
    assert len(list(ledger.rows(sa.select(SHARED)))) == 2  # as planned, as sent
    assert len(list(ledger.rows(sa.select(CHANGE_LINES)))) == 1
    assert len(list(ledger.rows(sa.select(CHANGES)))) == 100
    seen = {(row["patient_id"], row["study_instance_uid"], row["overlays"], row["sent_under"])
            for row in ledger.rows(sa.select(INSTANCES))}  # fmt: skip
    assert seen == {("P1", "1.9", "a b c", "first")}


DIGESTS = st.one_of(st.text(), st.from_regex(r"(blake3:)?([0-9a-f]{2})*", fullmatch=True))


@given(DIGESTS)
def test_a_digest_is_given_back_as_it_was_whatever_it_is(digest):
    kept = Digest().process_bind_param(digest, sqlite.dialect())
    assert Digest().process_result_value(kept, sqlite.dialect()) == digest


def overlay(key: str, kind: str = "DB", attributes: str = "{}") -> dict:
    return {"overlay_key": key, "kind": kind, "attributes": attributes}


def test_an_instance_comes_with_its_overlays_and_the_mapping_lies_on_top(ledger):
    ledger.add_overlays([overlay("m", "MAP"), overlay("p"), overlay("s"), overlay("f", "FACTS"),
                         overlay("i")])  # fmt: skip
    ledger.add_overlays([overlay("p")])  # once more does no harm
    planned(ledger, 1, overlays="f p m s", own_overlay="i")
    (one,) = ledger.planned()
    assert [laid.kind for laid in one.overlays] == ["FACTS", "DB", "DB", "DB", "MAP"]


def test_an_overlay_that_the_ledger_lost_is_named_and_how_to_get_it_back(ledger):
    planned(ledger, 1, overlays="gone")
    with pytest.raises(LedgerError, match=r"lost the overlay 'gone' of instance k1; .*plan"):
        list(ledger.planned())


def test_what_was_sent_with_other_values_than_the_new_plan_has_is_counted(ledger):
    planned(ledger, 1, 2, 3, overlays="a")
    for key in ("k1", "k2"):
        ledger.record([{"instance_key": key, "state": "verified"}])
    rows = [instance(1, overlays="a"), instance(2, overlays="b"), instance(3, overlays="b")]
    assert ledger.replan([rows], [], [], {}) == 1
    rows = [instance(1, overlays="a", state="set_aside"), instance(2, overlays="a")]
    assert ledger.replan([rows], [], [], {}) == 1


# What went out before


def test_how_an_object_was_sent_is_not_forgotten_when_it_is_planned_anew(ledger):
    planned(ledger, 1, 2)
    sent = {"digest": "abc", "sent_under": "first"}
    ledger.record([{**failed(1, "failed", Cause.NO_ANSWER), **sent}])
    planned(ledger, 1, 2)
    given = {p.instance_key: (p.digest, p.sent_under) for p in ledger.planned()}
    assert given == {"k1": ("abc", "first"), "k2": (None, None)}


def test_planning_one_cause_anew_leaves_the_others_as_they_are(ledger):
    planned(ledger, 1, 2, 3, 4)
    ledger.record(
        [
            failed(1, "failed", Cause.REFUSED_BY_TARGET),
            failed(2, "set_aside", Cause.MISSING_FILE),
            failed(3, "set_aside", Cause.HIDDEN),
        ]
    )
    ledger.replan([[instance(nth) for nth in (1, 2, 3, 4)]], [], [], {}, Cause.MISSING_FILE)
    assert states(ledger) == {"k1": "failed", "k2": "planned", "k3": "set_aside", "k4": "planned"}


def test_a_new_order_is_one_of_what_was_never_tried(ledger):
    planned(ledger, 1, 2, 3, 4, 5)
    ledger.record(
        [
            failed(1, "differs_at_target", Cause.DIFFERS_AT_TARGET),
            failed(2, "set_aside", Cause.MISSING_FILE),
            {"instance_key": "k3", "state": "planned", "attempts": 2},
        ]
    )
    before = states(ledger)
    ledger.replan(
        [[instance(n) | {"position": 9 - n} for n in (1, 2, 3, 4, 5)]], [], [], {}, UNTRIED
    )
    assert states(ledger) == before
    given_out = [(one.instance_key, one.attempts) for one in ledger.planned()]
    assert given_out == [("k5", 0), ("k4", 0), ("k3", 2)]


def test_new_bytes_that_somebody_accepted_are_no_longer_held_against_the_old_ones(ledger):
    planned(ledger, 1)
    before = {"digest": "abc", "sent_under": "first"}
    ledger.record([{**failed(1, "set_aside", Cause.CHANGED_SINCE_SENT), **before}])
    assert ledger.reopen(Cause.CHANGED_SINCE_SENT) == 1
    (again,) = ledger.planned()
    assert (again.digest, again.sent_under) == ("abc", None)
