"""What is peculiar to each database server: its catalog, its session, its text of a value.

Values are made text by the server, not by the driver, so that they are what a dump of the same
database shows: the sessions are set as mysqldump and pg_dump set theirs, and the text compares by
its bytes (`binary collation`), as it does once it is extracted. `as_text` is SQL of the server's
own dialect with the column written as c. Where *hexed* is true values cross the wire as the
hexadecimal digits of their bytes: MariaDB's driver cuts a text at a NUL, and a text in SQLite may
be no UTF-8.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Server:
    """One product. The SQL is in its own dialect."""

    product: str
    dialect: str  # sqlglot's name
    version: str  # gives one text
    catalog: (
        str  # gives schema, table, column, type, collation; what a name means first comes first
    )
    as_text: tuple[tuple[str, str], ...]  # pattern of the declared type, SQL; the first that fits
    session: tuple[str, ...] = ()  # after connecting; one consistent, read-only snapshot at its end
    options: Mapping[str, str] = field(default_factory=dict)  # of the connection string
    hexed: bool = False
    equal_by_bytes: bool = True  # whether = of two text columns is equality of their bytes


_POSTGRES = Server(
    product="PostgreSQL",
    dialect="postgres",
    version="SHOW server_version",
    catalog="""
        SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), ''
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
          JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0
          AND NOT a.attisdropped AND left(n.nspname, 3) <> 'pg_'
          AND n.nspname <> 'information_schema'
        ORDER BY pg_table_is_visible(c.oid) DESC, n.nspname, c.relname, a.attnum
    """,
    # COPY writes booleans as t and f and keeps the blanks of character(n); a cast to text does not.
    as_text=(
        (
            r"bool|character\(|bpchar",
            'CASE WHEN c IS NULL THEN NULL ELSE CONCAT(c) COLLATE "C" END',
        ),
        ("", 'CAST(c AS TEXT) COLLATE "C"'),
    ),
    session=(
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
        "SET DateStyle = ISO",
        "SET IntervalStyle = postgres",
        "SET extra_float_digits = 3",
        "SET statement_timeout = 0",
        "SELECT 1",  # the first query takes the snapshot
    ),
    # Without a cursor of its own the driver takes the whole result into memory.
    options={"UseDeclareFetch": "1", "Fetch": "10000", "LFConversion": "0", "BI": "0"},
)

_MYSQL = Server(
    product="MySQL",
    dialect="mysql",
    version="SELECT VERSION()",
    catalog="""
        SELECT c.TABLE_SCHEMA, c.TABLE_NAME, c.COLUMN_NAME, c.COLUMN_TYPE, c.COLLATION_NAME
        FROM information_schema.COLUMNS c JOIN information_schema.TABLES t
          ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME
        WHERE c.TABLE_SCHEMA = DATABASE() AND t.TABLE_TYPE = 'BASE TABLE'
        ORDER BY c.TABLE_NAME, c.ORDINAL_POSITION
    """,
    as_text=(
        (r"bit", "CONVERT(c + 0 USING {charset}) COLLATE {collation}"),
        ("", "CONVERT(c USING {charset}) COLLATE {collation}"),
    ),
    session=(
        "SET SESSION sql_mode = ''",
        "SET SESSION time_zone = '+00:00'",
        "SET SESSION net_write_timeout = 3600",
        "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        "START TRANSACTION WITH CONSISTENT SNAPSHOT{read_only}",
    ),
    # Rows as they come, for drivers that can: bits NO_CACHE and FORWARD_CURSOR.
    options={"OPTION": "3145728", "CHARSET": "{charset}"},
    hexed=True,
    equal_by_bytes=False,
)

_SQLITE_NUMBER = """
    CASE WHEN TYPEOF(c) <> 'real' THEN CAST(c AS TEXT)
      WHEN CAST(PRINTF('%!.15g', c) AS REAL) = c THEN REPLACE(PRINTF('%!.15g', c), '.0e', 'e')
      WHEN CAST(PRINTF('%!.16g', c) AS REAL) = c THEN PRINTF('%!.16g', c)
      ELSE PRINTF('%!.17g', c) END COLLATE BINARY
"""
_SQLITE = Server(
    product="SQLite",
    dialect="sqlite",
    version="SELECT sqlite_version()",
    catalog="""
        SELECT '', m.name, p.name, p.type, '' FROM sqlite_master m JOIN pragma_table_info(m.name) p
        WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite!_%' ESCAPE '!'
          AND m.sql NOT LIKE 'CREATE VIRTUAL%'
        ORDER BY m.rowid, p.cid
    """,
    # A number with a fraction has as many digits as give it back, at most 17.
    as_text=(
        (
            r"(?!.*(int|char|clob|text))",
            _SQLITE_NUMBER,
        ),
        ("", "CAST(c AS TEXT) COLLATE BINARY"),
    ),
    session=("PRAGMA case_sensitive_like = ON", "PRAGMA trusted_schema = OFF"),
    options={"StepAPI": "1", "NoCreat": "1", "NoTXN": "1"},
    hexed=True,
    equal_by_bytes=False,  # a column may be declared COLLATE NOCASE
)

_TSQL = Server(
    product="Microsoft SQL Server",
    dialect="tsql",
    version="SELECT CAST(SERVERPROPERTY('ProductVersion') AS NVARCHAR(128))",
    catalog="""
        SELECT c.TABLE_SCHEMA, c.TABLE_NAME, c.COLUMN_NAME, c.DATA_TYPE, c.COLLATION_NAME
        FROM INFORMATION_SCHEMA.COLUMNS c JOIN INFORMATION_SCHEMA.TABLES t
          ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME
        WHERE t.TABLE_TYPE = 'BASE TABLE'
        ORDER BY CASE WHEN c.TABLE_SCHEMA = SCHEMA_NAME() THEN 0 ELSE 1 END,
          c.TABLE_SCHEMA, c.TABLE_NAME, c.ORDINAL_POSITION
    """,
    # As Management Studio writes them into a script: ISO 8601, and floats in full.
    as_text=(
        (r"date|smalldate", "CONVERT(NVARCHAR(40), c, 126) COLLATE Latin1_General_100_BIN2"),
        (r"float|real", "CONVERT(NVARCHAR(40), c, 2) COLLATE Latin1_General_100_BIN2"),
        ("", "CAST(c AS NVARCHAR(MAX)) COLLATE Latin1_General_100_BIN2"),
    ),
    session=("SET TRANSACTION ISOLATION LEVEL {isolation}",),
    options={"ApplicationIntent": "ReadOnly"},
    equal_by_bytes=False,
)

_ORACLE = Server(
    product="Oracle",
    dialect="oracle",
    version="SELECT version FROM product_component_version WHERE ROWNUM = 1",
    catalog="""
        SELECT c.owner, c.table_name, c.column_name, c.data_type, ''
        FROM all_tab_columns c JOIN all_tables t
          ON t.owner = c.owner AND t.table_name = c.table_name
        WHERE c.owner = SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA')
        ORDER BY c.table_name, c.column_id
    """,
    as_text=(
        (r"date", "TO_CHAR(c, 'YYYY-MM-DD HH24:MI:SS')"),
        (r"timestamp", "TO_CHAR(c, 'YYYY-MM-DD HH24:MI:SS.FF')"),
        (r"clob|nclob|long", "c"),
        ("", "TO_CHAR(c)"),
    ),
    session=(
        "SET TRANSACTION READ ONLY",
        "ALTER SESSION SET NLS_NUMERIC_CHARACTERS = '.,'",
        "ALTER SESSION SET NLS_COMP = BINARY",
        "ALTER SESSION SET NLS_SORT = BINARY",
    ),
)

SERVERS = {
    "postgresql": _POSTGRES,
    "mysql": _MYSQL,
    "mariadb": _MYSQL,
    "sqlite": _SQLITE,
    "microsoft sql server": _TSQL,
    "oracle": _ORACLE,
}


def by_dialect(dialect: str) -> Server:
    """The server whose SQL sqlglot calls *dialect*, as its newest versions are."""
    found = next(server for server in SERVERS.values() if server.dialect == dialect)
    return worded(found, "8.0.36")


def worded(server: Server, version: str, isolation: str = "READ COMMITTED") -> Server:
    """*server* with the words that depend on the version it told, e.g. "10.11.4-MariaDB"."""
    words = {"isolation": isolation, **_mysql_words(version)}
    return replace(
        server,
        product="MariaDB" if "mariadb" in version.lower() else server.product,
        as_text=tuple((kind, sql.format(**words)) for kind, sql in server.as_text),
        session=tuple(sql.format(**words) for sql in server.session),
        options={key: value.format(**words) for key, value in server.options.items()},
    )


def _mysql_words(version: str) -> dict[str, str]:
    """Character set, binary collation and read-only clause of a MySQL or MariaDB version.

    Sources: MariaDB 10.2 has the collations without padding, MySQL 8.0.17 has utf8mb4_0900_bin,
    both have utf8mb4 from 5.5.3 on; READ ONLY came with MySQL 5.6.5 and MariaDB 10.0.
    """
    number = version_number(version)
    maria = "mariadb" in version.lower()
    charset = "utf8mb4" if number >= (5, 5, 3) else "utf8"
    collation = f"{charset}_bin"
    if maria and number >= (10, 2):
        collation = f"{charset}_nopad_bin"
    elif not maria and number >= (8, 0, 17):
        collation = "utf8mb4_0900_bin"
    read_only = ", READ ONLY" if number >= (5, 6, 5) else ""
    return {"charset": charset, "collation": collation, "read_only": read_only}


def version_number(version: str) -> tuple[int, ...]:
    """The first numbers of *version*; (0,) if it has none."""
    found = re.search(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in found[0].split(".")) if found else (0,)
