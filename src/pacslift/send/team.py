"""Several processes, with a crew of worker threads each: for targets that one core cannot fill.

Processes are spawned, never forked: a fork would copy the locks of threads that it does not copy.
Each has one pipe to the process that has the ledger, which alone writes it, and gives a process
new work when it has the least. Instances and results go through it by the list, as many as have
come together: a message costs both sides more than what is in it. A process whose pipe closes ends
at once, so none outlives a run that was killed; one that dies itself ends the run, and what it had
stays planned.
"""

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import cast

from pacslift.errors import SenderDiedError, StopError
from pacslift.ledger import Planned
from pacslift.send.crew import GRACE, Crew, Result, Sending, room_of_one
from pacslift.unforeseen import type_and_place

if sys.platform == "win32":
    from multiprocessing.connection import PipeConnection as Connection  # what Pipe() gives there
else:
    from multiprocessing.connection import Connection

_LOOK = 0.25  # seconds between looks at whether the run stops
MOST_TOGETHER = 100  # results in one message
TOLD_EVERY = 1.0  # seconds between two words on what the workers of a process do
_END = None  # from the one with the ledger: end in order; to it: all was said
_GROW, _SHRINK = "grow", "shrink"  # from the one with the ledger, on associations
_REFUSED = "refused"  # to it: an association to be added was not had


@dataclass(slots=True)
class _Member:
    process: BaseProcess
    pipe: "Connection[object, object]"
    in_hand: int = 0
    given: list[Planned] = field(default_factory=list)  # and not yet in the pipe
    associations: int = 1
    doing: Mapping[str, str] = field(default_factory=dict)  # by worker, as it said last


class Team:
    """Processes that send; see Hands."""

    def __init__(self, sending: Sending, processes: int, associations: int) -> None:
        self._sending = sending
        self._processes = processes
        self._associations = associations
        self._members: list[_Member] = []
        self._results: deque[Result] = deque()  # that have come and were not asked for yet
        self._refusals = 0

    @property
    def room(self) -> int:
        """Those that each worker has underway, and some that wait for it."""
        some = sum(member.associations for member in self._members)
        return (some or self._processes * self._associations) * room_of_one(self._sending)

    def start(self) -> None:
        """Start the processes; each takes about a second until it sends."""
        context = multiprocessing.get_context("spawn")
        for number in range(self._processes):
            ours, theirs = context.Pipe()
            process = context.Process(
                target=serve,
                args=(theirs, self._sending, self._associations),
                name=f"send-{number}",
                daemon=True,
            )
            process.start()
            theirs.close()
            self._members.append(_Member(process, ours, associations=self._associations))

    def grow(self) -> None:
        """Add an association to the process that has the fewest."""
        member = min(self._members, key=lambda one: one.associations)
        member.associations += 1
        self._order(member, _GROW)

    def shrink(self) -> None:
        """End an association of the process that has the most; each keeps one."""
        member = max(self._members, key=lambda one: one.associations)
        if member.associations > 1:
            member.associations -= 1
            self._order(member, _SHRINK)

    def refusals(self) -> int:
        """How many associations were added in vain since the last call."""
        count, self._refusals = self._refusals, 0
        return count

    def _order(self, member: _Member, order: object) -> None:
        try:
            member.pipe.send(order)
        except OSError as fault:
            raise died(member.process) from fault

    def give(self, planned: Planned) -> None:
        """Choose the process that has the fewest; it has the instance when get() is called."""
        member = min(self._members, key=lambda one: one.in_hand)
        member.in_hand += 1
        member.given.append(planned)

    def get(self, patience: float) -> Result | None:
        """See Hands. Raises SenderDiedError when a process is no more."""
        until = time.monotonic() + patience
        while not self._results:
            self._hand_over()
            ready = wait([one.pipe for one in self._members], max(0.0, until - time.monotonic()))
            if not ready:
                return None
            for member in self._members:
                if member.pipe in ready:
                    self._hear(member)
        return self._results.popleft()

    def _hand_over(self) -> None:
        """Put into the pipes what was given."""
        for member in self._members:
            given, member.given = member.given, []
            if given:
                self._order(member, given)

    def _hear(self, member: _Member) -> None:
        """Take what a process says: results, or what ended it."""
        try:
            said = member.pipe.recv()
        except (EOFError, OSError) as fault:
            raise died(member.process) from fault
        if isinstance(said, BaseException):
            raise said
        if said == _REFUSED:
            member.associations -= 1
            self._refusals += 1
            return
        if isinstance(said, dict):
            member.doing = said
            return
        results = results_in(said)
        member.in_hand -= len(results)
        self._results += results

    def doing(self) -> Mapping[str, str]:
        """See Hands."""
        return dict(chain.from_iterable(member.doing.items() for member in self._members))

    def stop(self) -> list[Result]:
        """End the processes; those that need too long are killed, their objects stay planned."""
        until = time.monotonic() + GRACE + 2 * _LOOK
        for member in self._members:
            with suppress(OSError):
                member.pipe.send(_END)
        left = list(self._results)
        left += [result for member in self._members for result in last_of(member, until)]
        for member in self._members:
            member.process.join(max(0.0, until - time.monotonic()))
            if member.process.is_alive():
                member.process.kill()
                member.process.join()
            member.pipe.close()
        return left


def last_of(member: _Member, until: float) -> list[Result]:
    """What a process still says before its end, or before monotonic() *until*."""
    left: list[Result] = []
    with suppress(EOFError, OSError):
        while member.pipe.poll(max(0.0, until - time.monotonic())):
            said = member.pipe.recv()
            if said is _END:
                break
            left += results_in(said)
    return left


def results_in(said: object) -> list[Result]:
    """The results in what a process says, which may be something else at its end."""
    return said if isinstance(said, list) else []


def died(process: BaseProcess) -> SenderDiedError:
    """The error for a process that ended by itself."""
    process.join(GRACE)
    return SenderDiedError(
        f"the process {process.name} that was sending ended with exit code {process.exitcode}; "
        "what it had in hand stays planned. See the system's log for why (memory?), then start "
        "again: the run goes on where it was"
    )


# in the processes


def serve(pipe: "Connection[object, object]", sending: Sending, associations: int) -> None:
    """Do what comes through *pipe*, and say there what became of it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one that has the ledger
    crew = Crew(sending, associations, f"{multiprocessing.current_process().name}.")
    ending = threading.Event()
    threading.Thread(target=take, args=(pipe, crew, ending), daemon=True).start()
    crew.start()
    results: list[Result] = []
    said, told = crew.doing(), 0.0
    try:
        while not ending.is_set():
            gather(crew, results)
            if time.monotonic() - told >= TOLD_EVERY and (doing := crew.doing()) != said:
                pipe.send(dict(doing))
                said, told = doing, time.monotonic()
            if results:
                pipe.send(results)
                results = []
            for _ in range(crew.refusals()):
                pipe.send(_REFUSED)
    except BaseException as error:  # noqa: BLE001 - raised again in the other process
        pipe.send(results)
        pipe.send(portable(error))
    pipe.send(crew.stop())
    pipe.send(_END)


def gather(crew: Crew, results: list[Result]) -> None:
    """Add the next result and those that have come meanwhile; none if none comes for a moment.

    Raises what ended a worker; what came before that is in *results*.
    """
    patience = _LOOK
    while len(results) < MOST_TOGETHER and (result := crew.get(patience)):
        results.append(result)
        patience = 0.0


def take(pipe: "Connection[object, object]", crew: Crew, ending: threading.Event) -> None:
    """Hand what comes to *crew*, until the end is asked for, or nobody is there to ask."""
    try:
        while (said := pipe.recv()) is not _END:
            if said == _GROW:
                crew.grow()
            elif said == _SHRINK:
                crew.shrink()
            else:
                for planned in cast("list[Planned]", said):
                    crew.give(planned)
    except (EOFError, OSError):
        os._exit(1)  # the run was killed; whoever starts it again sends what was underway
    ending.set()


def portable(error: BaseException) -> BaseException:
    """*error* as it can go through a pipe: itself, or one with the same exit code and words."""
    with suppress(Exception):
        if type(pickle.loads(pickle.dumps(error))) is type(error):  # noqa: S301 - our own
            return error
    if isinstance(error, StopError):
        kind = next(kind for kind in type(error).__mro__ if StopError in kind.__bases__)
        made: BaseException = kind(str(error))
        return made
    named = type_and_place(error) if isinstance(error, Exception) else type(error).__name__
    return RuntimeError(f"in a process that was sending: {named}")
