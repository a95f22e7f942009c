import pytest
from hypothesis import given
from hypothesis import strategies as st

from delimitedtext import WRITERS, delimited_set
from pacslift.errors import DumpDamagedError, DumpFormatError
from pacslift.extract.shapes import Column, TableShape, Undecodable
from pacslift.extract.sniff import open_dump
from pacslift.extract.terms import Charsets, Terms
from pacslift.extract.text import delimitedrows
from pacslift.extract.text.delimited import DelimitedSet
from pacslift.extract.truncation import Cut, Truncation
from smalldumps import everything, pieces_of, rows_of

WRITTEN = st.text("ab \",;|\\'\n\r\0\x1aé€", max_size=6)


def rows(folder, content, *lines, terms=None, **how):
    return rows_of(DelimitedSet(delimited_set(folder, content, *lines, **how), terms), "t")


def possible(dialect, value):
    """What the product itself can write so that it is not lost."""
    if dialect == "bcp":
        return value is None or not set("\t\n\0") & set(value)
    return dialect != "sqlplus" or value != ""


@pytest.mark.parametrize("dialect", WRITERS)
@given(data=st.data(), size=st.integers(1, 30))
def test_what_a_product_writes_is_read_back(tmp_path_factory, dialect, data, size):
    values = st.none() | WRITTEN.filter(lambda value: possible(dialect, value))
    written = data.draw(st.lists(st.tuples(values, values, values), max_size=6))
    content = "".join(map(WRITERS[dialect], written)).encode()
    if dialect == "sqlplus":
        content = b'\n"A","B","C"\n' + content + b"\n%d rows selected.\n" % len(written)
    folder = tmp_path_factory.mktemp("set")
    with pieces_of(size), pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimitedrows, "_STRETCH", size)
        assert rows(folder, content, dialect=dialect, width=3) == written


@given(st.binary(max_size=80), st.sampled_from(sorted(WRITERS)))
def test_any_bytes_are_read_or_refused(tmp_path_factory, content, dialect):
    try:
        reader = DelimitedSet(
            delimited_set(tmp_path_factory.getbasetemp(), content, dialect=dialect)
        )
        list(reader.batches(everything(reader)))
    except (DumpDamagedError, DumpFormatError):
        pass


@pytest.mark.parametrize("begins", ["x^", "x\x01"])
def test_a_text_that_begins_like_a_compressed_stream_is_a_text(begins, tmp_path):
    expected = [(f"{begins}a", "b")] * 3
    assert rows(tmp_path, f"{begins}a\tb\n".encode() * 3, dialect="bcp") == expected


@pytest.mark.parametrize(
    ("dialect", "content", "expected"),
    [
        ("bcp", b"1\t\n\t\0\n", [("1", None), (None, "")]),
        ("informix", b"a\\|b|\\ |\n|x\\\ny|\n", [("a|b", ""), (None, "x\ny")]),
        ("db2", b'1,""\n,"a ""b"""\n', [("1", ""), (None, 'a "b"')]),
        ("sqlplus", b'"A","B"\n1,""\n,"x"\n', [("1", None), (None, "x")]),
        ("csv", b'1,""\n,x', [("1", ""), (None, "x")]),
    ],
)
def test_null_and_empty_differ_as_the_product_spells_them(tmp_path, dialect, content, expected):
    assert rows(tmp_path, content, dialect=dialect) == expected


def test_the_manifest_says_what_differs_from_the_products_usual_way(tmp_path):
    content = b"1|~|NULL<end>\n2|~|\\n<end>\n"
    lines = ['delimiter = "|~|"', 'row_terminator = "<end>\\n"', 'escape = "letters"']
    assert rows(tmp_path, content, *lines, 'null = ["NULL"]', dialect="bcp") == [
        ("1", None),
        ("2", "\n"),
    ]


def test_a_line_end_inside_quotes_belongs_to_the_value(tmp_path):
    assert rows(tmp_path, b'1,"a\r\nb"\r\n2,c\r\n', r'row_terminator = "\r\n"') == [
        ("1", "a\r\nb"),
        ("2", "c"),
    ]


def test_a_set_is_tables_with_the_declared_types(tmp_path):
    reader = DelimitedSet(
        delimited_set(tmp_path, b"1,2\n", 'columns = [["PK", "bigint"], ["Blob"]]')
    )
    assert reader.shapes() == [TableShape("t", (Column("PK", "bigint"), Column("Blob", "")))]


def test_rows_of_several_files_follow_each_other(tmp_path):
    (tmp_path / "u.txt").write_bytes(b"c,d\n")
    assert rows(tmp_path, b"a,b\n", 'files = ["t.txt", "u.txt"]') == [("a", "b"), ("c", "d")]


def test_only_the_wanted_columns_come_in_the_order_asked_for(tmp_path):
    reader = DelimitedSet(delimited_set(tmp_path, b'1,2,3\n"4",5,6\n', width=3))
    (batch,) = reader.batches({"T": ["c", "A", "missing"]})
    assert batch.frame.rows() == [("3", "1", 1), ("6", "4", 2)]


@pytest.mark.parametrize(
    ("line", "content"),
    [
        ('binary = "hex"', b'1,00fF\n2,\n3,""\n'),
        ('binary = "0x"', b'1,0x00FF\n2,\n3,""\n'),
        ('binary = "base64"', b'1,AP8=\n2,\n3,""\n'),
    ],
)
def test_bytes_are_bytes_however_they_are_spelled(tmp_path, line, content):
    declared = 'columns = [["a", "int"], ["b", "varbinary(8)"]]'
    expected = [("1", b"\x00\xff"), ("2", None), ("3", b"")]
    assert rows(tmp_path, content, line, declared) == expected


def test_a_binary_value_that_is_misspelt_names_its_row(tmp_path):
    declared = 'columns = [["a", "int"], ["b", "blob"]]'
    with pytest.raises(DumpDamagedError, match=r"row 2, column b: .* is not spelled as hex"):
        rows(tmp_path, b"1,00\n2,0\n", declared)


@pytest.mark.parametrize("content", [b"1,2\n3\n4,5\n", b"1,2\n3,4,5\n", b'1,2\n"3"x,4\n5,6\n'])
def test_a_row_with_another_number_of_fields_is_damage(tmp_path, content):
    with pytest.raises(DumpDamagedError, match=r"t\.txt: table t, row 2 .* good row is 1"):
        rows(tmp_path, content)


def test_a_missing_and_a_surplus_field_do_not_make_up_for_each_other(tmp_path):
    with pytest.raises(DumpDamagedError, match="table t, row 1 has 1 fields"):
        rows(tmp_path, b"1\n2,3,4\n")


@pytest.mark.parametrize("dialect", ["bcp", "informix", "db2"])
def test_a_last_row_without_its_end_is_cut_off_where_the_product_always_writes_it(
    tmp_path, dialect
):
    content = "".join(map(WRITERS[dialect], [("a", "b"), ("c", "d")])).encode()
    with pytest.raises(DumpDamagedError, match=r"ends inside row 2, .* The last good row is 1"):
        rows(tmp_path, content[:-1], dialect=dialect)


def test_an_early_end_that_the_job_accepts_gives_the_rows_before_it(tmp_path):
    accepted = Truncation(accepted=True)
    content = b'"a","b"\n"c","d\n'
    assert rows(tmp_path, content, dialect="db2", terms=Terms(truncation=accepted)) == [("a", "b")]
    assert accepted.cuts == (Cut(str(tmp_path / "t.txt"), "t", 1),)


def test_damage_in_the_middle_is_refused_even_then(tmp_path):
    with pytest.raises(DumpDamagedError, match="row 1 has 1 fields"):
        rows(tmp_path, b"a\nb,c\n", terms=Terms(truncation=Truncation(accepted=True)))


def test_rows_are_counted_against_the_manifest(tmp_path):
    assert len(rows(tmp_path, b"a,b\nc,d\n", "rows = 2")) == 2
    with pytest.raises(DumpDamagedError, match="has 2 rows, its manifest promises 3"):
        rows(tmp_path, b"a,b\nc,d\n", "rows = 3")
    with pytest.raises(DumpDamagedError, match="has 2 rows, its manifest promises 1"):
        rows(tmp_path, b"a,b\nc,d\n", "rows = 1", terms=Terms(truncation=Truncation(accepted=True)))
    fewer = Truncation(accepted=True)
    assert len(rows(tmp_path, b"a,b\n", "rows = 3", terms=Terms(truncation=fewer))) == 1
    assert [cut.last_row for cut in fewer.cuts] == [1]


def test_a_header_names_the_columns_and_is_no_row(tmp_path):
    reader = DelimitedSet(
        delimited_set(tmp_path, b"PK,Name\n1,x\n", "header = true", "columns = []")
    )
    assert [c.name for c in reader.shapes()[0].columns] == ["PK", "Name"]
    assert rows_of(reader, "t") == [("1", "x")]
    assert reader.row_counts() == {"t": 1}


def test_a_header_in_another_order_than_the_manifest_is_refused(tmp_path):
    with pytest.raises(DumpFormatError, match="the header has the columns b, a where a, b should"):
        rows(tmp_path, b"b,a\n1,x\n", "header = true")


def test_what_sqlplus_says_besides_is_no_row(tmp_path):
    content = b'\r\n"A"\r\n"x"\r\n\r\n12,345 rows selected.\r\n\r\n'
    assert rows(tmp_path, content, r'row_terminator = "\r\n"', dialect="sqlplus", width=1) == [
        ("x",)
    ]


@pytest.mark.parametrize(
    ("codec", "name"),
    [
        ("cp1252", "Müller"),
        ("cp932", "山田^ソポ"),  # their second bytes are a backslash and a bar
        ("gb18030", "山田^亅"),
        ("utf-16", "山田^ソポ"),
        ("cp037", "Müller"),
    ],
)
def test_text_is_read_in_the_character_set_of_the_manifest(tmp_path, codec, name):
    content = f"a|{name}|\nb|x|\n".encode(codec)
    said = f'charset = "{codec}"'
    assert rows(tmp_path, content, said, dialect="informix") == [("a", name), ("b", "x")]


def test_a_column_can_be_in_another_character_set_than_its_table(tmp_path):
    terms = Terms(Charsets.of({"t": "cp1252", "t.b": "cp850"}))
    assert rows(tmp_path, b"\xfc,\x81\nx,y\n", terms=terms) == [("ü", "ü"), ("x", "y")]


def test_what_is_no_text_is_kept_counted_and_located(tmp_path):
    reader = DelimitedSet(delimited_set(tmp_path, b"a,b\n\xff,c\n"))
    (batch,) = reader.batches(everything(reader))
    assert batch.frame["a"].to_list() == ["a", r"\xff"]
    assert [(bad.column, bad.rows, bad.first_row) for bad in batch.undecodable] == [("a", 1, 2)]
    assert isinstance(batch.undecodable[0], Undecodable)


def test_a_mark_of_byte_order_is_no_text(tmp_path):
    assert rows(tmp_path, b"\xef\xbb\xbfa,b\n") == [("a", "b")]


def test_a_folder_with_a_manifest_is_a_set_and_so_is_the_manifest_itself(tmp_path):
    manifest = delimited_set(tmp_path, b"a,b\n")
    renamed = manifest.rename(tmp_path / "ris.manifest.toml")
    for path in (tmp_path, renamed):
        reader = open_dump(path, tmp_path)
        assert reader.format == "delimited text"
        assert rows_of(reader, "t") == [("a", "b")]
