"""What each state and each cause means, and what a person can do about it.

The one place for these sentences; the report and the command line take them from here.
"""

from collections.abc import Mapping
from typing import NamedTuple

from pacslift.errors import Cause
from pacslift.ledger import FileState, InstanceState


class Advice(NamedTuple):
    """A cause in plain words, and what to do."""

    sentence: str
    remedy: str


RETRY = "then `pacslift exceptions JOB --retry {}`"

OF_CAUSE: Mapping[Cause, Advice] = {
    Cause.MISSING_FILE: Advice(
        "The file that the database names is not on the disk.",
        "Look for it in backups or on other volumes, mount it with --storage, and plan again.",
    ),
    Cause.NO_FILE_ROW: Advice(
        "The database has the instance but names no file for it.",
        "Compare with the orphan files; the object may lie there under another name.",
    ),
    Cause.OUTSIDE_ROOT: Advice(
        "The path that the database names leads out of the storage roots.",
        "Check the path in exceptions.csv. If it is right, name that folder as a root of its own.",
    ),
    Cause.ROOT_NOT_MOUNTED: Advice(
        "The database names a storage root that the job does not have.",
        "Mount it and add it with --storage NAME=DIR, then plan and run again.",
    ),
    Cause.EMPTY_FILE: Advice(
        "The file is there but has no bytes.",
        "Restore it from a backup of the old storage, then plan and run again.",
    ),
    Cause.UNREADABLE: Advice(
        "The disk or its permissions do not let the file be read.",
        "Check the permissions and the disk, or restore the file; then plan and run again.",
    ),
    Cause.NOT_DICOM: Advice(
        "The file is no DICOM object.",
        "Look at it: another program may have overwritten it. Restore it from a backup.",
    ),
    Cause.RETIRED_FORMAT: Advice(
        "The file is in a format from before DICOM, or beside it, and has no UIDs to file it by.",
        "Convert it with a tool for that format, have the result reviewed, and store it by hand.",
    ),
    Cause.TRUNCATED: Advice(
        "The object ends before its own lengths say it should.",
        "Restore the file from a backup; copying the storage may have been cut off.",
    ),
    Cause.SIZE_DIFFERS: Advice(
        "The file's size is not the one that the database recorded.",
        "Find out whether it was changed after it was archived; restore the recorded version.",
    ),
    Cause.DIGEST_DIFFERS: Advice(
        "The file's digest is not the one that the database recorded.",
        "The bytes changed after they were archived. Restore the file from a backup.",
    ),
    Cause.CONTAINER_DAMAGED: Advice(
        "The compressed or packed file around the object is broken.",
        "Restore the file from a backup.",
    ),
    Cause.CONTAINER_UNKNOWN: Advice(
        "The file is wrapped in a way that this adapter does not know.",
        "Report the adapter and the first bytes of one such file; the object is probably whole.",
    ),
    Cause.HEADER_DAMAGED: Advice(
        "The object's header cannot be followed element by element.",
        "Look at one with a DICOM dump program. Restore it, or have it repaired by hand.",
    ),
    Cause.TEXT_UNREADABLE: Advice(
        "A text of the object cannot be read by the character set that the object declares.",
        "Name the character set of the machine that wrote it in job.toml [rules], and plan again.",
    ),
    Cause.PIXELS_DAMAGED: Advice(
        "The pixel data is broken, or does not fit what the header says of it.",
        "Restore the file from a backup, or look at it in the old viewer.",
    ),
    Cause.NOT_REBUILT: Advice(
        "The file is only pixels, and what the old database says does not make an object of them.",
        "Let the adapter say what is missing, in `attributes` of its SQL or [rebuild]; then plan "
        "again.",
    ),
    Cause.SIGNED: Advice(
        "The object is digitally signed, and changing it would break the signature.",
        'Ask who signed it; then say "keep" or "remove" for signatures in [rules.P22] of job.toml.',
    ),
    Cause.IDENTITY_DIFFERS: Advice(
        "The object in the file is not the one that the database names for it.",
        "Decide which is right; the database's row and the file's UIDs are in exceptions.csv.",
    ),
    Cause.IDENTITY_MISSING: Advice(
        "The object lacks a UID without which no archive can take it.",
        "Find the UID in the old database or in a report, and have the object repaired.",
    ),
    Cause.DUPLICATE_EQUAL: Advice(
        "Another row has the same SOP Instance UID and the same content, and that one was taken.",
        "Nothing need be done.",
    ),
    Cause.DUPLICATE_DIFFERS: Advice(
        "Several rows have the same SOP Instance UID with different content.",
        "Compare the objects and decide which is to be kept; the target can hold only one.",
    ),
    Cause.CHANGED_SINCE_SENT: Advice(
        "The object was sent before, and what would be sent now has other bytes.",
        "Find out what changed: the file, the job or the rules. Sending would mix two versions.",
    ),
    Cause.CHANGED_WHILE_READ: Advice(
        "The file was written to while it was read to be sent, so that half of it may be old and "
        "half new; the object was broken off before its end, and the target cannot have it so.",
        "Find out what writes into the storage, which must be at rest, and stop it; "
        f"{RETRY.format('changed_while_read')}.",
    ),
    Cause.INTERNAL_FAULT: Advice(
        "The program itself failed over the object, which is as it was; the detail says where.",
        "Report the detail, which holds no patient data, with the version of pacslift; "
        f"with one that mends it {RETRY.format('internal_fault').removeprefix('then ')}.",
    ),
    Cause.HIDDEN: Advice(
        "The old archive hid the instance from its users.",
        "Leave it, or ask the site whether hidden objects are to be migrated.",
    ),
    Cause.MERGED: Advice(
        "The row belongs to a patient or study that was merged into another.",
        "Check one example in the old system; the surviving record should have the instance.",
    ),
    Cause.REJECTED: Advice(
        "The old archive's users rejected the instance, for quality or for patient safety.",
        "Leave it, unless the site's law on retention says otherwise.",
    ),
    Cause.DELETED: Advice(
        "The old archive has the instance marked as deleted.",
        "Leave it, unless the site's law on retention says otherwise.",
    ),
    Cause.REMOTE: Advice(
        "The old archive only knew the instance; another archive holds it.",
        "Migrate it from that archive; exceptions.csv names the instances.",
    ),
    Cause.OFFLINE: Advice(
        "The instance is on a medium that is not in reach: tape, jukebox or a removed disk.",
        "Bring the medium online and mount it, then plan and run again.",
    ),
    Cause.ORPHAN_ROW: Advice(
        "The row has no series, study or patient in the database.",
        "The object may be whole. Have the row mended in the dump, or the object sent by hand.",
    ),
    Cause.PATIENT_UNCLEAR: Advice(
        "The old database does not say which patient the instance belongs to.",
        "Find out whose it is by the keys in the detail, say so in a mapping (docs/mapping.md), "
        "and plan again.",
    ),
    Cause.OVERLAY_UNFIT: Advice(
        "A value that the old database has for the object cannot stand in a header.",
        "The detail names the tag. Correct the value by a mapping, or take the attribute out of "
        "what the adapter governs; then plan and run again.",
    ),
    Cause.EXCLUDED: Advice(
        "A line of the job's mapping excludes the instance; its reason is in the detail.",
        "Nothing need be done; take the line out of the mapping and plan again if it was wrong.",
    ),
    Cause.CONTEXT_REFUSED: Advice(
        "The target does not take this kind of object in this transfer syntax.",
        f"Have the target enabled for the pairs listed below, {RETRY.format('context_refused')}.",
    ),
    Cause.OUT_OF_RESOURCES: Advice(
        "The target said that it was out of resources, as often as it was asked.",
        f"Give the target room or a slower pace, {RETRY.format('out_of_resources')}.",
    ),
    Cause.REFUSED_BY_TARGET: Advice(
        "The target refused the object; its status code is in the detail.",
        "Look the status up in the target's conformance statement and its log, "
        f"{RETRY.format('refused_by_target')}.",
    ),
    Cause.STORED_WITH_WARNING: Advice(
        "The target stored the object and said that it changed or dropped something.",
        "Compare one object of each kind; look into the target's coercion rules.",
    ),
    Cause.NO_ANSWER: Advice(
        "The target gave no answer; the object may be there or not.",
        f"Look at the network and the target's log, {RETRY.format('no_answer')}; "
        "sending again is harmless.",
    ),
    Cause.NOT_AT_TARGET: Advice(
        "The target said that it stored the object and does not list it now.",
        "Look into the target's log and its rules on duplicates and rejections, "
        f"{RETRY.format('not_at_target')}.",
    ),
    Cause.DIFFERS_AT_TARGET: Advice(
        "The target lists the object, or its study, otherwise than it was sent.",
        "The detail names the attributes, and `report/differences_patient_data.csv` has the values "
        "of studies. Look for coercion or reconciliation rules at the target.",
    ),
    Cause.COULD_NOT_TELL: Advice(
        "The target said that it stored the object; its answers do not tell whether it is there.",
        "The detail says why. Look some up at the target, and verify again when it answers.",
    ),
}

OF_STATE: Mapping[InstanceState, str] = {
    InstanceState.PLANNED: "To be sent.",
    InstanceState.STORED: "The target said it stored it; not yet, or not possible to be, verified.",
    InstanceState.STORED_CHANGED: "Stored, but the target said that it changed something.",
    InstanceState.FAILED: "Sent, and not stored.",
    InstanceState.SET_ASIDE: "Not sent, for a cause listed below.",
    InstanceState.VERIFIED: "Asked for by query, and there as it was sent.",
    InstanceState.MISSING_AT_TARGET: "The target said it stored it, and does not list it.",
    InstanceState.DIFFERS_AT_TARGET: "There, but otherwise than it was sent.",
}

OF_FILE: Mapping[FileState, str] = {
    FileState.USED: "An instance is read from it.",
    FileState.SPARE_COPY: "A further copy of an instance, used if the first one is bad.",
    FileState.WITHHELD: "Of an instance that the old database has deleted or hidden; not sent.",
    FileState.ATTACHMENT: "The database names it, as something that is no instance.",
    FileState.INDEX: "The dump or index itself, lying inside the storage.",
    FileState.ORPHAN: "A DICOM object that no row of the database names. Somebody must decide.",
    FileState.ORPHAN_DUPLICATE: "No row names it, but one has its SOP Instance UID.",
    FileState.NOT_DICOM: "No row names it, and it is no DICOM object.",
    FileState.UNREADABLE: "It cannot be read, so nobody knows what it is.",
}


def advice_on(cause: str) -> Advice:
    """The advice on a cause as the ledger spells it; an unknown one is said to be so."""
    if cause in {known.value for known in Cause}:
        return OF_CAUSE[Cause(cause)]
    return Advice(
        "This pacslift does not know the cause.",
        "Use the version of pacslift that made the job.",
    )
