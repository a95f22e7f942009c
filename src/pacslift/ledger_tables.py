"""The ledger's closed lists of states, and its tables. SQLite and PostgreSQL take them alike.

Times are UTC in ISO 8601. What is patient data is marked so; all else may be shown.
"""

from enum import StrEnum

import sqlalchemy as sa


class InstanceState(StrEnum):
    """Where an instance row of the dump is; the eight of them sum up to the rows."""

    PLANNED = "planned"
    STORED = "stored"
    STORED_CHANGED = "stored_changed"  # stored with a warning status; never counted as clean
    FAILED = "failed"
    SET_ASIDE = "set_aside"
    VERIFIED = "verified"
    MISSING_AT_TARGET = "missing_at_target"
    DIFFERS_AT_TARGET = "differs_at_target"


class FileState(StrEnum):
    """What a file of the storage is; the sum is the files on disk."""

    USED = "used"  # the copy that an instance is read from
    SPARE_COPY = "spare_copy"  # a further copy that the dump names, lower in rank
    WITHHELD = "withheld"  # of an instance that the old database marks as deleted, hidden, merged …
    ATTACHMENT = "attachment"  # the dump names it, as something that is no instance
    INDEX = "index"  # the dump itself, lying inside the storage
    ORPHAN = "orphan"  # an object that no row names
    ORPHAN_DUPLICATE = "orphan_duplicate"  # one whose SOP Instance UID a row does name
    NOT_DICOM = "not_dicom"  # no row names it and it is no DICOM object
    UNREADABLE = "unreadable"


# Sent, or asked for, without the result that was hoped for.
TRIED = (
    InstanceState.FAILED,
    InstanceState.MISSING_AT_TARGET,
    InstanceState.DIFFERS_AT_TARGET,
)

metadata = sa.MetaData()

META = sa.Table(
    "meta",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)


def one_of(column: str, kind: type[StrEnum]) -> sa.CheckConstraint:
    """A constraint that keeps *column* to the values of *kind*."""
    return sa.CheckConstraint(f"{column} IN ({', '.join(repr(k.value) for k in kind)})")


INSTANCES = sa.Table(
    "instances",
    metadata,
    sa.Column("instance_key", sa.Text, primary_key=True),  # the old system's own key
    sa.Column("sop_instance_uid", sa.Text, nullable=False, index=True),
    sa.Column("sop_class_uid", sa.Text),
    sa.Column("series_instance_uid", sa.Text),
    sa.Column("study_instance_uid", sa.Text, index=True),
    sa.Column("study_date", sa.Text),  # DA
    sa.Column("position", sa.Integer, nullable=False, index=True),  # place in the order of sending
    sa.Column("transfer_syntax_uid", sa.Text),  # expected, then as sent
    sa.Column("state", sa.Text, nullable=False, index=True),
    sa.Column("cause", sa.Text),
    sa.Column("detail", sa.Text),  # no patient data
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("status", sa.Integer),  # C-STORE status, PS3.4 B.2.3
    sa.Column("bytes", sa.Integer),  # of the Data Set sent
    sa.Column("digest", sa.Text),  # sha256 of the Data Set sent
    sa.Column("patient_id", sa.Text),  # as sent; patient data, never shown
    sa.Column("envelope", sa.Text),  # envelope repairs, by rule id
    sa.Column("file", sa.Text),  # the file it was read from, below its mount
    sa.Column("seconds", sa.Float),
    sa.Column("stored_at", sa.Text),  # UTC
    sa.Column("verified_at", sa.Text),  # UTC
    one_of("state", InstanceState),
)

CANDIDATES = sa.Table(  # where an instance's copies lie, best rank first
    "candidates",
    metadata,
    sa.Column("instance_key", sa.Text, primary_key=True),
    sa.Column("rank", sa.Integer, primary_key=True),
    sa.Column("mount", sa.Text, nullable=False),
    sa.Column("relative", sa.Text, nullable=False),
    sa.Column("container", sa.Text),
    sa.Column("member", sa.Text),  # entry of a container that holds several objects
    sa.Column("size_bytes", sa.Integer),
    sa.Column("digest_algorithm", sa.Text),
    sa.Column("digest", sa.Text),
    sqlite_with_rowid=False,
)

FILES = sa.Table(
    "files",
    metadata,
    sa.Column("mount", sa.Text, primary_key=True),
    sa.Column("relative", sa.Text, primary_key=True),
    sa.Column("size_bytes", sa.Integer),
    sa.Column("state", sa.Text, nullable=False, index=True),
    sa.Column("instance_key", sa.Text),
    sa.Column("detail", sa.Text),
    one_of("state", FileState),
    sqlite_with_rowid=False,
)

CHANGES = sa.Table(
    "changes",
    metadata,
    sa.Column("instance_key", sa.Text, nullable=False, index=True),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("keyword", sa.Text, nullable=False),
    sa.Column("before", sa.Text),
    sa.Column("after", sa.Text),
)

FINDINGS = sa.Table(  # what the operator should know and stops nothing
    "findings",
    metadata,
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("sentence", sa.Text, nullable=False),
)

CONTEXTS = sa.Table(  # what the target said to a pair of SOP class and transfer syntax
    "contexts",
    metadata,
    sa.Column("sop_class_uid", sa.Text, primary_key=True),
    sa.Column("transfer_syntax_uid", sa.Text, primary_key=True),
    sa.Column("accepted", sa.Boolean, nullable=False),
)
