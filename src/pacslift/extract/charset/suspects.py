"""Accidents of character sets, looked for in a sample of the text that is extracted.

Strategy: of each column the first texts beyond ASCII are judged by mojibake.py, so that a dump of
any size costs the same. What is found is told with numbers of rows, never with the text, and is
mended only by a line under [charset] in job.toml: recoded() does that, value by value, and leaves
what the accident did not happen to.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import polars as pl

from pacslift.extract.charset.mojibake import (
    best_codecs,
    bytes_kept,
    controls_as_cp1252,
    is_plausible,
    utf8_once,
)
from pacslift.extract.shapes import ORIGIN_ROW, Batch
from pacslift.extract.terms import Charsets, Recoding

_MOST = 2000  # texts of a column that are judged
_PER_BATCH = 200  # of them, so that the sample is not of the oldest rows alone
_SHOWN = 5  # rows named
_LAYERS = 3  # as often was text seen to be encoded again


def undone(text: str, recoding: Recoding) -> str | None:
    """*text* mended; None where it did not have the accident."""
    if recoding is Recoding.LATIN1_IS_CP1252:
        return controls_as_cp1252(text)
    mended = None
    for _ in range(_LAYERS):
        once = utf8_once(text)
        if once is None:
            break
        mended = text = once
    return mended


def accident(text: str) -> Recoding | None:
    """Which accident *text* shows; None where it is plausible as it is, or not after mending."""
    if is_plausible(text):
        return None
    for recoding in Recoding:
        mended = undone(text, recoding)
        if mended is not None and is_plausible(mended):
            return recoding
    return None


@dataclass(slots=True)
class _Column:
    """What was sampled of one column. *bytes* are of texts that the dump's codec could not read."""

    judged: int = 0
    rows: dict[Recoding, list[int]] = field(default_factory=dict)
    unread: list[bytes] = field(default_factory=list)
    unread_rows: list[int] = field(default_factory=list)


class Suspects:
    """Judges batches as they pass, and says at the end what was met."""

    def __init__(self) -> None:
        self._columns: dict[tuple[str, str], _Column] = {}

    def look(self, batch: Batch) -> None:
        """Take a sample of *batch*."""
        unread = {bad.column for bad in batch.undecodable}
        for series in batch.frame:
            if series.dtype == pl.String and (
                beyond := _beyond_ascii(series, series.name in unread)
            ):
                column = self._columns.setdefault((batch.table, series.name), _Column())
                rows = batch.frame[ORIGIN_ROW].gather(beyond)
                for text, row in zip(series.gather(beyond), rows, strict=True):
                    if column.judged < _MOST:
                        _judge(column, text, row, unread=series.name in unread)

    def findings(self) -> Iterator[str]:
        """A sentence for each column and accident."""
        for (table, name), column in self._columns.items():
            where = f"table {table}, column {name}"
            for recoding, rows in column.rows.items():
                yield (
                    f"{where}: {len(rows)} of {column.judged} sampled texts beyond ASCII "
                    f"{_LOOKS[recoding]} ({_rows(rows)}). If so, mend them with the line "
                    f'"{table}.{name}" = "{recoding}" under [charset] in job.toml'
                )
            if column.unread:
                yield f"{where}: {_likely(column, table)}"


_LOOKS = {
    Recoding.UTF8_TWICE: "look like UTF-8 that was taken for Latin-1",
    Recoding.LATIN1_IS_CP1252: "look like Windows-1252 that was taken for ISO 8859-1",
}


def _beyond_ascii(series: pl.Series, unread: bool) -> list[int]:
    """Places of the first texts of a batch with other than ASCII, or with bytes kept as escapes."""
    odd = series.str.len_bytes() != series.str.len_chars()
    if unread:
        odd |= series.str.contains(r"\x", literal=True)
    places: list[int] = odd.arg_true().head(_PER_BATCH).to_list()
    return places


def _judge(column: _Column, text: str, row: int, *, unread: bool) -> None:
    column.judged += 1
    if found := accident(text):
        column.rows.setdefault(found, []).append(row)
    elif unread and "\\x" in text:
        column.unread.append(bytes_kept(text, "utf-8"))
        column.unread_rows.append(row)


def _likely(column: _Column, table: str) -> str:
    """Which codecs would read what the dump's own did not."""
    fit = best_codecs(column.unread)
    said = f"{len(column.unread)} of {column.judged} sampled texts beyond ASCII"
    rows = _rows(column.unread_rows)
    if not fit.codecs:
        return f"{said} are not in the dump's character set, nor in any other known one ({rows})"
    if fit.alike:
        others = f" (or {', '.join(fit.codecs[1:])}, alike)" if fit.codecs[1:] else ""
        which = f"would be plausible in {fit.codecs[0]}{others}"
    else:
        which = f"would be plausible in {' or in '.join(fit.codecs)}, each in another way"
    return (
        f"{said} are not in the dump's character set; {fit.plausible} of them {which} ({rows}). "
        f'If so, put "{table}" = "{fit.codecs[0]}" under [charset] in job.toml'
    )


def _rows(rows: Sequence[int]) -> str:
    shown = ", ".join(str(row) for row in rows[:_SHOWN])
    return f"row{'s' if len(rows) > 1 else ''} {shown}{' …' if len(rows) > _SHOWN else ''}"


@dataclass(slots=True)
class _Done:
    mended: int = 0
    left: int = 0
    first_left: int = 0


class Mender:
    """Undoes the recodings that the job names, and counts."""

    def __init__(self, charsets: Charsets) -> None:
        self._charsets = charsets
        self._done: dict[tuple[str, str, Recoding], _Done] = {}

    def mended(self, batch: Batch) -> Batch:
        """*batch* with the columns that [charset] names mended."""
        changed = [
            self._column(batch, series, recoding)
            for series in batch.frame
            if series.dtype == pl.String
            and (recoding := self._charsets.recoding(batch.table, series.name))
        ]
        if not changed:
            return batch
        return Batch(batch.table, batch.frame.with_columns(changed), batch.undecodable)

    def findings(self) -> Iterator[str]:
        """How many texts were mended, and how many were not of the kind."""
        for (table, name, recoding), done in self._done.items():
            left = (
                f"; {done.left} beyond ASCII are not of that kind and were left, the first in row "
                f"{done.first_left}"
                if done.left
                else ""
            )
            yield (
                f'table {table}, column {name}: {done.mended} texts were mended by "{recoding}" '
                f"under [charset] in job.toml{left}"
            )

    def _column(self, batch: Batch, series: pl.Series, recoding: Recoding) -> pl.Series:
        done = self._done.setdefault((batch.table, series.name, recoding), _Done())
        odd = (series.str.len_bytes() != series.str.len_chars()) | series.str.contains(
            r"\x", literal=True
        )
        places = odd.arg_true().to_list()
        texts = series.gather(places).to_list()
        mended = [undone(text, recoding) for text in texts]
        left = [p for p, text in zip(places, mended, strict=True) if text is None]
        done.mended += len(places) - len(left)
        if left and not done.left:
            done.first_left = batch.frame[ORIGIN_ROW][left[0]]
        done.left += len(left)
        new = [text if text is not None else old for text, old in zip(mended, texts, strict=True)]
        return series.scatter(places, pl.Series(new, dtype=pl.String)) if places else series
