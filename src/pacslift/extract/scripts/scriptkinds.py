"""Which product wrote an SQL script, by what stands in its first statements.

In this order: the signs of the first ones cannot stand at a line's beginning in the data of the
others, where a text may go over several lines.
"""

import re
from collections.abc import Callable

from pacslift.extract.mysql.mysqldump import read_mysqldump
from pacslift.extract.packed.source import DumpFile
from pacslift.extract.postgres.pgplain import read_pgplain
from pacslift.extract.scripts import hsqldb, oracle, sqlitedump, tsql
from pacslift.extract.scripts.script import ScriptReader
from pacslift.extract.scripts.textsource import beginning
from pacslift.patterns import compiled

_POSTGRES = compiled(
    rb"^-- PostgreSQL database (?:cluster )?dump|^COPY [^;]*? FROM stdin;"
    rb"|^SET (?:client_encoding|standard_conforming_strings|statement_timeout)\b|^\\restrict ",
    re.MULTILINE,
)
_MYSQL = compiled(
    rb"^-- (?:MySQL|MariaDB) dump |^/\*!\d{5} SET |^/\*M!999999|^LOCK TABLES `|^INSERT INTO `"
    rb"|^\) (?:ENGINE|TYPE)=",
    re.MULTILINE | re.IGNORECASE,
)

Reader = Callable[[DumpFile, str | None], ScriptReader]

_KINDS: tuple[tuple[re.Pattern[bytes], Reader], ...] = (
    (sqlitedump.SIGN, sqlitedump.read_sqlitedump),
    (hsqldb.SIGN, hsqldb.read_hsqldb),
    (_POSTGRES, read_pgplain),
    (_MYSQL, read_mysqldump),
    (tsql.SIGN, tsql.read_tsql),
    (oracle.SIGN, oracle.read_oracle),
)
_UTF16 = (tsql.read_tsql, oracle.read_oracle)  # those whose programs write it


def script_reader(head: bytes) -> Reader | None:
    """The reader of the script that begins with *head*; None where it is of no known kind."""
    text = beginning(head)
    wide = head[:2] in {b"\xff\xfe", b"\xfe\xff"}
    for sign, read in _KINDS:
        if sign.search(text) and (not wide or read in _UTF16):
            return read
    return None
