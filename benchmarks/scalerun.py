"""Inventory and plan of a made-up archive, each stage in a process of its own.

`scalerun.py inventory|plan|proved|status ARCHIVE JOB` does what the stage does from the catalog on:
the comparison with the disk takes the listing that the walk would give it; no files are there.
`proved` puts on record that all was sent, with twelve changes each, and found at the target; by the
function that sending and verifying call, without a target.
"""

import sys
from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

import polars as pl
import sqlalchemy as sa
from scalecatalog import MOUNT, ROOT

from pacslift.adapter import load_adapters, shipped_folder
from pacslift.inventory.catalog import scan_catalog
from pacslift.inventory.ranges import scratch_folder
from pacslift.inventory.reconcile import Verdicts
from pacslift.inventory.take import Storage, compare
from pacslift.ledger import INSTANCES, InstanceState, Ledger
from pacslift.ledger_tables import IS_PLANNED
from pacslift.plan.make import in_batches, make_plan
from pacslift.plan.mapping import Reviewed
from pacslift.verify.tell import account_now

ADAPTER = "dcm4chee2"
AT_ONCE = 10_000  # results in one commit; sending has a few hundred
REVISION = "5e1d" * 16
ASKED = ("instance_key", "sop_instance_uid", "sop_class_uid", "series_instance_uid",
         "study_instance_uid", "study_date")  # fmt: skip
CHANGED = ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "IssuerOfPatientID",
           "StudyID", "StudyDate", "StudyTime", "AccessionNumber", "StudyDescription",
           "SeriesDescription", "BodyPartExamined")  # fmt: skip


def inventory(archive: Path, job: Path) -> None:
    """Catalog against disk; gives verdicts-*.parquet."""
    disk = pl.scan_parquet(archive / "disk.parquet")
    storage = Storage({ROOT: MOUNT}, (), "none")
    adapter = load_adapters([shipped_folder()])[ADAPTER]
    with scratch_folder(job) as scratch:
        found = compare(adapter, scan_catalog(archive), storage, disk, scratch)
        found.verdicts.write(job)


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


def proved(_archive: Path, job: Path) -> None:
    """All that is planned, as sent and verified, in the order of the plan."""
    ledger = Ledger(job / "ledger.db")
    query = (
        sa.select(*(INSTANCES.c[name] for name in ASKED))
        .where(IS_PLANNED)
        .order_by(INSTANCES.c.position, INSTANCES.c.instance_key)
        .limit(AT_ONCE)
    )
    while rows := list(ledger.rows(query)):
        changes = [
            {"instance_key": row["instance_key"], **change}
            for row in rows
            for change in changes_of(row["series_instance_uid"])
        ]
        ledger.record([result_of(row) for row in rows], changes)
    ledger.close()


def result_of(row: Mapping[str, str]) -> dict[str, Any]:
    """What the ledger is told of an object that was sent (send/deliver.py) and verified."""
    uid, study = row["sop_instance_uid"], row["study_instance_uid"].rpartition(".")[2]
    return {
        "instance_key": row["instance_key"],
        "state": InstanceState.VERIFIED.value,
        "cause": None,
        "detail": None,
        "attempts": 1,
        "status": 0,
        "seconds": 0.01 + len(uid) / 7919,
        "file": None,
        "stored_at": "2026-11-22T10:00:00+00:00",
        "verified_at": "2026-11-22T12:00:00+00:00",
        "sop_class_uid": row["sop_class_uid"],
        "study_instance_uid": row["study_instance_uid"],
        "series_instance_uid": row["series_instance_uid"],
        "transfer_syntax_uid": "1.2.840.10008.1.2.1",
        "sop_instance_uid": uid,
        "patient_id": f"P{study}",
        "issuer_of_patient_id": "HOSPITAL",
        "patient_name": f"NAME{study}^GIVEN",
        "patient_birth_date": "19510203",
        "accession_number": f"A{study}",
        "sent_study_date": row["study_date"],
        "bytes": 526_000,
        "envelope": None,
        "digest": f"blake3:{blake2b(uid.encode(), digest_size=32).hexdigest()}",  # as long
        "sent_under": REVISION,
    }


@lru_cache(maxsize=4)
def changes_of(series: str) -> tuple[dict[str, str], ...]:
    """Twelve elements that the database has otherwise, with values of the *series*."""
    old, new = f"OLD VALUE {series[-7:]}", f"NEW VALUE {series[-7:]}"
    return tuple(
        {"rule": "DB", "keyword": keyword, "before": old, "after": new} for keyword in CHANGED
    )


def status(_archive: Path, job: Path) -> None:
    """The account, as `pacslift status` asks for it; a RuntimeError if it does not balance."""
    ledger = Ledger(job / "ledger.db")
    account = account_now(ledger)
    ledger.close()
    if not account.balanced:
        raise RuntimeError(f"the account does not balance: {account}")


if __name__ == "__main__":
    stages = {one.__name__: one for one in (inventory, plan, proved, status)}
    stages[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
