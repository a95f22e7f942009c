"""What a run tells while it works: frozen facts, no wording, no patient data.

The bar, the lines and the JSON stream are fed by the same records, so they cannot disagree.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class StageStarted:
    """A stage of the run begins; *expected* is its number of steps where that is known.

    *expected_bytes* are those of the files to be sent, where the dump or the disk tells them.
    """

    stage: str
    expected: int | None = None
    expected_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class StageFinished:
    """A stage is complete; *sentence* says with which result, in counts."""

    stage: str
    sentence: str
    seconds: float


@dataclass(frozen=True, slots=True)
class TableRead:
    """One table of a dump is in the table store."""

    table: str
    rows: int


@dataclass(frozen=True, slots=True)
class FilesWalked:
    """So many files of the storage have been listed."""

    files: int


@dataclass(frozen=True, slots=True)
class ObjectsPrepared:
    """So many further objects were made fit to send and not sent; of them so many cannot be."""

    objects: int
    troubled: int


@dataclass(frozen=True, slots=True)
class InstanceSent:
    """The sender is through with one instance, whatever became of it."""

    sop_instance_uid: str
    state: str
    cause: str | None
    bytes: int
    seconds: float
    changes: int = 0  # elements that read otherwise than in the file
    worker: str = ""  # who sent it


@dataclass(frozen=True, slots=True)
class WorkersSeen:
    """What each worker is at this moment *doing*, by its name; told every so often."""

    doing: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PaceChanged:
    """Sending goes on otherwise than before; *held_seconds* it had been held until now.

    *state* is paused (by a person), closed (no window is open), slowed (the target is in trouble)
    or free; *until* a time with its offset where that is known, *allowed* how many objects may be
    in hand of *room*.
    """

    state: str
    until: str | None = None
    time_zone: str = ""
    allowed: int = 0
    room: int = 0
    reason: str = ""
    held_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class AssociationsChanged:
    """So many associations send from now on, in so many processes.

    *why* is begin, grow, shrink, refused, or unanswered: at the end of a run the target has let the
    others wait. *asked* are those that a person asked for; 0 where the number is found.
    """

    associations: int
    why: str
    processes: int = 1
    asked: int = 0


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Of *machines* at work on a job, the others are through with so much more, in all."""

    machines: int
    instances: int
    bytes: int


@dataclass(frozen=True, slots=True)
class StudyAsked:
    """The target has been asked about one study; counts are instances."""

    study_instance_uid: str
    expected: int
    verified: int


@dataclass(frozen=True, slots=True)
class Finding:
    """Something the operator should know that stops nothing. The report lists them."""

    stage: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """The run ends before its time, and why; nothing follows."""

    sentence: str
    exit_code: int


Event = (
    StageStarted
    | StageFinished
    | TableRead
    | FilesWalked
    | ObjectsPrepared
    | InstanceSent
    | WorkersSeen
    | PaceChanged
    | AssociationsChanged
    | Elsewhere
    | StudyAsked
    | Finding
    | Stopped
)
Sink = Callable[[Event], None]


def to_json_line(event: Event) -> str:
    """One event as one line; the class name is the field "event"."""
    return json.dumps({"event": type(event).__name__, **asdict(event)}, sort_keys=True)


def silence(_event: Event) -> None:
    """Tell nobody."""


def fan_out(*sinks: Sink) -> Sink:
    """One sink that passes every event to each of *sinks*, in order."""

    def tell(event: Event) -> None:
        for sink in sinks:
            sink(event)

    return tell
