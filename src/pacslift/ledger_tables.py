"""The ledger's closed lists of states, and its tables. SQLite and PostgreSQL take them alike.

What is patient data is marked so; all else may be shown. Ten million instances must fit into 3 GB:
what many have in common is kept once, and whoever reads takes the views of ledger_views.py, which
put it together again.
"""

import re
from datetime import UTC, datetime
from enum import StrEnum

import sqlalchemy as sa

HEX = re.compile(r"([0-9a-f]{2})+")
ALGORITHMS = ("", "blake3")  # of digests, as they are named before them; only ever longer


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


class Digest(sa.types.TypeDecorator[str]):
    """A digest as text, which SQLite keeps in half the room; any other text is kept as it is.

    <hex> or <algorithm>:<hex>, in lower case.
    """

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | bytes | None:
        """For the database."""
        if value is None or dialect.name != "sqlite":
            return value
        algorithm, _, digits = value.rpartition(":")
        if not HEX.fullmatch(digits) or algorithm not in ALGORITHMS:
            return value
        return bytes([ALGORITHMS.index(algorithm)]) + bytes.fromhex(digits)

    def process_result_value(self, value: str | bytes | None, dialect: sa.Dialect) -> str | None:
        """From the database."""
        del dialect
        if not isinstance(value, bytes):
            return value
        algorithm = ALGORITHMS[value[0]]
        return f"{algorithm}:{value[1:].hex()}" if algorithm else value[1:].hex()


class Moment(sa.types.TypeDecorator[str]):
    """A time, UTC in ISO 8601, kept as seconds since 1970."""

    impl = sa.Integer
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> int | None:
        """For the database."""
        del dialect
        return None if value is None else int(datetime.fromisoformat(value).timestamp())

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> str | None:
        """From the database."""
        del dialect
        return None if value is None else datetime.fromtimestamp(value, UTC).isoformat()


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


# What the instances of a series have in common, once; before they are sent and after. The key is a
# digest of all columns.
SHARED = sa.Table(
    "shared",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("study_instance_uid", sa.Text, index=True),
    sa.Column("study_date", sa.Text),  # DA, as the old database has it
    sa.Column("series_instance_uid", sa.Text),
    sa.Column("sop_class_uid", sa.Text),
    sa.Column("transfer_syntax_uid", sa.Text),  # expected, then as sent
    sa.Column("overlays", sa.Text),  # keys of OVERLAYS that all of its series has, with spaces
    sa.Column("envelope", sa.Text),  # envelope repairs, by rule id
    # as sent; patient data, never shown
    sa.Column("patient_id", sa.Text),
    sa.Column("issuer_of_patient_id", sa.Text),
    sa.Column("patient_name", sa.Text),
    sa.Column("patient_birth_date", sa.Text),
    sa.Column("accession_number", sa.Text),
    sa.Column("sent_study_date", sa.Text),
)
IN_COMMON = tuple(column.name for column in SHARED.c if column.name not in {"id", "key"})

REVISIONS = sa.Table(  # of the job, under which something was sent
    "revisions",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
)

IS_PLANNED = sa.literal_column("state") == sa.literal_column(f"'{InstanceState.PLANNED.value}'")
IS_NOT_PLANNED = sa.literal_column("state") != sa.literal_column(f"'{InstanceState.PLANNED.value}'")

INSTANCE_ROWS = sa.Table(
    "instance_rows",
    metadata,
    sa.Column("instance_key", sa.Text, primary_key=True),  # the old system's own key
    sa.Column("sop_instance_uid", sa.Text, nullable=False),
    sa.Column("shared_id", sa.Integer, nullable=False, index=True),
    sa.Column("position", sa.Integer, nullable=False),  # place in the order of sending
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("cause", sa.Text),
    sa.Column("detail", sa.Text),  # no patient data
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("status", sa.Integer),  # C-STORE status, PS3.4 B.2.3
    sa.Column("bytes", sa.BigInteger),  # of the Data Set sent
    sa.Column("digest", Digest),  # of the Data Set sent: "blake3:…", or sha256 if unnamed
    sa.Column("revision_id", sa.Integer),  # the job revision under which that was
    sa.Column("own_overlay", sa.Text),  # key of the overlay that it has for itself
    sa.Column("file", sa.Text),  # the file it was read from, below its mount, if not the first
    sa.Column("seconds", sa.Float),
    sa.Column("stored_at", Moment),
    sa.Column("verified_at", Moment),
    sa.Column("change_set_id", sa.Integer),
    one_of("state", InstanceState),
    # All that is to be sent is in the one, in order; what the account asks of others in the other.
    # Each row is in one of them, so that no database takes the one where it needs the other.
    sa.Index(
        "instance_rows_state",
        "state",
        "cause",
        sqlite_where=IS_NOT_PLANNED,
        postgresql_where=IS_NOT_PLANNED,
    ),
    sa.Index(
        "instance_rows_planned",
        "position",
        "instance_key",
        sqlite_where=IS_PLANNED,
        postgresql_where=IS_PLANNED,
    ),
)

EARLIER = sa.Table(  # how instances that are being planned anew were sent; else empty
    "earlier",
    metadata,
    sa.Column("instance_key", sa.Text, primary_key=True),
    sa.Column("digest", Digest),
    sa.Column("revision_id", sa.Integer),
)

PLACES = sa.Table(  # folders, with how their files are kept; the key is a digest of the others
    "places",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("mount", sa.Text, nullable=False),
    sa.Column("folder", sa.Text, nullable=False),  # below the mount: empty, or with a / at its end
    sa.Column("container", sa.Text),
    sa.Column("digest_algorithm", sa.Text),
)
OF_PLACE = tuple(column.name for column in PLACES.c if column.name not in {"id", "key"})

COPIES = sa.Table(  # where an instance's copies lie, best rank first
    "copies",
    metadata,
    sa.Column("instance_key", sa.Text, primary_key=True),
    sa.Column("rank", sa.Integer, primary_key=True),
    sa.Column("place_id", sa.Integer, nullable=False),
    sa.Column("name", sa.Text, nullable=False),  # below the folder
    sa.Column("member", sa.Text),  # entry of a container, or the header of a split object
    sa.Column("size_bytes", sa.BigInteger),
    sa.Column("digest", Digest),
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

WITNESSES = sa.Table(  # objects that may tell in which character set those of their study are
    "witnesses",
    metadata,
    sa.Column("study_instance_uid", sa.Text, primary_key=True),  # as planned
    sa.Column("instance_key", sa.Text, primary_key=True),
    sa.Column("overlays", sa.Text),
    sa.Column("own_overlay", sa.Text),
    sqlite_with_rowid=False,
)

UIDS = sa.Table(  # UIDs that a rule replaces in all objects, and by which
    "uids",
    metadata,
    sa.Column("old", sa.Text, primary_key=True),
    sa.Column("new", sa.Text, nullable=False, unique=True),
    sqlite_with_rowid=False,
)

FILES = sa.Table(  # all but those that instances are read from, which are in COPIES
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

# Every element that went out otherwise than it was stored; patient data. Objects of a series are as
# a rule changed alike, so that what was changed is kept once for all of them.
CHANGE_SETS = sa.Table(
    "change_sets",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),  # a digest of the lines
)

CHANGE_LINES = sa.Table(
    "change_lines",
    metadata,
    sa.Column("change_set_id", sa.Integer, primary_key=True),
    sa.Column("line", sa.Integer, primary_key=True),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("keyword", sa.Text, nullable=False),
    sa.Column("before", sa.Text),
    sa.Column("after", sa.Text),
    sqlite_with_rowid=False,
)

RESENT = "RESENT"  # the rule under which other bytes than before are on record
IS_RESENT = CHANGE_LINES.c.rule == sa.literal_column(f"'{RESENT}'")
IS_CHARSET = CHANGE_LINES.c.rule.in_([sa.literal_column("'T01'"), sa.literal_column("'T02'")])
# Few changes are of these rules, and a job may have a thousand million of others. The rules are
# written out, since an index for some rows serves only whoever names them so.
for name, which in (("resent", IS_RESENT), ("charset", IS_CHARSET)):
    sa.Index(f"change_lines_{name}", CHANGE_LINES.c.change_set_id, CHANGE_LINES.c.after,
             sqlite_where=which, postgresql_where=which)  # fmt: skip

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
