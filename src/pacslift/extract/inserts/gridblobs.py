r"""Blobs of a grid of rows, as bytes, many thousand escapes at a time.

Strategy: a blob stands in quotes, mostly after _binary, or in hexadecimal after 0x (--hex-blob).
The bytes between the quotes are put end to end, which parts no escape, then backslashes are
resolved by bits (quoting.py) and the bytes too many left out; Polars cuts the result at the places
that the values then have.
"""

import numpy as np
import polars as pl
from polars.exceptions import PolarsError

from pacslift.extract.inserts.literals import unescaped
from pacslift.extract.inserts.quoting import Flags, Places, Quoting, Text, places_of

_QUOTE = ord("'")
_PREFIX = len("_binary ")
_PAIRS = [unescaped(b"\\" + bytes([code])) for code in range(256)]
_MEANING = np.array([pair[-1] for pair in _PAIRS], np.uint8)
_KEPT = np.array([len(pair) > 1 for pair in _PAIRS])  # the backslash stays before it: \% and \_


def blobs(text: Text, starts: Places, ends: Places, nulls: Flags) -> pl.Series | None:
    """The values whose literals stand in *text* from *starts* to *ends*; None for other forms."""
    first = text[starts]
    digits = (first == ord("0")) & (text[starts + 1] == ord("x"))
    begins = starts + np.where(first == ord("_"), _PREFIX, 0)
    fits = begins < ends - 1
    quoted = fits & (text[np.where(fits, begins, starts)] == _QUOTE)
    if digits.any():
        empty = quoted & (ends - begins == len("''"))
        whole = digits | empty | nulls
        return _from_digits(text, starts, ends, digits, nulls) if whole.all() else None
    if not (quoted | nulls).all():
        return None
    return _from_quoted(text, begins + 1, np.where(nulls, begins + 1, ends - 1), nulls)


def _from_digits(
    text: Text, starts: Places, ends: Places, digits: Flags, nulls: Flags
) -> pl.Series | None:
    lengths = np.where(digits, ends - starts - len("0x"), 0)
    try:
        written = cut(as_one(text), starts + len("0x"), lengths).cast(pl.String)
    except PolarsError:
        return None
    values = written.str.decode("hex", strict=False)
    return None if values.null_count() else without(values, nulls)


def _from_quoted(text: Text, starts: Places, ends: Places, nulls: Flags) -> pl.Series:
    view = text.data
    spans = zip(starts.tolist(), ends.tolist(), strict=True)
    joined = np.frombuffer(b"".join([view[a:b] for a, b in spans]), np.uint8)
    places = np.concatenate([[0], np.cumsum(ends - starts)])
    if len(joined):
        joined, places = _resolved(joined, places)
    return without(cut(as_one(joined), places[:-1], np.diff(places)), nulls)


def _resolved(joined: Text, places: Places) -> tuple[Text, Places]:
    """What *joined* texts mean, and their *places* in that."""
    escaped, quotes = (places_of(bits) for bits in Quoting().escaped_and_quotes(joined))
    kept = _KEPT[joined[escaped]]
    dropped = escaped[~kept] - 1
    if len(quotes):  # written twice
        dropped = np.sort(np.concatenate([dropped, quotes[::2]]))
    if not len(dropped):
        return joined, places
    meant = joined.copy()
    meant[escaped] = _MEANING[joined[escaped]]
    stays = np.ones(len(joined), np.bool_)
    stays[dropped] = False
    return meant[stays], places - np.searchsorted(dropped, places)


def as_one(text: Text) -> pl.Expr:
    """*text* as one value, to be cut."""
    return pl.lit(pl.Series([text.tobytes()], dtype=pl.Binary)).first()


def cut(source: pl.Expr, starts: Places, lengths: Places) -> pl.Series:
    """Pieces of *source*, as bytes."""
    pieces = pl.DataFrame({"start": starts, "length": lengths})
    return pieces.select(source.bin.slice("start", "length")).to_series()


def without(values: pl.Series, nulls: Flags) -> pl.Series:
    """*values*, but null where *nulls* says so."""
    places = np.flatnonzero(nulls)
    return values.scatter(places, None) if len(places) else values
