"""Errors, by what happens next, and the closed list of causes for leaving an instance out.

PacsliftError
├── StopError                 the run ends; the operator must act; each has its own exit code
│   ├── NoAdapterError        10
│   ├── AdapterClashError     11
│   ├── DumpDamagedError      12; extract has a kind of its own, CutHeaderError
│   ├── DumpFormatError       13
│   ├── StorageRootError      14
│   ├── JobFolderError        15
│   ├── JobFileError          16
│   ├── AdapterFaultError     17
│   ├── CatalogError          18
│   ├── LedgerError           19; of a server, LedgerLostError where waiting may help
│   ├── TargetUnreachableError 20
│   ├── TargetRejectedError   21
│   ├── NoContextError        22
│   ├── TargetLostError       23
│   ├── TargetBusyError       24
│   ├── JobBusyError          25; of several machines, PlannedAnewError
│   ├── MappingError          26
│   ├── SenderDiedError       27
│   └── TargetStatusError     28
├── TryAgainError             the same call may work later; the sender's loop handles it
└── SetAsideError             this instance is left out with a Cause; the run goes on

A message says where, what was met, what would have been right and what to do. It names files,
rows, tags, UIDs and keys, never a patient.
"""

from enum import StrEnum
from typing import ClassVar


class Cause(StrEnum):
    """Why an instance or a file is not simply stored. The account counts by these words."""

    # found by comparing the catalog with the disk, or when the object is read to be sent
    MISSING_FILE = "missing_file"
    NO_FILE_ROW = "no_file_row"
    OUTSIDE_ROOT = "outside_root"
    ROOT_NOT_MOUNTED = "root_not_mounted"
    EMPTY_FILE = "empty_file"
    UNREADABLE = "unreadable"
    NOT_DICOM = "not_dicom"
    RETIRED_FORMAT = "retired_format"
    TRUNCATED = "truncated"
    SIZE_DIFFERS = "size_differs"
    DIGEST_DIFFERS = "digest_differs"
    CONTAINER_DAMAGED = "container_damaged"
    CONTAINER_UNKNOWN = "container_unknown"
    HEADER_DAMAGED = "header_damaged"
    TEXT_UNREADABLE = "text_unreadable"
    PIXELS_DAMAGED = "pixels_damaged"
    NOT_REBUILT = "not_rebuilt"  # only pixels, and the database says too little of the object
    SIGNED = "signed"
    IDENTITY_DIFFERS = "identity_differs"
    IDENTITY_MISSING = "identity_missing"
    DUPLICATE_EQUAL = "duplicate_equal"
    DUPLICATE_DIFFERS = "duplicate_differs"
    CHANGED_SINCE_SENT = "changed_since_sent"
    CHANGED_WHILE_READ = "changed_while_read"
    INTERNAL_FAULT = "internal_fault"  # the program failed over it
    # said by the old database
    HIDDEN = "hidden"
    MERGED = "merged"
    REJECTED = "rejected"
    DELETED = "deleted"
    REMOTE = "remote"
    OFFLINE = "offline"
    ORPHAN_ROW = "orphan_row"
    PATIENT_UNCLEAR = "patient_unclear"
    OVERLAY_UNFIT = "overlay_unfit"
    # said by the person who runs the job
    EXCLUDED = "excluded"
    # said by the target
    CONTEXT_REFUSED = "context_refused"
    OUT_OF_RESOURCES = "out_of_resources"
    REFUSED_BY_TARGET = "refused_by_target"
    STORED_WITH_WARNING = "stored_with_warning"
    NO_ANSWER = "no_answer"
    NOT_AT_TARGET = "not_at_target"
    DIFFERS_AT_TARGET = "differs_at_target"
    COULD_NOT_TELL = "could_not_tell"


class PacsliftError(Exception):
    """Root. Raise one of the kinds below."""


class StopError(PacsliftError):
    """The run ends and the operator must act."""

    exit_code: ClassVar[int]


class TryAgainError(PacsliftError):
    """The peer or the network may do better next time."""


class SetAsideError(PacsliftError):
    """One instance cannot be carried; the others can.

    *cause* is what the account counts by; the message is the detail for this one instance.
    """

    def __init__(self, cause: Cause, detail: str) -> None:
        super().__init__(detail)
        self.cause = cause
        self.detail = detail


class NoAdapterError(StopError):
    """No adapter recognises the dump."""

    exit_code = 10


class AdapterClashError(StopError):
    """Two or more adapters recognise the dump."""

    exit_code = 11


class DumpDamagedError(StopError):
    """A dump ends early or is broken inside."""

    exit_code = 12


class DumpFormatError(StopError):
    """A dump is in no format that pacslift reads, or cannot be opened."""

    exit_code = 13


class StorageRootError(StopError):
    """A storage root is not there, not readable, or not named as the dump names it."""

    exit_code = 14


class JobFolderError(StopError):
    """The job folder cannot be made, written or found."""

    exit_code = 15


class JobFileError(StopError):
    """job.toml is wrong."""

    exit_code = 16


class AdapterFaultError(StopError):
    """An adapter's folder is wrong, or its SQL does not fit the dump it claims."""

    exit_code = 17


class CatalogError(StopError):
    """The catalog made from the dump breaks its own rules; nothing is sent from it."""

    exit_code = 18


class LedgerError(StopError):
    """The ledger cannot be read or written."""

    exit_code = 19


class LedgerLostError(LedgerError):
    """The ledger's server does not answer, which may pass."""


class TargetUnreachableError(StopError):
    """No connection to the target: neither TCP, nor TLS where the job wants it."""

    exit_code = 20


class TargetRejectedError(StopError):
    """The target answers the association request with A-ASSOCIATE-RJ or A-ABORT."""

    exit_code = 21


class NoContextError(StopError):
    """The target accepts none of the presentation contexts."""

    exit_code = 22


class TargetLostError(StopError):
    """The target drops one association after the other."""

    exit_code = 23


class TargetBusyError(StopError):
    """The target stays out of resources."""

    exit_code = 24


class JobBusyError(StopError):
    """Another pacslift process works on this job."""

    exit_code = 25


class PlannedAnewError(JobBusyError):
    """The job was planned anew while this machine worked on it."""


class MappingError(StopError):
    """A mapping or priority file of the job is wrong; nothing is planned with it."""

    exit_code = 26


class SenderDiedError(StopError):
    """A process that was sending ended by itself."""

    exit_code = 27


class TargetStatusError(StopError):
    """The target answers with a status that job.toml says to stop at."""

    exit_code = 28
