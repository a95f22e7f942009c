r"""No mysqldump, however crafted, costs more than in proportion to its size."""

import time
from pathlib import Path

import pytest

from pacslift.errors import DumpDamagedError, DumpFormatError
from pacslift.extract.mysql.mysqldump import read_mysqldump
from smalldumps import everything, mysqldump, pieces_of

PIECE, SMALL, TIMES = 1 << 16, 1 << 19, 4  # all but the first in many pieces
CREATE = "CREATE TABLE `t` (`a` int, `b` longtext, `c` longblob);\n"
INSERT = b"INSERT INTO `t` VALUES "


def repeated(piece: bytes, size: int) -> bytes:
    return piece * (size // len(piece))


def rows(row: bytes, size: int, between: bytes = b",") -> bytes:
    return INSERT + between.join([row] * (size // len(row + between))) + b";\n"


CRAFTED = {
    "a text of doubled quotes": lambda n: INSERT + b"(1,'" + repeated(b"''", n) + b"','');\n",
    "a text of backslashes": lambda n: INSERT + b"(1,'" + repeated(b"\\\\", n) + b"','');\n",
    "a blob of escapes": lambda n: INSERT + b"(1,'',_binary '" + repeated(b"\\0\\'", n) + b"');\n",
    "a text without end": lambda n: INSERT + b"(1,'" + repeated(b"a''\\'", n),
    "one line": lambda n: rows(b"(1,'it\\'s','x')", n),
    "one row a statement": lambda n: rows(b"(1,'a','x')", n, b";\n" + INSERT),
    "statements parted by odd blanks": lambda n: rows(b"(1,'a','x')", n, b"; \t\n" + INSERT),
    "rows of two forms": lambda n: rows(b"(1,'a','x'),(2, 'b' ,'y')", n),
    "a quote escaped outside": lambda n: rows(b"(\\N,'a',\\'x')", n),
    "empty values": lambda n: rows(b"(,,)", n),
    "open parentheses": lambda n: INSERT + repeated(b"(", n) + b";\n",
    "semicolons": lambda n: INSERT + repeated(b"(1,'a','x');", n) + b"\n",
    "headers in text": lambda n: INSERT + b"(1,'" + repeated(b";\n" + INSERT + b"(", n) + b"','');",
}


def seconds_for(folder: Path, content: bytes) -> float:
    path = folder / "dump"
    path.write_bytes(mysqldump(CREATE, content))
    began = time.process_time()
    try:
        reader = read_mysqldump(path)
        for batch in reader.batches(everything(reader)):
            assert batch.frame.height
        reader.row_counts()
    except (DumpDamagedError, DumpFormatError):
        pass  # refused, which is to be as quick
    return time.process_time() - began


@pytest.mark.parametrize("kind", CRAFTED)
def test_time_grows_with_the_size_and_not_with_its_square(tmp_path, kind):
    with pieces_of(PIECE):
        small, large = (
            min(seconds_for(tmp_path, CRAFTED[kind](size)) for _ in range(2))
            for size in (SMALL, TIMES * SMALL)
        )
    assert large < 10 * max(small, 0.02), (small, large)
