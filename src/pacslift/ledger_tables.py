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


class OverlayKind(StrEnum):
    """Whose word an overlay is; of two that say the same element the later kind wins."""

    FACTS = "FACTS"  # overlays nothing: what the database says that a rule may ask for
    DATABASE = "DB"  # the ids by which changes name them
    MAPPING = "MAP"


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
    sa.Column("study_date", sa.Text),  # DA, as the old database has it
    sa.Column("position", sa.Integer, nullable=False, index=True),  # place in the order of sending
    sa.Column("transfer_syntax_uid", sa.Text),  # expected, then as sent
    sa.Column("state", sa.Text, nullable=False, index=True),
    sa.Column("cause", sa.Text),
    sa.Column("detail", sa.Text),  # no patient data
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("status", sa.Integer),  # C-STORE status, PS3.4 B.2.3
    sa.Column("bytes", sa.BigInteger),  # of the Data Set sent
    sa.Column("digest", sa.Text),  # sha256 of the Data Set sent
    sa.Column("sent_under", sa.Text),  # the job revision under which that was
    # as sent; patient data, never shown
    sa.Column("patient_id", sa.Text),
    sa.Column("issuer_of_patient_id", sa.Text),
    sa.Column("patient_name", sa.Text),
    sa.Column("patient_birth_date", sa.Text),
    sa.Column("accession_number", sa.Text),
    sa.Column("sent_study_date", sa.Text),
    sa.Column("overlays", sa.Text),  # keys of OVERLAYS that all of its series has, with spaces
    sa.Column("own_overlay", sa.Text),  # key of the one that it has for itself
    sa.Column("envelope", sa.Text),  # envelope repairs, by rule id
    sa.Column("file", sa.Text),  # the file it was read from, below its mount
    sa.Column("seconds", sa.Float),
    sa.Column("stored_at", sa.Text),  # UTC
    sa.Column("verified_at", sa.Text),  # UTC
    one_of("state", InstanceState),
)

EARLIER = sa.Table(  # how instances that are being planned anew were sent; else empty
    "earlier",
    metadata,
    sa.Column("instance_key", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text),
    sa.Column("sent_under", sa.Text),
)

CANDIDATES = sa.Table(  # where an instance's copies lie, best rank first
    "candidates",
    metadata,
    sa.Column("instance_key", sa.Text, primary_key=True),
    sa.Column("rank", sa.Integer, primary_key=True),
    sa.Column("mount", sa.Text, nullable=False),
    sa.Column("relative", sa.Text, nullable=False),
    sa.Column("container", sa.Text),
    sa.Column("member", sa.Text),  # entry of a container, or the header of a split object
    sa.Column("size_bytes", sa.BigInteger),
    sa.Column("digest_algorithm", sa.Text),
    sa.Column("digest", sa.Text),
    sqlite_with_rowid=False,
)

# What the old database or a mapping says of objects: patient data. The key is a digest of kind and
# content, so that equal ones are kept once and a plan made again finds those it had.
OVERLAYS = sa.Table(
    "overlays",
    metadata,
    sa.Column("overlay_key", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("attributes", sa.Text, nullable=False),  # DICOM JSON model, PS3.18 F; FACTS: names
    one_of("kind", OverlayKind),
    sqlite_with_rowid=False,
)

UIDS = sa.Table(  # UIDs that a rule replaces in all objects, and by which
    "uids",
    metadata,
    sa.Column("old", sa.Text, primary_key=True),
    sa.Column("new", sa.Text, nullable=False, unique=True),
    sqlite_with_rowid=False,
)

FILES = sa.Table(
    "files",
    metadata,
    sa.Column("mount", sa.Text, primary_key=True),
    sa.Column("relative", sa.Text, primary_key=True),
    sa.Column("size_bytes", sa.BigInteger),
    sa.Column("state", sa.Text, nullable=False, index=True),
    sa.Column("instance_key", sa.Text),
    sa.Column("detail", sa.Text),
    one_of("state", FileState),
    sqlite_with_rowid=False,
)

CHANGES = sa.Table(  # every element that went out otherwise than it was stored; patient data
    "changes",
    metadata,
    sa.Column("instance_key", sa.Text, nullable=False, index=True),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("keyword", sa.Text, nullable=False),
    sa.Column("before", sa.Text),
    sa.Column("after", sa.Text),
)

RESENT = "RESENT"  # the rule under which other bytes than before are on record
IS_RESENT = CHANGES.c.rule == sa.literal_column(f"'{RESENT}'")
# Few changes are of that rule, and a job may have a thousand million of others.
sa.Index(
    "changes_resent", CHANGES.c.instance_key, sqlite_where=IS_RESENT, postgresql_where=IS_RESENT
)

IS_CHARSET = CHANGES.c.rule.in_([sa.literal_column("'T01'"), sa.literal_column("'T02'")])
sa.Index("changes_charset", CHANGES.c.instance_key, CHANGES.c.after, sqlite_where=IS_CHARSET,
         postgresql_where=IS_CHARSET)  # fmt: skip

DIFFERENCES = sa.Table(  # what the target lists of a study otherwise than it was sent
    "differences",
    metadata,
    sa.Column("study_instance_uid", sa.Text, nullable=False, index=True),
    sa.Column("keyword", sa.Text, nullable=False),
    sa.Column("sent", sa.Text),  # patient data
    sa.Column("found", sa.Text),  # patient data
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
