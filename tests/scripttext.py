"""What the tests of all SQL scripts share."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import strategies as st

from pacslift.errors import PacsliftError
from pacslift.extract.packed import window
from pacslift.extract.scripts import scriptrows, textsource
from pacslift.extract.shapes import DumpReader
from pacslift.extract.terms import Charsets, Terms
from pacslift.extract.truncation import Truncation
from smalldumps import rows_of

# What breaks readers that look for quotes, commas and terminators in the wrong places.
HOSTILE = st.one_of(
    st.sampled_from(["NULL", "null", "", "'", "''", "),(", "');", "\nGO\n", "\n/\n", "\\", "\\n",
                     "\\'", "--", "/*", "*/", "N'", "q'[", "]'", "\\u0041", "0x41", "a,b", "(",
                     "INSERT INTO t", " ", "\r\n", "\t", "]]", "\\N", "é€😀", "||"]),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12),
)  # fmt: skip
TEXTS = st.lists(HOSTILE, max_size=4).map("".join)


@contextmanager
def cut_into(size: int) -> Iterator[None]:
    """Readers of scripts take in their text in pieces of so many bytes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(window, "PIECE", size)
        patch.setattr(scriptrows, "_STRETCH", size)
        patch.setattr(scriptrows, "_LOOK", 64)
        patch.setattr(textsource, "_STEP", size)
        yield


def terms(charsets: Mapping[str, str], *, accepted: bool = False) -> Terms:
    """A job's word on character sets, and on dumps that end early."""
    return Terms(Charsets.of(charsets), Truncation(accepted=accepted))


def outcome(read: Callable[[Path], DumpReader], path: Path, table: str) -> object:
    """The rows of *table*, or the words of the error."""
    try:
        return rows_of(read(path), table)
    except PacsliftError as error:
        return str(error)
