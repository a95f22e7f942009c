"""Files opened beforehand: a sample of each kind, or all, as the job says.

A sample shows which kinds of object there are, so that they can be proposed to the target, and
whether something is wrong with the storage as a whole.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import polars as pl

from pacslift.errors import SetAsideError
from pacslift.inventory.catalog import WITHOUT_HEADER, Catalog
from pacslift.inventory.probe import Probed, probe
from pacslift.inventory.reconcile import Reconciled
from pacslift.unforeseen import one_object

SAMPLE_PER_KIND = 20  # files opened of each SOP class, transfer syntax and mount

Pair = tuple[str, str]  # SOP Class UID, Transfer Syntax UID


def probe_sample(
    catalog: Catalog, found: Reconciled, mode: str
) -> tuple[Reconciled, dict[Pair, int], list[str]]:
    """Open files as far as *mode* says; faults set their instances aside only with "all"."""
    if mode == "none":
        return found, {}, []
    expected = catalog["instances"].select("instance_key", "sop_instance_uid", "sop_class_uid")
    rows = (
        found.candidates.sort("instance_key", "rank")
        .unique("instance_key", keep="first", maintain_order=True)
        .join(found.instances.filter(pl.col("cause").is_null()), on="instance_key", how="semi")
        .join(expected, on="instance_key", maintain_order="left")
        # what is only pixels says nothing of itself
        .filter(~pl.col("container").fill_null("").is_in(WITHOUT_HEADER))
    )
    if mode == "sample":
        kind = "sop_class_uid", "transfer_syntax_uid", "mount"
        step = (pl.len().over(kind) / SAMPLE_PER_KIND).ceil().cast(pl.Int64)
        rows = rows.filter(pl.int_range(pl.len()).over(kind) % step == 0)
    return probe_rows(found, rows, probe_or_fault, keep_faults=mode == "all")


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
    found: Reconciled,
    rows: pl.DataFrame,
    look: Callable[[Path, str, str | None, str | None], Probed | SetAsideError],
    *,
    keep_faults: bool,
) -> tuple[Reconciled, dict[Pair, int], list[str]]:
    """Look at *rows*; give the verdicts with the faults if they are kept, pairs and findings."""
    pairs: dict[Pair, int] = {}
    faults: dict[str, tuple[str, str]] = {}
    for row in rows.iter_rows(named=True):
        seen = look(Path(row["mount"]), row["relative"], row["container"], row["member"])
        if isinstance(seen, SetAsideError):
            faults[row["instance_key"]] = (seen.cause.value, seen.detail)
        else:
            pair = seen.sop_class_uid, seen.transfer_syntax_uid
            pairs[pair] = pairs.get(pair, 0) + 1
    return found.with_verdicts(faults if keep_faults else {}), pairs, fault_finding(rows, faults)


def fault_finding(rows: pl.DataFrame, faults: Mapping[str, tuple[str, str]]) -> list[str]:
    """A sentence on the faults among the files that were opened, if there are any."""
    if not faults:
        return []
    key, (_, detail) = next(iter(faults.items()))
    sentence = f"of {rows.height} files opened beforehand {len(faults)} are faulty"
    return [f"{sentence}, for example instance {key}: {detail}"]
