from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacslift.errors import DumpDamagedError, DumpFormatError
from pacslift.extract.packed.bytesfrom import Parts, head_of
from pacslift.extract.packed.bytesfrom import file_of as opened_file
from pacslift.extract.packed.parts import (
    all_parts,
    lost_beginning,
    whole_name,
    with_parts,
    without_later_parts,
)
from pacslift.extract.sniff import open_dump
from smalldumps import file_of


def files(folder, names):
    return tuple(file_of(folder, b"x", name) for name in names.split())


SERIES = [
    ("dump.sql.aa dump.sql.ab dump.sql.ac", "dump.sql"),
    ("dump.sql.gz.aa dump.sql.gz.ab", "dump.sql.gz"),
    ("dump.sql.gzaa dump.sql.gzab", "dump.sql.gz"),
    ("xaa xab xac", "x"),
    ("x00 x01 x02", "x"),
    ("dump.00 dump.01", "dump"),
    ("dump.01 dump.02 dump.03", "dump"),
    ("dump.zip.001 dump.zip.002", "dump.zip"),
    ("dump_aaa dump_aab", "dump"),
    ("dump-0000 dump-0001", "dump"),
    ("dump.aa " + " ".join(f"dump.a{c}" for c in "bcdefghijklmnopqrstuvwxyz") + " dump.ba", "dump"),
]


@pytest.mark.parametrize(("names", "whole"), SERIES)
def test_parts_are_found_by_their_names_from_the_first_on(tmp_path, names, whole):
    paths = files(tmp_path, names)
    assert all_parts(paths[0]) == paths
    assert whole_name(paths) == whole
    assert without_later_parts(paths) == paths[:1]
    assert with_parts(paths[:1]) == paths == with_parts(paths)


def made_by_split(digits):
    """Marks as split makes them where it widens: aa … yz zaaa … zyzz zzaaaa."""
    top = digits[-1]
    below = digits[:-1]
    yield from (a + b for a in below for b in digits)
    yield from (top + a + b + c for a in below for b in digits for c in digits)


@pytest.mark.parametrize("digits", ["0123456789", "abcdefghijklmnopqrstuvwxyz"])
def test_marks_that_split_widens_are_followed(tmp_path, digits):
    marks = [mark for mark, _ in zip(made_by_split(digits), range(700), strict=False)]
    paths = tuple(file_of(tmp_path, b"x", f"dump.{mark}") for mark in marks)
    assert all_parts(paths[0]) == paths


def test_marks_of_a_given_width_go_on_to_their_end(tmp_path):
    paths = files(tmp_path, " ".join(f"dump.{i:02}" for i in range(100)))
    assert all_parts(paths[0]) == paths


@pytest.mark.parametrize(
    ("names", "missing"),
    [
        ("dump.sql.aa dump.sql.ac", "dump.sql.ab"),
        ("dump.aa dump.ab dump.ad dump.ae", "dump.ac"),
        ("dump.001 dump.002 dump.004", "dump.003"),
        ("x00 x02", "x01"),
    ],
)
def test_a_part_that_is_missing_between_others_is_named(tmp_path, names, missing):
    first, *_ = files(tmp_path, names)
    with pytest.raises(DumpDamagedError, match=rf"{missing} is missing\. Copy it"):
        all_parts(first)


@pytest.mark.parametrize(
    "names",
    [
        "dump.sql",
        "dump.aa",
        "pacs01 pacs02",
        "dump.2000 dump.2001",
        "dump.1 dump.2",
        "data date",
        "dump.aa dump.gz.ab",
        "dump.aa dump.abc",
    ],
)
def test_what_is_named_otherwise_is_whole(tmp_path, names):
    paths = files(tmp_path, names)
    assert [all_parts(path) for path in paths] == [(path,) for path in paths]
    assert whole_name(paths[:1]) == paths[0].name


@pytest.mark.parametrize(
    "begins",
    [b"\x1f\x8b\x08\0", b"-- MySQL dump 10.13\n", b"SQLite format 3\0", b"PGDMP", b"PK\3\4",
     b"--\n-- PostgreSQL database dump\n"],
)  # fmt: skip
def test_what_begins_like_a_dump_of_its_own_is_no_part(tmp_path, begins):
    january, february = (file_of(tmp_path, begins, name) for name in ("dump.01", "dump.02"))
    assert all_parts(january) == (january,)
    assert all_parts(february) == (february,)


@pytest.mark.parametrize(("names", "_"), SERIES)
def test_a_later_part_named_alone_is_told_the_first(tmp_path, names, _):
    paths = files(tmp_path, names)
    for path in paths[1:]:
        with pytest.raises(DumpFormatError, match=rf"name its first part, {paths[0]}\."):
            all_parts(path)


def test_a_part_whose_first_one_is_missing_is_told_so(tmp_path):
    second, _ = files(tmp_path, "dump.gz.ab dump.gz.ac")
    assert lost_beginning(second) == tmp_path / "dump.gz.aa"
    with pytest.raises(DumpFormatError, match=r"its first part, dump\.gz\.aa, is missing"):
        open_dump(second, tmp_path)
    assert lost_beginning(file_of(tmp_path, b"x", "other.ab")) is None


@given(
    content=st.binary(max_size=200),
    cuts=st.lists(st.integers(0, 200), max_size=5),
    moves=st.lists(st.tuples(st.integers(0, 220), st.integers(0, 90)), max_size=8),
)
def test_parts_read_like_the_whole_from_any_place(tmp_path_factory, content, cuts, moves):
    folder = tmp_path_factory.mktemp("parts")
    places = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    paths = [
        file_of(folder, content[a:b], f"d.{i:02}") for i, (a, b) in enumerate(pairwise(places))
    ]
    parts = Parts(paths)
    assert parts.size == len(content)
    assert head_of(parts, 1000) == content
    with opened_file(parts) as file:
        for place, size in moves:
            file.seek(place)
            assert file.read(size) == content[place : place + size]
