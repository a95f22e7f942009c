"""One process beside the one that has the ledger: both ends of the pipe between them.

Instances and results go through it by the list, as many as have come together: a message costs both
sides more than what is in it. The process says by itself how many of its workers take instances,
and is given none before. One whose pipe closes ends at once, so none outlives a run that was
killed. Processes are spawned, never forked: a fork would copy the locks of threads that it does not
copy.
"""

import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, cast

from pacslift.errors import SenderDiedError, StopError
from pacslift.ledger import Planned
from pacslift.send.crew import Crew
from pacslift.send.hands import GRACE, OPENING, Result, Sending
from pacslift.send.interrupts import TYPED
from pacslift.send.processor import Load
from pacslift.unforeseen import type_and_place

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_LOOK = 0.25  # seconds between looks at whether the run stops
MOST_TOGETHER = 100  # results in one message
TOLD_EVERY = 1.0  # seconds between two words on how a process is, if its workers stay
_END = None  # to a process: end in order; from it: all was said
_GROW, _SHRINK, _WAKE = "grow", "shrink", "wake"  # to it


@dataclass(frozen=True, slots=True)
class Told:
    """How a process says that it is."""

    takers: int  # workers that take instances
    refused: int  # workers that have gone since it last said so
    doing: Mapping[str, str]
    load: float


class Member:
    """A process that sends, seen from the one that has the ledger. What it says goes to *tell*."""

    def __init__(
        self,
        sending: Sending,
        associations: int,
        name: str,
        tell: "Callable[[tuple[Member, object]], None]",
    ) -> None:
        self.associations = associations  # wanted
        self.in_hand = 0
        self.takers = 0
        self.load = 0.0
        self.doing: Mapping[str, str] = {name: OPENING}
        self.ended = False  # it was told to end
        self._was_heard = False
        self._woken = False
        self._given: list[Planned] = []  # and not yet in the pipe
        self._tell = tell
        context = multiprocessing.get_context("spawn")
        self._pipe, self._theirs = context.Pipe()
        self.process = context.Process(
            target=serve, args=(self._theirs, sending, associations), name=name, daemon=True
        )
        self._listener = threading.Thread(target=self._listen, name=f"from-{name}", daemon=True)

    def start(self) -> None:
        """Start the process; it takes about a second until it sends."""
        self.process.start()
        self._theirs.close()
        self._listener.start()

    def grow(self) -> None:
        """Add an association."""
        self.associations += 1
        self._order(_GROW)

    def shrink(self) -> None:
        """End an association when the objects on it are done."""
        self.associations -= 1
        self._order(_SHRINK)

    def wake(self) -> None:
        """Have the associations opened, as there is something to do."""
        if not self._woken:
            self._woken = True
            self._order(_WAKE)

    def give(self, planned: Planned) -> None:
        """Put an instance by for hand_over()."""
        self._given.append(planned)

    def hand_over(self) -> None:
        """Put into the pipe what was given."""
        if self._given:
            given, self._given = self._given, []
            self._order(given)

    def note(self, told: Told) -> None:
        """Take in how it is."""
        self._was_heard = True
        self.takers, self.doing, self.load = told.takers, told.doing, told.load
        self.associations -= told.refused
        self._woken = self._woken and told.takers > 0

    def end(self) -> None:
        """Have the process end in order, after the objects that its workers are at.

        One that has not said a word yet is at nothing, and need not be waited for.
        """
        if self.ended:
            return
        self.ended = True
        if not self._was_heard:
            self.process.kill()
        with suppress(OSError):
            self._pipe.send(_END)

    def join(self, until: float) -> None:
        """Wait for the end of the process; it is killed at monotonic() *until*."""
        self._listener.join(max(0.0, until - time.monotonic()))
        if self.process.is_alive():
            self.process.kill()
        self._listener.join()

    def _order(self, order: object) -> None:
        try:
            self._pipe.send(order)
        except OSError as fault:
            raise died(self.process) from fault

    def _listen(self) -> None:
        """Pass on what the process says, until its end."""
        try:
            while (said := self._hear()) is not _END:
                self._tell((self, said))
        except (EOFError, OSError):
            self._tell((self, died(self.process)))
        self.process.join()
        self._pipe.close()

    def _hear(self) -> object:
        """What the process says next. EOFError if it is no more.

        Its end is waited for as well: on Windows the pipe stays open when a process ends before
        it has taken its side over.
        """
        if self._pipe not in wait([self._pipe, self.process.sentinel]):
            raise EOFError
        return self._pipe.recv()


def died(process: multiprocessing.process.BaseProcess) -> SenderDiedError:
    """The error for a process that ended by itself."""
    process.join(GRACE)
    return SenderDiedError(
        f"the process {process.name} that was sending ended with exit code {process.exitcode}; "
        "what it had in hand stays planned. See the system's log for why (memory?), then start "
        "again: the run goes on where it was"
    )


# in the process


def serve(pipe: "Connection[object, object]", sending: Sending, associations: int) -> None:
    """Do what comes through *pipe*, and say there what became of it."""
    for number in TYPED:  # they are for the one that has the ledger
        signal.signal(number, signal.SIG_IGN)
    name = f"{multiprocessing.current_process().name}."
    crew, ending = Crew(sending, associations, name, is_alone=False), threading.Event()
    threading.Thread(target=take, args=(pipe, crew, ending), daemon=True).start()
    crew.start()
    results: list[Result] = []
    said = Saying(crew)
    try:
        while not ending.is_set():
            gather(crew, results)
            if results:
                pipe.send(results)
                results = []
            if told := said.due():
                pipe.send(told)
    except BaseException as error:  # noqa: BLE001 - raised again in the other process
        pipe.send(results)
        pipe.send(portable(error))
    pipe.send(crew.stop())
    pipe.send(_END)


class Saying:
    """What a process has to say of itself: at once who takes instances, the rest now and then."""

    def __init__(self, crew: Crew) -> None:
        self._crew, self._load = crew, Load()
        self._takers, self._at = 0, 0.0

    def due(self) -> Told | None:
        """How it is, if that is to be said now."""
        takers, refused = self._crew.takers, self._crew.refusals()
        late = time.monotonic() - self._at >= TOLD_EVERY
        if takers == self._takers and not refused and not late:
            return None
        self._takers, self._at = takers, time.monotonic()
        return Told(takers, refused, self._crew.doing(), self._load.share)


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
    orders = {_GROW: crew.grow, _SHRINK: crew.shrink, _WAKE: crew.wake}
    try:
        while (said := pipe.recv()) is not _END:
            if isinstance(said, str):
                orders[said]()
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
