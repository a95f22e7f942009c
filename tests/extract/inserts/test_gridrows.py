r"""The quick way through a mysqldump gives what the slow one gives, or leaves it to that."""

import re
from contextlib import contextmanager

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacslift.extract.inserts.insertrun import InsertRun
from pacslift.extract.inserts.rowgrid import GridPath
from pacslift.extract.mysql.mysqldump import read_mysqldump
from smalldumps import everything, file_of, frames_of, mysqldump, pieces_of

TYPES = {"a": "bigint(20)", "b": "varchar(99)", "c": "longblob", "d": "bit(9)", "e": "text"}


def table(names: str) -> str:
    columns = ",\n".join(f"  `{name}` {TYPES[name]}" for name in names)
    return f"CREATE TABLE `t` (\n{columns}\n) ENGINE=InnoDB;\n"


def script(
    names: str, rows: list[tuple[bytes, ...]], between: bytes, several: int, names_set="utf8mb4"
) -> bytes:
    written = [b"(" + b",".join(row) + b")" for row in rows]
    groups = [between.join(written[i : i + several]) for i in range(0, len(written), several)]
    inserts = b"".join(b"INSERT INTO `t` VALUES " + group + b";\n" for group in groups)
    return mysqldump(f"SET NAMES {names_set};\n{table(names)}", inserts, "UNLOCK TABLES;\n")


@contextmanager
def counted():
    """How many rows the quick way took, call by call."""
    rows = []
    with pytest.MonkeyPatch.context() as patch:
        taken = GridPath.__call__

        def counting(path, window, upto):
            grid = taken(path, window, upto)
            rows.append(grid.rows if grid else 0)
            return grid

        patch.setattr(GridPath, "__call__", counting)
        yield rows


@contextmanager
def slowly():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(InsertRun, "_quick", lambda *_: None)
        yield


def both(folder, content: bytes, size: int = 1 << 20):
    """The table read with the quick way and without it, and what is no text in it."""
    reader = read_mysqldump(file_of(folder, content))
    found = []
    for way in (counted, slowly):
        with way(), pieces_of(size):
            batches = list(reader.batches(everything(reader)))
            frame = pl.concat([b.frame for b in batches])
            bad = sum(u.rows for b in batches for u in b.undecodable)
            first = min((u.first_row for b in batches for u in b.undecodable), default=0)
            counts = reader.row_counts()
            found.append((frame, bad, first, counts))
    return found


def escaped(value: bytes) -> bytes:
    special = {0: rb"\0", 10: rb"\n", 13: rb"\r", 26: rb"\Z", 34: rb"\"", 39: rb"\'", 92: rb"\\"}
    return b"".join(special.get(byte, bytes([byte])) for byte in value)


null = st.just(b"NULL")
pieces = [b"a", b"'", b'"', b"\\", b"\n", b"\0", b",", b"),(", b"),\n(", b" ", b"1", b"NULL",
          b");\nINSERT INTO `t` VALUES (", b",0x41", b",b'1'", b",_binary '", b"0x41", b"b'1'",
          "é".encode(), "\uf8f1".encode()]  # fmt: skip
texts = st.lists(st.sampled_from(pieces), max_size=4).map(b"".join)
quoted = texts.map(lambda text: b"'" + escaped(text) + b"'")
doubled = texts.map(lambda text: b"'" + text.replace(b"\\", rb"\\").replace(b"'", b"''") + b"'")
blobs = st.binary(max_size=6) | texts
escapes = [
    rb"\%",
    rb"\_",
    rb"\t",
    rb"\b",
    rb"\a",
    rb"\'",
    rb"\\",
    rb"\0",
    b"''",
    b"\\\xe9",
    b"a",
    b"\\\n",
]
odd = st.lists(st.sampled_from(escapes), max_size=6).map(lambda some: b"'" + b"".join(some) + b"'")
VALUES = {
    "a": st.integers(-9, 99999).map(lambda n: b"%d" % n) | null,
    "b": quoted | odd | null,
    "e": doubled | null,
    "c": blobs.map(lambda b: b"_binary '" + escaped(b) + b"'")
    | odd
    | odd.map(lambda text: b"_binary " + text)
    | st.just(b"''")
    | null,
    "d": st.sampled_from([b"b'1'", b"b'0'", b"b'101'", b"NULL"]),
}
HEXADECIMAL = VALUES | {
    "c": blobs.map(lambda b: b"0x" + b.hex().upper().encode() if b else b"''") | null
}


@st.composite
def dumps(draw):
    names = draw(st.text("abcde", min_size=1, max_size=5).map(lambda t: "".join(dict.fromkeys(t))))
    values = draw(st.sampled_from([VALUES, HEXADECIMAL]))
    rows = draw(st.lists(st.tuples(*[values[name] for name in names]), min_size=1, max_size=8))
    charset = draw(st.sampled_from(["utf8mb4", "latin1", "binary"]))
    return script(
        names, rows, draw(st.sampled_from([b",", b",\n"])), draw(st.integers(1, 9)), charset
    )


@given(dumps(), st.integers(20, 300))
def test_both_ways_give_the_same_whatever_the_values_hold(tmp_path_factory, dump, size):
    quick, slow = both(tmp_path_factory.getbasetemp(), dump, size)
    assert quick[0].equals(slow[0])
    assert quick[1:] == slow[1:]


PLAIN = [(b"%d" % i, b"'text %d'" % i, b"NULL") for i in range(300)]


@pytest.mark.parametrize("between", [b",", b",\n"])
@pytest.mark.parametrize("several", [1, 7, 1000])
def test_common_rows_are_all_read_the_quick_way(tmp_path, between, several):
    rows = [
        (*row[:2], rb"'it\'s, \"(quoted)\" \\ and more'" if i % 3 else b"''")
        for i, row in enumerate(PLAIN)
    ]
    reader = read_mysqldump(file_of(tmp_path, script("abe", rows, between, several)))
    with counted() as taken:
        frame = frames_of(reader)["t"]
    assert frame["e"].to_list()[:2] == ["", 'it\'s, "(quoted)" \\ and more']
    assert sum(taken) == 300


@pytest.mark.parametrize("blob", [b"0x00FF27", b"_binary '\\0\xff\\''"])
def test_blobs_are_read_the_quick_way(tmp_path, blob):
    rows = [(b"%d" % i, blob if i % 3 else b"NULL") for i in range(300)]
    reader = read_mysqldump(file_of(tmp_path, script("ac", rows, b",", 9999)))
    with counted() as taken:
        frame = frames_of(reader)["t"]
    assert frame["c"].to_list() == [b"\0\xff'" if i % 3 else None for i in range(300)]
    assert sum(taken) == 300


def test_text_beside_blobs_and_in_another_character_set_is_text(tmp_path):
    rows = [(b"'M\xfcller'", b"_binary '\xff'")] * 3
    quick, slow = both(tmp_path, script("bc", rows, b",", 9, "latin1"))
    assert quick[0].equals(slow[0])
    assert quick[0]["b"].to_list() == ["Müller"] * 3


@pytest.mark.parametrize(
    "row", [b"(1,'a','b'),(2,'c'),(3,'d','e')", b"(1,'a','b'),(2,'c','d','e'),(3,'d','e')"]
)
def test_a_row_with_too_few_or_too_many_values_is_left_to_the_slow_way(tmp_path, row):
    reader = read_mysqldump(
        file_of(tmp_path, mysqldump(table("abe"), b"INSERT INTO `t` VALUES " + row + b";\n"))
    )
    with pytest.raises(Exception, match=re.compile(r"row 2 at byte \d+ is not a row of 3 values")):
        list(reader.batches({"t": ["a"]}))


@pytest.mark.parametrize("name", ["it's", "a;b", "a\\", "(a,b)", 'a"b', "a, ('b"])
def test_names_of_tables_and_columns_may_hold_what_parts_rows(tmp_path, name):
    inserts = f"INSERT INTO `{name}` (`{name}`, `b`) VALUES (1,'x;'),(2,'it''s');\n".encode() * 3
    create = f"CREATE TABLE `{name}` (`{name}` int, `b` text);\n"
    quick, slow = both(tmp_path, mysqldump(create, inserts, "UNLOCK TABLES;\n"))
    assert quick[0].equals(slow[0])
    assert quick[0]["b"].to_list() == ["x;", "it's"] * 3
