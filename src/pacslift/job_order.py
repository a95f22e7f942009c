"""In which order a job sends: what [order] of job.toml says. It decides no byte of what is sent."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pacslift.errors import JobFileError, MappingError
from pacslift.job_text import quote

NEWEST, PRIORITY, PATH = "newest", "priority", "path"
KINDS = (NEWEST, PRIORITY, PATH)
KEYS = frozenset({"by", "csv"})  # of [order]


@dataclass(frozen=True, slots=True)
class Order:
    """*by* is newest study first, by a CSV file of priorities, or by medium and path."""

    by: str = NEWEST
    csv: Path | None = None  # for priority


NEWEST_FIRST = Order()


def order_from(folder: Path, said: Mapping[str, Any]) -> Order:
    """[order] of job.toml; a relative path counts from *folder*. JobFileError if it is wrong."""
    by, csv = said.get("by", NEWEST), said.get("csv")
    if by not in KINDS:
        raise JobFileError(f"[order] by is {by!r}; it must be one of {', '.join(KINDS)}")
    if csv is not None and not (isinstance(csv, str) and csv):
        raise JobFileError(f"[order] csv is {csv!r}; it must be the path of a CSV file")
    if (csv is None) == (by == PRIORITY):
        met = "no csv" if csv is None else "a csv"
        raise JobFileError(
            f'[order] by is {by!r} and there is {met}; by = "priority" needs csv, '
            "the path of a CSV file, and no other order has one"
        )
    return Order(by, folder / csv if csv else None)


def order_of(text: str) -> Order:
    """The order as the command line takes it: newest, path, or a CSV file of priorities."""
    if text in (NEWEST, PATH):
        return Order(text)
    return Order(PRIORITY, Path(text).expanduser().resolve())


def order_lines(order: Order) -> str:
    """[order] as job.toml has it; nothing for newest first."""
    if order == NEWEST_FIRST:
        return ""
    csv = f"csv = {quote(str(order.csv))}\n" if order.csv else ""
    return f"\n[order]\nby = {quote(order.by)}\n{csv}"


def order_print(order: Order) -> tuple[str, ...]:
    """What a plan's order hangs on; nothing for newest first. MappingError as csv_bytes()."""
    if order == NEWEST_FIRST:
        return ()
    return order.by, hashlib.sha256(csv_bytes(order.csv)).hexdigest() if order.csv else ""


def csv_bytes(path: Path) -> bytes:
    """The file of priorities. MappingError if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise MappingError(
            f"the priorities {path} cannot be read: {error.strerror}; mend [order] in job.toml"
        ) from error
