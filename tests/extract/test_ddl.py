import pytest

from pacslift.extract.ddl import DdlError, read_create_table
from pacslift.extract.shapes import Column

MYSQL = """CREATE TABLE `t x` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `e` enum('a','b,c)') CHARACTER SET latin1 COLLATE latin1_swedish_ci DEFAULT 'a' COMMENT 'x, y',
  `d` double  precision DEFAULT NULL,
  `n` decimal(10,2) GENERATED ALWAYS AS (`id` * 2) VIRTUAL,
  `key` timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  `j` longtext CHARACTER SET utf8mb4 CHECK (json_valid(`j`)),
  `b` bit(1),
  PRIMARY KEY (`id`),
  UNIQUE KEY `u` (`e`(10)) USING BTREE,
  KEY `k` (`n`),
  FULLTEXT KEY `f` (`j`),
  CONSTRAINT `c` FOREIGN KEY (`id`) REFERENCES `o` (`id`) ON DELETE CASCADE,
  CHECK (`id` > 0)
) ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_bin ROW_FORMAT=COMPRESSED
/*!50100 PARTITION BY HASH (`id`) PARTITIONS 4 */"""

POSTGRES = """CREATE UNLOGGED TABLE "My Schema".t (
    id bigint DEFAULT nextval('s'::regclass) NOT NULL,
    name character varying(64) COLLATE "C",
    "from" timestamp(3) without time zone DEFAULT now(),
    num numeric(10,2)[],
    key text, index text, comment text,
    c character(8),
    g integer GENERATED ALWAYS AS ((id * 2)) STORED,
    q "bytea",
    CONSTRAINT c CHECK ((id > 0)),
    PRIMARY KEY (id)
)
INHERITS (parent)"""


def test_columns_keep_the_type_the_mysql_dump_declares():
    created = read_create_table(MYSQL, "mysql")
    assert created.shape.name == "t x"
    assert created.shape.columns == (
        Column("id", "bigint(20) unsigned"),
        Column("e", "enum('a','b,c)')"),
        Column("d", "double precision"),
        Column("n", "decimal(10,2)"),
        Column("key", "timestamp"),
        Column("j", "longtext"),
        Column("b", "bit(1)"),
    )


def test_character_sets_of_table_and_columns_are_told():
    created = read_create_table(MYSQL, "mysql")
    assert created.charset == "utf8mb3"
    assert created.column_charsets == {"e": "latin1", "j": "utf8mb4"}


def test_columns_keep_the_type_the_postgresql_dump_declares():
    created = read_create_table(POSTGRES, "postgres")
    assert (created.schema, created.shape.name) == ("My Schema", "t")
    assert [(c.name, c.declared) for c in created.shape.columns] == [
        ("id", "bigint"),
        ("name", "character varying(64)"),
        ("from", "timestamp(3) without time zone"),
        ("num", "numeric(10,2)[]"),
        ("key", "text"),
        ("index", "text"),
        ("comment", "text"),
        ("c", "character(8)"),
        ("g", "integer"),
        ("q", '"bytea"'),
    ]


@pytest.mark.parametrize(
    "declared",
    ["blob", "longblob", "BLOB", "bytea", '"bytea"', "varbinary(20)", "binary(16)", "image"],
)
def test_blob_types_are_bytes(declared):
    assert Column("c", declared).binary


@pytest.mark.parametrize(
    "declared", ["", "text", "binary_float", "bit(1)", "varchar(20)", "C(64)", "bigint"]
)
def test_all_other_types_are_text(declared):
    assert not Column("c", declared).binary


@pytest.mark.parametrize(
    "text",
    [
        "",
        "CREATE VIEW v AS SELECT 1",
        "CREATE TABLE t",
        "CREATE TABLE t AS SELECT (1)",
        "CREATE TABLE t PARTITION OF p FOR VALUES IN (1)",
        "CREATE TABLE t (a int",
        "CREATE TABLE `t (a int)",
    ],
)
def test_what_is_no_table_with_columns_is_told_so(text):
    with pytest.raises(DdlError):
        read_create_table(text, "mysql")
