"""Files opened beforehand: a sample of each kind, or all, as the job says.

A sample shows which kinds of object there are, so that they can be proposed to the target, and
whether something is wrong with the storage as a whole.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import polars as pl

from pacslift.errors import SetAsideError
from pacslift.inventory.catalog import WITHOUT_HEADER
from pacslift.inventory.duplicates import Verdict, against
from pacslift.inventory.probe import Probed, probe
from pacslift.unforeseen import one_object

SAMPLE_PER_KIND = 20  # files opened of each SOP class, transfer syntax and mount
KIND = ("sop_class_uid", "transfer_syntax_uid", "mount")

Pair = tuple[str, str]  # SOP Class UID, Transfer Syntax UID
Keep = Callable[[pl.DataFrame], None]


def probe_sample(
    chosen: Iterable[pl.DataFrame], mode: str, keep: Keep
) -> tuple[dict[Pair, int], list[str]]:
    """Open files as far as *mode* says; gives pairs with their number, and findings.

    *chosen* has the copies to read, in the order of their instances, and is gone through twice.
    Faults (AGAINST) go to *keep* only with "all"; those of a sample are met again at sending.
    """
    if mode == "none":
        return {}, []
    if mode == "all":
        return probe_rows(map(with_header, chosen), probe_or_fault, keep)
    return probe_rows(sampled(chosen), probe_or_fault, lambda _: None)


def with_header(rows: pl.DataFrame) -> pl.DataFrame:
    """*rows* without those of what is only pixels, which says nothing of itself."""
    return rows.filter(~pl.col("container").fill_null("").is_in(WITHOUT_HEADER))


def sampled(chosen: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Of each kind every so many-th row, SAMPLE_PER_KIND at most."""
    counts = pl.concat([with_header(part).group_by(KIND).len() for part in chosen])
    step = (pl.col("rows") / SAMPLE_PER_KIND).ceil().cast(pl.Int64)
    before = counts.group_by(KIND).agg(rows=pl.col("len").sum()).with_columns(
        step=step, seen=pl.lit(0, pl.Int64)
    )  # fmt: skip
    for part in map(with_header, chosen):
        nth = pl.col("seen") + pl.int_range(pl.len()).over(KIND)
        rows = part.join(before, on=KIND, how="left", nulls_equal=True, maintain_order="left")
        yield rows.filter(nth % pl.col("step") == 0).select(part.columns)
        now = part.group_by(KIND).agg(now=pl.len().cast(pl.Int64))
        more = before.join(now, on=KIND, how="left", nulls_equal=True)
        before = more.select(*KIND, "step", seen=pl.col("seen") + pl.col("now").fill_null(0))


def probe_or_fault(
    mount: Path, relative: str, container: str | None, member: str | None
) -> Probed | SetAsideError:
    """What probe() gives, or the error it raises."""
    try:
        with one_object():
            return probe(mount, relative, container, member)
    except SetAsideError as error:
        return error


def probe_rows(
    parts: Iterable[pl.DataFrame],
    look: Callable[[Path, str, str | None, str | None], Probed | SetAsideError],
    keep: Keep,
) -> tuple[dict[Pair, int], list[str]]:
    """Look at the rows of *parts*; gives pairs and findings, and what is against them to *keep*."""
    pairs: dict[Pair, int] = {}
    opened = faulty = 0
    example = ""
    for part in parts:
        opened += part.height
        faults: dict[str, Verdict] = {}
        for row in part.iter_rows(named=True):
            seen = look(Path(row["mount"]), row["relative"], row["container"], row["member"])
            if isinstance(seen, SetAsideError):
                faults[row["instance_key"]] = (seen.cause.value, seen.detail)
                example = example or f"instance {row['instance_key']}: {seen.detail}"
            else:
                pair = seen.sop_class_uid, seen.transfer_syntax_uid
                pairs[pair] = pairs.get(pair, 0) + 1
        faulty += len(faults)
        keep(against(faults))
    sentence = f"of {opened} files opened beforehand {faulty} are faulty, for example {example}"
    return pairs, [sentence] * bool(faulty)
