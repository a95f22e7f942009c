"""The faults: what each is in one sentence, how it is brought about, what it may leave behind.

A scenario's function has the program run while the fault lasts, and ends it; whoever calls it then
has the program run until nothing is left to be done, and looks at everything (checker.py).
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import deeds
from checker import Allowed
from crossing import Where
from onmachines import (
    CUT,
    KILLED,
    ONE_WAY,
    clocks_differ,
    ledger_restarts,
    machine_back,
    machine_gone,
)
from onsender import (
    child_killed,
    clock_set_back,
    file_written_to,
    files_changed,
    files_spoilt,
    killed,
    killed_at_any_time,
    ledger_full,
    no_room_for_the_ledger,
)
from ontarget import (
    busy_for_a_while,
    crawling,
    cutting,
    disk_full,
    hanging,
    misbehaving,
    real_disk_full,
    rejecting,
    target_killed,
    target_stays_away,
)
from realtargets import RealTarget, a_storescp, a_storescp_on_a_small_disk, an_orthanc
from world import World

IMPATIENT = {"response_timeout": 0.6, "lost_waits": [0.0, 0.1], "busy_waits": [0.05, 0.1]}
VERIFIED = Allowed()
LATE = 1.0  # seconds; more than the patience above


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of fault."""

    name: str
    sentence: str
    happen: Callable[[World, Any], None]  # with a target of the right kind
    settings: Mapping[str, object] = field(default_factory=lambda: dict(IMPATIENT))
    allowed: Allowed = VERIFIED
    fresh: bool = False  # the program must begin with nothing for it
    target: Callable[[Path], AbstractContextManager[RealTarget]] | None = None  # None: scripted
    is_shared: bool = False  # several machines work on the job; else one
    disk: int | None = None  # bytes that the job's disk has; None: as many as there are


SCRIPTED = (
    Scenario("killed", "the sender is killed with objects on the way", killed),
    Scenario("killed-anytime", "the sender is killed at any moment, three times",
             killed_at_any_time),
    Scenario("child-killed", "one of several sending processes is killed", child_killed,
             fresh=True),
    Scenario("ledger-full", "the disk of the ledger is full", ledger_full),
    Scenario("clock-back", "the clock is set back", clock_set_back, fresh=True),
    Scenario("target-killed", "the target is killed and soon back", target_killed,
             {**IMPATIENT, "lost_waits": [0.0, 0.3, 0.6]}),
    Scenario("target-away", "the target is killed and back after the run", target_stays_away),
    Scenario("hangs", "the target hangs", hanging),
    Scenario("late", "the target answers late, after we gave up", misbehaving(deeds.late(LATE))),
    Scenario("slow", "the target answers slowly", misbehaving(deeds.late(0.2))),
    Scenario("twice", "the target answers twice", misbehaving(deeds.twice)),
    Scenario("another", "the target answers another Message ID", misbehaving(deeds.as_another)),
    Scenario("garbage", "the target answers garbage", misbehaving(deeds.garbage)),
    Scenario("broken-answer", "the target's answer cannot be read",
             misbehaving(deeds.broken_answer)),
    Scenario("aborts", "the target aborts instead of an answer", misbehaving(deeds.abort)),
    Scenario("pretends", "the target says stored and keeps nothing", misbehaving(deeds.pretend),
             allowed=Allowed(frozenset({"verified", "missing_at_target"}))),
    Scenario("busy", "the target is out of resources for a while", busy_for_a_while),
    Scenario("disk-full", "the target's disk is full", disk_full),
    Scenario("rejects", "the target takes no association for a while", rejecting),
    Scenario("crawls", "the target takes one byte a second", crawling),
    Scenario("cut-command", "the link drops in the middle of a command", cutting(Where.COMMAND)),
    Scenario("cut-pdu", "the link drops in the middle of a PDU", cutting(Where.DATA)),
    Scenario("cut-answer", "the link drops before or in an answer",
             cutting(Where.ANSWER, Where.ANSWER_LOST)),
    Scenario("unplugged", "the link falls silent", cutting(*Where, is_silent=True)),
    Scenario("files-gone", "files vanish or are cut short after the plan", files_spoilt),
    Scenario("files-changed", "files change after the plan", files_changed),
    Scenario("file-written", "a file is written to while it is being sent", file_written_to),
)  # fmt: skip

SLOW_START = {"response_timeout": 20, "lost_waits": [0.0, 0.5, 1.0], "busy_waits": [0.05, 0.1]}
ONE_AT_A_TIME = {**SLOW_START, "associations": 1}  # as storescp serves
# On a disk that has just become full, DCMTK 3.6.7 says success to one object of which it has only
# the beginning: it does not look at the last flush of the file. A pull-back alone can find that.
CUT_SHORT = Allowed(frozenset({"stored"}), asks=False, lies=1)
UNASKED = Allowed(frozenset({"stored"}), asks=False)  # storescp takes no C-FIND

REAL = (
    Scenario("orthanc-killed", "Orthanc is killed and soon back", target_killed, SLOW_START,
             target=an_orthanc),
    Scenario("orthanc-away", "Orthanc is killed and back after the run", target_stays_away,
             SLOW_START, target=an_orthanc),
    Scenario("orthanc-sender-killed", "the sender is killed while it sends to Orthanc", killed,
             SLOW_START, target=an_orthanc),
    Scenario("storescp-killed", "storescp is killed and soon back", target_killed, ONE_AT_A_TIME,
             UNASKED, target=a_storescp),
    Scenario("storescp-cut", "the link to storescp drops", cutting(*Where), ONE_AT_A_TIME, UNASKED,
             target=a_storescp),
    Scenario("storescp-full", "storescp's disk is full", real_disk_full, ONE_AT_A_TIME, CUT_SHORT,
             target=a_storescp_on_a_small_disk),
    Scenario("no-room", "the job's disk is full", no_room_for_the_ledger, disk=3 << 20),
)  # fmt: skip

# An object is kept waiting until another machine has one, and none is to be lost by that.
PATIENT = {**SLOW_START, "response_timeout": 60, "associations": 1}
SHARED = (
    Scenario("machine-gone", "a machine that helps is gone for good",
             machine_gone(KILLED, CUT), PATIENT, is_shared=True),
    Scenario("machine-back", "a machine is cut off and comes back after others have its studies",
             machine_back(CUT, ONE_WAY), PATIENT, is_shared=True),
    Scenario("server-restarts", "the ledger's server is ended and started again", ledger_restarts,
             PATIENT, is_shared=True),
    Scenario("clocks-differ", "no machine has the time of the ledger's server", clocks_differ,
             PATIENT, is_shared=True),
)  # fmt: skip
EACH = (*SCRIPTED, *SHARED, *REAL)
