"""What the report says beyond the numbers."""

import sqlalchemy as sa

from pacslift.ledger import Ledger
from pacslift.ledger_history import charsets_of_a_study
from pacslift.verify.tell import charset_findings


def sent(ledger, *objects):
    """Objects as (study, rule, character set), each changed by that rule."""
    rows = [
        {"instance_key": str(n), "sop_instance_uid": str(n), "position": n, "state": "planned",
         "study_instance_uid": study}
        for n, (study, _, _) in enumerate(objects)
    ]  # fmt: skip
    ledger.replan([rows], [], [], {"instances": len(rows), "files": 0})
    changes = [
        {"instance_key": str(n), "rule": rule, "keyword": "SpecificCharacterSet", "before": None,
         "after": after}
        for n, (_, rule, after) in enumerate(objects)
    ]  # fmt: skip
    ledger.record([{"instance_key": row["instance_key"], "state": "stored"} for row in rows],
                  changes)  # fmt: skip


def test_a_study_found_in_two_character_sets_is_named_and_others_are_not(place):
    ledger = Ledger(place)
    sent(
        ledger,
        *[("1.1", "T01", "ISO_IR 100"), ("1.1", "T02", "ISO_IR 192")],
        *[("1.2", "T01", "ISO_IR 100"), ("1.2", "T01", "ISO_IR 100"), ("1.2", "CS1", "ISO_IR 192")],
    )
    (sentence,) = charset_findings(ledger)
    assert "study 1.1:" in sentence
    assert "ISO_IR 100" in sentence
    assert "ISO_IR 192" in sentence
    ledger.close()


def test_of_many_such_studies_the_first_are_named_and_the_rest_counted(place):
    ledger = Ledger(place)
    sent(ledger, *[(f"1.{n // 2}", "T01", f"ISO_IR {100 + n % 2}") for n in range(50)])
    assert charset_findings(ledger)[-1] == "and 5 more such studies"
    ledger.close()


def test_looking_for_them_does_not_read_all_changes(tmp_path):
    ledger = Ledger(tmp_path / "ledger.db")
    query = charsets_of_a_study().compile(compile_kwargs={"literal_binds": True})
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'ledger.db'}")
    with engine.connect() as connection:
        steps = connection.execute(sa.text(f"EXPLAIN QUERY PLAN {query}")).all()
    assert any("change_lines_charset" in str(step) for step in steps)
    ledger.close()
