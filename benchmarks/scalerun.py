"""Inventory and plan of a made-up archive, each stage in a process of its own.

`scalerun.py inventory|plan|status ARCHIVE JOB` does what the stage does from the catalog on: the
comparison with the disk takes the listing that the walk would give it, since no files are there.
"""

import sys
from pathlib import Path

import polars as pl

from pacslift.adapter import load_adapters, shipped_folder
from pacslift.inventory.catalog import read_catalog, scan_catalog
from pacslift.inventory.ranges import scratch_folder
from pacslift.inventory.reconcile import Verdicts
from pacslift.inventory.take import compare
from pacslift.ledger import Ledger
from pacslift.plan.make import in_batches, make_plan
from pacslift.plan.mapping import Reviewed
from pacslift.verify.tell import account_now

MOUNT = Path("/srv/old")
ADAPTER = "dcm4chee2"


def inventory(archive: Path, job: Path) -> None:
    """Catalog against disk; gives verdicts-*.parquet."""
    disk = pl.read_parquet(archive / "disk.parquet")
    adapter = load_adapters([shipped_folder()])[ADAPTER]
    found = compare(adapter, read_catalog(archive), {"archive": MOUNT}, disk, (), "none")
    found.reconciled.write(job)


def plan(archive: Path, job: Path) -> None:
    """The plan, into the ledger."""
    adapter = load_adapters([shipped_folder()])[ADAPTER]
    ledger = Ledger(job / "ledger.db")
    found = Verdicts.scan(job)
    with scratch_folder(job) as scratch:
        made = make_plan(
            adapter, scan_catalog(archive), found, Reviewed(), ledger.add_overlays, scratch
        )
        batches = (in_batches(rows) for rows in (made.instances, made.candidates, made.files))
        witnesses = in_batches(made.witnesses)
        ledger.replan(*batches, found.counted(), witnesses=witnesses)
    ledger.close()


def status(_archive: Path, job: Path) -> None:
    """The account, as `pacslift status` asks for it; a RuntimeError if it does not balance."""
    ledger = Ledger(job / "ledger.db")
    account = account_now(ledger)
    ledger.close()
    if not account.balanced:
        raise RuntimeError(f"the account does not balance: {account}")


if __name__ == "__main__":
    stages = {"inventory": inventory, "plan": plan, "status": status}
    stages[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
