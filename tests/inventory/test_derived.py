"""Objects that never had a UID get one that follows from what the database calls them."""

import re

import polars as pl

from pacslift.inventory.derived import derived_uid, with_derived_uids

SERIES = pl.DataFrame({"series_key": ["s", "lost"], "study_key": ["t", "u"],
                       "series_instance_uid": ["1.2.3.1", "1.2.4.1"]})  # fmt: skip
STUDIES = pl.DataFrame({"study_key": ["t", "u"], "study_instance_uid": ["1.2.3", None]})


def uids(*instances: tuple[str, str, str | None, str]) -> list[str | None]:
    """Key, series, UID and container in; UIDs out."""
    names = ("instance_key", "series_key", "sop_instance_uid")
    schema = dict.fromkeys(names, pl.String())
    rows = pl.DataFrame([one[:3] for one in instances], orient="row", schema=schema)
    files = pl.DataFrame([(one[0], one[3]) for one in instances], orient="row",
                         schema=["instance_key", "container"])  # fmt: skip
    made = with_derived_uids(rows, SERIES, STUDIES, files)
    assert made.columns == rows.columns
    assert made["instance_key"].to_list() == rows["instance_key"].to_list()
    return made["sop_instance_uid"].to_list()


def test_only_pixels_without_a_uid_get_one():
    found = uids(("1", "s", None, "pixels"), ("2", "s", "1.2.9", "pixels"),
                 ("3", "s", None, "part10"), ("4", "s", "", "pixels"),
                 ("5", "s", None, "split"))  # fmt: skip
    assert found[1:3] == ["1.2.9", None]
    assert found[4] is None, "its header may have one"
    assert len({found[0], found[3]}) == 2
    assert all(re.fullmatch(r"2\.25\.[1-9][0-9]{30,38}", uid) for uid in (found[0], found[3]))


def test_one_of_a_study_that_nobody_can_tell_from_others_stays_without():
    assert uids(("1", "lost", None, "pixels"), ("2", "nowhere", None, "pixels")) == [None, None]


def test_the_uid_of_a_key_is_the_same_for_ever_and_another_at_another_site():
    assert derived_uid("1.2.3", "1.2.3.1", "17") == "2.25.184056527964971194595966195463509665194"
    assert derived_uid("1.2.3", "1.2.3.1", "17") != derived_uid("1.9.3", "1.9.3.1", "17")
