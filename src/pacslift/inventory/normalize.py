"""Canonical values out of the old database's text: one Polars expression each, pure.

A value that cannot be made canonical becomes null and keeps its raw text beside; nothing is
guessed (two-digit years and day-month-year dates are not read).
"""

from collections.abc import Mapping

import polars as pl

DATE = r"^(\d{4})[-./]?(\d{2})[-./]?(\d{2})(?:[ T].*)?$"  # 20170607, 2017-06-07, 2017.06.07 …
TIME = r"^(\d{2}):?(\d{2})?:?(\d{2})?(\.\d{1,6})?\d*$"  # PS3.5 6.2 TM, with or without colons


def text(column: str) -> pl.Expr:
    """Value without the padding that PS3.5 6.2 and fixed-width columns add; null if empty."""
    stripped = pl.col(column).str.strip_chars("\0 ")
    return pl.when(stripped == "").then(None).otherwise(stripped)


def identifier(column: str) -> pl.Expr:
    """As text(), but an empty value stays empty: an empty Patient ID is a fact, null is none."""
    return pl.col(column).str.strip_chars("\0 ")


def date(column: str) -> pl.Expr:
    """DA (YYYYMMDD) from DA, ISO or ACR-NEMA spelling; null where it is no day of the calendar."""
    parts = [text(column).str.extract(DATE, group) for group in (1, 2, 3)]
    joined = pl.concat_str(parts)
    return pl.when(joined.str.to_date("%Y%m%d", strict=False).is_not_null()).then(joined)


def time(column: str) -> pl.Expr:
    """TM (HHMMSS.FFFFFF, as many parts as given); null where it is no time of day."""
    hours, minutes, seconds, fraction = (
        text(column).str.extract(TIME, group) for group in (1, 2, 3, 4)
    )
    legal = (
        (hours.cast(pl.Int8, strict=False) <= 23)  # noqa: PLR2004
        & (minutes.fill_null("0").cast(pl.Int8, strict=False) <= 59)  # noqa: PLR2004
        & (seconds.fill_null("0").cast(pl.Int8, strict=False) <= 60)  # noqa: PLR2004 - leap second
    )
    fraction = pl.when(seconds.is_not_null()).then(fraction)
    parts = [hours, *(part.fill_null("") for part in (minutes, seconds, fraction))]
    return pl.when(legal).then(pl.concat_str(parts))


def unknown_codes(rows: pl.LazyFrame, column: str, known: Mapping[str, str]) -> pl.DataFrame:
    """Codes in *column* that *known* does not list: code, rows; most frequent first.

    A key "a..b" of *known* stands for the whole numbers from a to b.
    """
    code = pl.col(column)
    listed = code.is_in(list(known))
    for key in known:
        low, dots, high = key.partition("..")
        if dots:
            listed |= (
                code.cast(pl.Int64, strict=False)
                .is_between(int(low), int(high))
                .fill_null(value=False)
            )
    return (
        rows.filter(code.is_not_null() & ~listed)
        .group_by(code.alias("code"))
        .agg(rows=pl.len())
        .sort(["rows", "code"], descending=[True, False])
        .collect()
    )
