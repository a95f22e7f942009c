import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacslift.errors import DumpDamagedError, DumpFormatError
from pacslift.extract.mysql.mysqldump import read_mysqldump
from pacslift.extract.shapes import Column, TableShape, Undecodable
from smalldumps import (
    everything,
    file_of,
    frames_of,
    mysqldump,
    pieces_of,
    rows_of,
)

TABLE = """
CREATE TABLE `files` (
  `pk` bigint(20) NOT NULL AUTO_INCREMENT,
  `path` varchar(255) DEFAULT NULL COMMENT 'a, b',
  `attrs` longblob,
  PRIMARY KEY (`pk`),
  KEY `i` (`path`(10))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
"""
TRIGGER = """
DELIMITER ;;
/*!50003 CREATE*/ /*!50017 DEFINER=`a`@`%`*/ /*!50003 TRIGGER t AFTER INSERT ON files FOR EACH ROW
BEGIN
  INSERT INTO `files` VALUES (99,'no','row');
  INSERT INTO files VALUES (98,'it''s','no'),(97,'row','');
END */;;
DELIMITER ;
"""
ROWS = """
LOCK TABLES `files` WRITE;
/*!40000 ALTER TABLE `files` DISABLE KEYS */;
INSERT INTO `files` VALUES (1,'a/b',0x00FF),(2,NULL,NULL),
(3,'it\\'s (1),(2); NULL','');
/*!40000 ALTER TABLE `files` ENABLE KEYS */;
UNLOCK TABLES;
"""
READ = [("1", "a/b", b"\0\xff"), ("2", None, None), ("3", "it's (1),(2); NULL", b"")]


def read(folder, content: bytes, charset: str | None = None):
    return read_mysqldump(file_of(folder, content), charset)


def test_a_dump_is_read_with_its_tables_types_rows_and_server(tmp_path):
    reader = read(tmp_path, mysqldump(TABLE, ROWS))
    columns = (
        Column("pk", "bigint(20)"),
        Column("path", "varchar(255)"),
        Column("attrs", "longblob"),
    )
    assert reader.shapes() == [TableShape("files", columns)]
    assert rows_of(reader, "files") == READ
    assert reader.row_counts() == {"files": 3}
    assert reader.server == "MariaDB 10.11.19"


def test_rows_in_the_body_of_a_trigger_are_no_data(tmp_path):
    reader = read(tmp_path, mysqldump(TABLE, TRIGGER, ROWS, TRIGGER))
    assert rows_of(reader, "files") == READ


def test_only_the_tables_and_columns_asked_for_are_read(tmp_path):
    other = TABLE.replace("files", "others") + ROWS.replace("files", "others")
    reader = read(tmp_path, mysqldump(TABLE, ROWS, other))
    batches = list(reader.batches({"OTHERS": ["PATH", "missing", "path"]}))
    assert [(b.table, b.frame.columns) for b in batches] == [("others", ["path", "origin_row"])]


def test_a_table_can_be_asked_for_without_columns(tmp_path):
    reader = read(tmp_path, mysqldump(TABLE, ROWS))
    assert [b.frame.columns for b in reader.batches({"files": []})] == [["origin_row"]]


def test_one_statement_a_row_is_read_like_one_for_all(tmp_path):
    insert = "INSERT INTO `files` VALUES "
    rows = "".join(f"{insert}({i},'{i}',NULL);\n" for i in range(9))
    reader = read(tmp_path, mysqldump(TABLE, rows))
    assert [row[0] for row in rows_of(reader, "files")] == [str(i) for i in range(9)]


def test_columns_named_by_the_insert_may_come_in_another_order_or_not_at_all(tmp_path):
    rows = (
        "INSERT INTO `files` (`attrs`, `pk`) VALUES (0xAA,7);\n"
        "INSERT INTO `files` (`pk`) VALUES (8);\n"
    )
    assert rows_of(read(tmp_path, mysqldump(TABLE, rows)), "files") == [
        ("7", None, b"\xaa"),
        ("8", None, None),
    ]


def test_a_dump_without_create_table_is_read_by_the_columns_its_inserts_name(tmp_path):
    reader = read(tmp_path, mysqldump("INSERT INTO `t` (`A`,`b`) VALUES (1,'x');\n"))
    assert rows_of(reader, "t") == [("1", "x")]
    assert [c.name for c in reader.shapes()[0].columns] == ["A", "b"]


def test_rows_whose_columns_nothing_names_are_refused(tmp_path):
    reader = read(tmp_path, mysqldump("INSERT INTO `t` VALUES (1,'x');\n"))
    with pytest.raises(DumpFormatError, match="which columns table t has"):
        list(reader.batches({"t": ["a"]}))


def test_an_insert_of_another_form_is_refused_and_not_passed_over(tmp_path):
    with pytest.raises(DumpFormatError, match="other means than a list of values"):
        read(tmp_path, mysqldump(TABLE, "INSERT INTO `files` SELECT * FROM x;\n")).shapes()


def test_the_stand_in_for_a_view_is_no_table(tmp_path):
    view = "/*!50001 CREATE TABLE `v` (\n  `a` tinyint NOT NULL\n) ENGINE=MyISAM */;\n"
    assert [s.name for s in read(tmp_path, mysqldump(TABLE, view)).shapes()] == ["files"]


def test_the_servers_own_databases_are_left_out(tmp_path):
    dump = mysqldump("USE `mysql`;\n", TABLE, ROWS, "USE `pacs`;\n", TABLE, ROWS)
    assert rows_of(read(tmp_path, dump), "files") == READ


def test_tables_of_one_name_in_two_databases_are_not_mixed(tmp_path):
    dump = mysqldump("USE `old`;\n", TABLE, ROWS, "USE `new`;\n", TABLE, ROWS)
    reader = read(tmp_path, dump)
    with pytest.raises(DumpFormatError, match=r"old\.files and new\.files are different tables"):
        list(reader.batches({"files": ["pk"]}))


@pytest.mark.parametrize(
    ("names", "options", "codec"),
    [
        ("latin1", "CHARSET=utf8", "cp1252"),
        ("utf8", "CHARSET=latin1", "utf-8"),
        ("binary", "CHARSET=latin1", "cp1252"),
        ("binary", "", "utf-8"),
        ("cp1251", "", "cp1251"),
    ],
)
def test_text_is_read_in_the_character_set_the_dump_names(tmp_path, names, options, codec):
    text = "Жук" if codec == "cp1251" else "Müller"
    dump = mysqldump(
        f"/*!40101 SET NAMES {names} */;\n",
        f"CREATE TABLE `t` (\n `a` text\n) ENGINE=InnoDB {options};\n",
        b"INSERT INTO `t` VALUES ('" + text.encode(codec) + b"');\n",
    )
    assert rows_of(read(tmp_path, dump), "t") == [(text,)]


def test_a_column_can_have_a_character_set_of_its_own(tmp_path):
    dump = mysqldump(
        "SET NAMES binary;\nCREATE TABLE `t` (\n `a` text CHARACTER SET greek,\n `b` text\n)"
        " DEFAULT CHARSET=latin1;\n",
        b"INSERT INTO `t` VALUES ('" + "Ω".encode("iso8859-7") + b"','\xe9');\n",
    )
    assert rows_of(read(tmp_path, dump), "t") == [("Ω", "é")]


def test_the_job_can_say_which_character_set_the_dump_is_in(tmp_path):
    dump = mysqldump(
        "CREATE TABLE `t` (\n `a` text\n);\nINSERT INTO `t` VALUES ('", b"\xe9", "');\n"
    )
    assert rows_of(read(tmp_path, dump, "cp1252"), "t") == [("é",)]


def test_a_character_set_that_hides_backslashes_is_refused_with_the_remedy(tmp_path):
    with pytest.raises(
        DumpFormatError, match="sjis cannot be read; dump again with --default-char"
    ):
        read(tmp_path, mysqldump("/*!40101 SET NAMES sjis */;\n")).shapes()


def test_what_is_no_text_is_kept_counted_and_located(tmp_path):
    dump = mysqldump(
        "CREATE TABLE `t` (\n `a` text\n);\nINSERT INTO `t` VALUES ('a'),('", b"\xff", "');\n"
    )
    batches = list(read(tmp_path, dump).batches({"t": ["a"]}))
    assert [text for batch in batches for text in batch.frame["a"]] == ["a", r"\xff"]
    assert [bad for batch in batches for bad in batch.undecodable] == [Undecodable("t", "a", 1, 2)]


def test_windows_line_ends_change_nothing(tmp_path):
    content = mysqldump(TABLE, TRIGGER, ROWS).replace(b"\n", b"\r\n")
    assert rows_of(read(tmp_path, content), "files") == READ


def test_a_dump_cut_at_any_byte_is_refused_and_names_where(tmp_path):
    dump = mysqldump(TABLE, TRIGGER, ROWS)
    for cut in range(
        dump.index(b"\n") + 1, dump.index(b"-- Dump completed") + len(b"-- Dump complete")
    ):
        reader = read(tmp_path, dump[:cut])
        with pytest.raises(DumpDamagedError, match="dump"):
            list(reader.batches(everything(reader)))


def test_a_dump_cut_inside_its_rows_names_table_and_last_good_row(tmp_path):
    dump = mysqldump(TABLE, ROWS)
    with pytest.raises(DumpDamagedError, match=r"table files, row 3 .* The last good row is 2\."):
        read(tmp_path, dump[: dump.index(b"it\\'s")]).shapes()


def test_a_dump_cut_between_its_statements_names_the_last_row_it_has(tmp_path):
    dump = mysqldump(TABLE, ROWS)
    with pytest.raises(DumpDamagedError, match="'-- Dump completed', after row 3 of table files"):
        read(tmp_path, dump[: dump.index(b"UNLOCK")]).shapes()


def test_a_dump_that_never_had_comments_needs_no_last_line(tmp_path):
    assert rows_of(read(tmp_path, (TABLE + ROWS).encode()), "files") == READ


def test_the_dump_of_an_old_server_ends_without_a_sign(tmp_path):
    head = "-- MySQL dump 9.11\n--\n-- Server version\t4.0.27\n"
    reader = read(tmp_path, (head + TABLE + ROWS.replace("a/b", "é")).encode("cp1252"))
    assert rows_of(reader, "files")[0] == ("1", "é", b"\0\xff")
    assert reader.server == "MySQL 4.0.27"


def test_a_dump_that_names_no_character_set_is_utf8_as_mysqldump_writes_it(tmp_path):
    dump = "CREATE TABLE `t` (\n `a` text\n) CHARSET=latin1;\nINSERT INTO `t` VALUES ('é');\n"
    reader = read(tmp_path, dump.encode())
    assert rows_of(reader, "t") == [("é",)]


@given(st.integers(1, 50))
def test_how_the_dump_is_cut_into_pieces_does_not_matter(tmp_path_factory, size):
    dump = mysqldump(TABLE, TRIGGER, ROWS, ROWS.replace(",\n", ","), TRIGGER)
    reader = read(tmp_path_factory.getbasetemp(), dump)
    with pieces_of(size):
        assert rows_of(reader, "files") == READ + READ


# ---------------------------------------------------------------------------------------------
# Against a real server

SQL = """
CREATE DATABASE {name} CHARACTER SET utf8mb4; USE {name};
CREATE TABLE t (pk BIGINT PRIMARY KEY, txt TEXT, latin VARCHAR(50) CHARACTER SET latin1, b LONGBLOB,
  f BIT(1), bits BIT(10), bin VARBINARY(20), num DECIMAL(10,3), d DOUBLE, stamp DATETIME,
  g BIGINT GENERATED ALWAYS AS (pk * 2) STORED);
CREATE TABLE empty_one (a INT, b TEXT);
CREATE VIEW v AS SELECT pk FROM t;
DELIMITER ;;
CREATE TRIGGER tr AFTER INSERT ON empty_one FOR EACH ROW
BEGIN INSERT INTO t (pk, txt) VALUES (NEW.a, 'it''s');
END;;
CREATE PROCEDURE p() BEGIN INSERT INTO t (pk) VALUES (1000); END;;
DELIMITER ;
"""
VALUES = [
    ("1", "it's \"x\" \\ \n \r \t \x1a \x00 % _", "Müller", bytes(range(256)), "1", "5", b"\0\x01",
     "1.500", "0.1", "2011-05-01 10:11:12"),
    ("2", "),(;NULL", "", b"", "0", "1023", b"", "-2.000", "1e300", "2011-05-01 00:00:00"),
    ("3", None, None, None, None, None, None, None, None, None),
    ("4", "日本語 🙂", "'", b"'\\'),(", "1", "0", b"'", "0.000", "-1.5", "2000-01-01 00:00:00"),
]  # fmt: skip
NAMES = ("pk", "txt", "latin", "b", "f", "bits", "bin", "num", "d", "stamp")


def sql_value(name: str, value) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    if name in {"pk", "f", "bits", "num", "d"}:
        return value
    return f"CONVERT(x'{value.encode().hex()}' USING utf8mb4)"


@pytest.fixture(scope="module")
def database(mariadb):
    name = "extract_mysqldump"
    mariadb.run(f"DROP DATABASE IF EXISTS {name};" + SQL.format(name=name))
    for row in VALUES:
        values = ",".join(sql_value(n, v) for n, v in zip(NAMES, row, strict=True))
        mariadb.run(f"INSERT INTO t ({','.join(NAMES)}) VALUES ({values})", name)
    yield name
    mariadb.run(f"DROP DATABASE {name}")


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--hex-blob"],
        ["--skip-extended-insert"],
        ["--complete-insert", "--routines"],
        ["--default-character-set=latin1"],
        ["--default-character-set=binary"],
        ["--skip-opt", "--compact"],
        ["--databases"],
        ["--replace", "--skip-quote-names"],
        ["--skip-comments"],
        ["--single-transaction", "--no-autocommit", "--triggers"],
        ["--insert-ignore", "--delayed-insert"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("size", [1 << 20, 37])
def test_a_real_dump_gives_what_the_server_held(mariadb, database, tmp_path, options, size):
    reader = read(tmp_path, mariadb.dump(*options, database))
    expected = VALUES
    if options == ["--default-character-set=latin1"]:  # the server itself loses what latin1 lacks
        expected = [(*row[:1], "??? ?", *row[2:]) if row[0] == "4" else row for row in VALUES]
    with pieces_of(size):
        frame = frames_of(reader)["t"]
    for name, read_as, held in zip(
        NAMES, frame.select(NAMES), zip(*expected, strict=True), strict=True
    ):
        assert (name, read_as.to_list()) == (name, list(held))
    assert reader.row_counts() == {"t": 4, "empty_one": 0}
