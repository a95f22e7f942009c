"""Every row of the dump and every file on the disk gets exactly one verdict."""

from dataclasses import dataclass, fields

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from pacslift.errors import Cause
from pacslift.inventory.catalog import SCHEMAS
from pacslift.inventory.compare import PATH, reconcile, tables_by_path
from pacslift.inventory.ranges import Spilled, scratch_folder
from pacslift.inventory.reconcile import DISK, PLACES

NO_ATTACHMENTS = pl.DataFrame(
    schema={"mount": pl.String(), "relative": pl.String(), "kind": pl.String()}
)


def one(key: str, **said) -> dict:
    return {"instance_key": key, "sop_instance_uid": f"1.2.{key}", **said}


def place(key: str, relative: str | None, rank: int = 0, **said) -> dict:
    return {"instance_key": key, "rank": rank, "mount": "/m" if relative else None,
            "relative": relative, "availability": "online", **said}  # fmt: skip


def disk(**sizes: int | None) -> pl.DataFrame:
    rows = [
        {"mount": "/m", "relative": name, "size_on_disk": size or 0,
         "fault": "no permission" if size is None else None}
        for name, size in sizes.items()
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=DISK)


@dataclass(frozen=True)
class Judged:
    instances: pl.DataFrame
    candidates: pl.DataFrame
    files: pl.DataFrame
    chosen: pl.DataFrame


def judge(instances, places, on_disk, attachments=NO_ATTACHMENTS, size=1) -> Judged:
    """The verdicts, worked out about *size* rows at a time."""
    rows = [{"visibility": "live", "series_key": "s", **one} for one in instances]
    catalog = pl.LazyFrame(rows, schema=SCHEMAS["instances"])
    with scratch_folder(None) as scratch:
        where = Spilled(scratch / "places")
        where.add(pl.DataFrame(places, schema=PLACES))
        beside = attachments.lazy()
        found = reconcile(catalog, where, on_disk.lazy(), beside, scratch, size=size)
        return Judged(*(getattr(found, one.name).scan().collect() for one in fields(Judged)))


def causes(found) -> dict[str, str | None]:
    return dict(found.instances.select("instance_key", "cause").iter_rows())


def states(found) -> dict[str, str | None]:
    return dict(found.files.select("relative", "state").iter_rows())


def test_a_row_whose_file_is_there_has_nothing_against_it():
    found = judge([one("1")], [place("1", "a")], disk(a=10))
    assert causes(found) == {"1": None}
    assert states(found) == {"a": "used"}


def test_a_header_apart_is_used_like_its_pixels_and_missed_like_them():
    split = {"container": "split"}
    found = judge(
        [one("1"), one("2"), one("3")],
        [place("1", "a", member="h", **split), place("2", "b", member="gone", **split),
         place("3", "c", **split)],
        disk(a=10, h=20, b=10, c=10),
    )  # fmt: skip
    assert causes(found) == {"1": None, "2": "missing_file", "3": "missing_file"}
    assert states(found) == dict.fromkeys("ahbc", "used")
    assert found.instances["detail"].to_list()[1] == "b: its header gone is not there"
    windows = judge([one("1")], [place("1", "A", member="H", **split)], disk(a=10, h=20))
    assert windows.candidates.select("relative", "member").rows() == [("a", "h")]


def test_a_missing_an_empty_and_an_unreadable_file_are_told_apart():
    found = judge(
        [one("1"), one("2"), one("3")],
        [place("1", "a"), place("2", "b"), place("3", "c")],
        disk(b=0, c=None),
    )
    assert causes(found) == {"1": Cause.MISSING_FILE, "2": Cause.EMPTY_FILE, "3": Cause.UNREADABLE}


def test_a_file_of_another_size_than_the_database_says_is_not_taken():
    found = judge([one("1")], [place("1", "a", size_bytes=11)], disk(a=10))
    assert causes(found) == {"1": Cause.SIZE_DIFFERS}


def test_the_next_copy_is_taken_when_the_first_is_gone():
    found = judge([one("1")], [place("1", "a"), place("1", "b", rank=1)], disk(b=10))
    assert causes(found) == {"1": None}
    assert found.candidates["relative"].to_list() == ["b"]


def test_a_spare_copy_is_accounted_for():
    found = judge([one("1")], [place("1", "a"), place("1", "b", rank=1)], disk(a=10, b=10))
    assert states(found) == {"a": "used", "b": "spare_copy"}


def test_a_root_that_was_not_copied_says_nothing_while_the_first_copy_is_good():
    mirror = place("1", None, rank=1, cause=Cause.ROOT_NOT_MOUNTED, detail="MIRROR0")
    assert causes(judge([one("1")], [place("1", "a"), mirror], disk(a=10))) == {"1": None}


def test_the_first_copy_is_blamed_when_none_is_good():
    mirror = place("1", None, rank=1, cause=Cause.ROOT_NOT_MOUNTED, detail="MIRROR0")
    found = judge([one("1")], [place("1", "a"), mirror], disk(z=1))
    assert causes(found) == {"1": Cause.MISSING_FILE}


def test_a_file_is_used_where_a_live_row_names_it_beside_a_deleted_one():
    rows = [one("1", visibility="deleted"), one("2")]
    found = judge(rows, [place("1", "a"), place("2", "a")], disk(a=10))
    assert states(found) == {"a": "used"}


def test_a_hidden_row_is_not_sent_but_owns_its_file():
    found = judge([one("1", visibility="hidden")], [place("1", "a")], disk(a=10))
    assert causes(found) == {"1": Cause.HIDDEN}
    assert states(found) == {"a": "withheld"}


def test_a_row_without_a_file_row_and_one_without_a_uid_are_named():
    found = judge([one("1"), one("2", sop_instance_uid="")], [place("2", "a")], disk(a=1))
    assert causes(found) == {"1": Cause.NO_FILE_ROW, "2": Cause.IDENTITY_MISSING}


def test_a_path_that_differs_in_case_only_finds_its_file():
    found = judge([one("1")], [place("1", "Data/IM1")], disk(**{"data/im1": 10}))
    assert causes(found) == {"1": None}
    assert found.candidates["relative"].to_list() == ["data/im1"]


def test_a_path_that_differs_in_case_is_left_alone_where_two_files_would_fit():
    found = judge([one("1")], [place("1", "IM1")], disk(im1=10, Im1=10))
    assert causes(found) == {"1": Cause.MISSING_FILE}


def test_an_attachment_is_no_orphan_and_an_orphan_is_left_to_be_looked_into():
    beside = pl.DataFrame([{"mount": "/m", "relative": "j", "kind": "3"}])
    found = judge([one("1")], [place("1", "a")], disk(a=1, j=1, o=1), beside)
    assert states(found) == {"a": "used", "j": "attachment", "o": None}


def test_rows_with_one_uid_are_found_only_among_those_that_could_be_sent():
    rows = [one("1", sop_instance_uid="1.9"), one("2", sop_instance_uid="1.9"),
            one("3", sop_instance_uid="1.9")]  # fmt: skip
    found = judge(rows, [place("1", "a"), place("2", "b"), place("3", "c")], disk(a=1, b=1))
    assert found.chosen["instance_key"].to_list() == ["1", "2"]


names = st.sampled_from("abcdef")


@given(
    rows=st.dictionaries(st.sampled_from("123456"), st.lists(names, max_size=3)),
    sizes=st.dictionaries(names, st.none() | st.integers(0, 3)),
)
def test_rows_in_are_rows_out_and_files_in_are_files_out(rows, sizes):
    places = [place(key, name, rank) for key, found in rows.items()
              for rank, name in enumerate(found)]  # fmt: skip
    found = judge([one(key) for key in rows], places, disk(**sizes))
    assert sorted(found.instances["instance_key"]) == sorted(rows)
    assert sorted(found.files["relative"]) == sorted(sizes)
    sendable = found.instances.filter(pl.col("cause").is_null())["instance_key"]
    assert set(sendable) == set(found.candidates["instance_key"])


def all_of(judged: Judged) -> dict[str, list[tuple]]:
    """All verdicts, in an order that does not hang on how they were worked out."""
    frames = {one.name: getattr(judged, one.name) for one in fields(Judged)}
    return {name: frame.sort(pl.all()).rows() for name, frame in frames.items()}


spelt = st.sampled_from(["a", "A", "b", "f/c", "F/c", "d"])
one_place = st.fixed_dictionaries({
    "relative": spelt,
    "container": st.sampled_from([None, "part10", "split"]),
    "member": st.none() | spelt,
    "size_bytes": st.none() | st.integers(1, 2),
    "availability": st.sampled_from(["online", "offline"]),
})  # fmt: skip


@given(
    rows=st.dictionaries(
        st.sampled_from("123456"),
        st.tuples(
            st.sampled_from(["live", "live", "hidden"]),
            st.sampled_from(["1.1", "1.2", "1.3"]),
            st.lists(one_place, max_size=2),
        ),
    ),
    sizes=st.dictionaries(spelt, st.none() | st.integers(0, 2)),
    beside=st.lists(spelt, max_size=2, unique=True),
)
def test_verdicts_do_not_hang_on_how_many_rows_are_held_at_a_time(rows, sizes, beside):
    instances = [
        one(key, visibility=shown, sop_instance_uid=uid) for key, (shown, uid, _) in rows.items()
    ]
    places = [
        place(key, rank=rank, **said)
        for key, (_, _, copies) in rows.items()
        for rank, said in enumerate(copies)
    ]
    named = [{"mount": "/m", "relative": path, "kind": "3"} for path in beside]
    attachments = pl.DataFrame(named, schema=NO_ATTACHMENTS.schema)
    whole = all_of(judge(instances, places, disk(**sizes), attachments, size=None))
    for size in (1, 7):
        assert all_of(judge(instances, places, disk(**sizes), attachments, size=size)) == whole


def test_an_attachment_inside_a_container_is_met_where_its_container_is(tmp_path):
    inside = pl.LazyFrame([{"mount": "/m", "relative": "A!b.tar!e", "kind": "3"}])
    places = Spilled(tmp_path / "places")
    places.add(pl.DataFrame(schema=PLACES))
    beside = tables_by_path(places, disk().lazy(), inside)["beside"].collect()
    assert beside["relative"].to_list() == ["A!b.tar!e"] * 2
    assert beside[PATH].to_list() == ["a", "a!b.tar"]
