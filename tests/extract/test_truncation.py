import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacslift.errors import DumpDamagedError, DumpFormatError
from pacslift.extract.sniff import open_dump
from pacslift.extract.terms import Terms
from pacslift.extract.truncation import Cut, Truncation
from smalldumps import file_of, frames_of, mysqldump, pg_dump

ROWS = [f"({i},'text {i}')" for i in range(1, 6)]
INSERT = "INSERT INTO"
MYSQL = mysqldump(
    "CREATE TABLE `a` (`i` int, `s` text);\n",
    f"{INSERT} `a` VALUES {','.join(ROWS)};\n",
    "CREATE TABLE `b` (`i` int, `s` text);\n",
    *(f"{INSERT} `b` VALUES {row};\n" for row in ROWS),
)
LINES = "".join(f"{i}\ttext {i}\n" for i in range(1, 6))
POSTGRES = pg_dump(
    "CREATE TABLE a (i int, s text);\n\nCREATE TABLE b (i int, s text);\n\n",
    f"COPY a (i, s) FROM stdin;\n{LINES}\\.\n\n\nCOPY b (i, s) FROM stdin;\n{LINES}\\.\n\n",
)
DUMPS = {"mysqldump": MYSQL, "pg_dump": POSTGRES}


def read(folder, content, truncation):
    reader = open_dump(file_of(folder, content), folder, Terms(truncation=truncation))
    frames = frames_of(reader)
    return [(t, *row[:2]) for t in sorted(frames) for row in frames[t].rows()], reader


@pytest.mark.parametrize("dump", DUMPS)
@given(data=st.data())
def test_what_is_read_of_a_dump_that_was_cut_is_its_beginning(tmp_path_factory, dump, data):
    whole = DUMPS[dump]
    folder = tmp_path_factory.mktemp("dump")
    everything, _ = read(folder, whole, Truncation())
    cut = data.draw(st.integers(300, len(whole) - 1))
    accepted = Truncation(accepted=True)
    found, reader = read(folder, whole[:cut], accepted)
    assert found == everything[: len(found)]
    assert sum(reader.row_counts().values()) == len(found)
    if len(found) < len(everything):
        (end,) = accepted.cuts
        last = found[-1][0] if found else None
        assert end.last_row in {sum(row[0] == last for row in found), 0}
    if accepted.cuts:
        with pytest.raises(DumpDamagedError, match="accept_truncated"):
            read(folder, whole[:cut], Truncation())


@pytest.mark.parametrize("dump", DUMPS)
def test_damage_in_the_middle_is_refused_even_if_early_ends_are_accepted(tmp_path, dump):
    whole = DUMPS[dump].replace(b"text 3", b"te\txt,'3")
    with pytest.raises((DumpDamagedError, DumpFormatError)):
        read(tmp_path, whole, Truncation(accepted=True))


def test_the_report_is_told_dump_table_and_last_good_row(tmp_path):
    accepted = Truncation(accepted=True)
    read(tmp_path, MYSQL[: MYSQL.index(b"'text 3')")], accepted)
    assert accepted.cuts == (Cut(str(tmp_path / "dump"), "a", 2),)
    assert accepted.cuts[0].sentence.startswith(
        f"INCOMPLETE DUMP: {tmp_path / 'dump'} ends early, in table a after row 2, the last good"
    )


def test_an_early_end_is_told_once_however_often_the_dump_is_read(tmp_path):
    accepted = Truncation(accepted=True)
    _, reader = read(tmp_path, MYSQL[:-60], accepted)
    reader.row_counts()
    frames_of(reader)
    assert len(accepted.cuts) == 1
