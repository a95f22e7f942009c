"""Several processes, with a crew of worker threads each: for targets that one core cannot fill.

The first process is the one that has the ledger, which alone writes it; others come and go beside
it (member.py). An instance goes to the process that has the fewest for each association, as soon as
a worker there takes instances; until then it stays here, so that a target that does not answer one
association keeps none from those on the others. A process that dies itself ends the run, and what
it had stays planned. When no process has an association left, the first one goes on as if it was
alone, with all the patience of that, and says in the end why there is none.
"""

import queue
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress

from pacslift.ledger import Planned
from pacslift.send.crew import GRACE, Crew, Result, Sending, room_of_one
from pacslift.send.member import Member, Told
from pacslift.send.processor import Load

_LOOK = 0.25  # seconds between looks at whether the run stops


class Home:
    """The crew of the process that has the ledger, with the accounts that a Member has."""

    def __init__(self, crew: Crew) -> None:
        self.crew = crew
        self.in_hand = 0
        self.give, self.grow, self.shrink, self.wake = crew.give, crew.grow, crew.shrink, crew.wake

    @property
    def associations(self) -> int:
        """Wanted."""
        return self.crew.associations

    @property
    def takers(self) -> int:
        """Workers that take instances."""
        return self.crew.takers


class Team:
    """Processes that send, with so many *associations* each; see Hands and Elastic."""

    def __init__(self, sending: Sending, associations: Sequence[int]) -> None:
        self._sending = sending
        self._room_of_one = room_of_one(sending)
        self._said: queue.SimpleQueue[tuple[Home | Member, object]] = queue.SimpleQueue()
        crew = Crew(sending, associations[0], "send-0.", self._tell_of_home)
        crew.is_alone = len(associations) == 1
        self._home = Home(crew)
        self._others = [self._member(some, nth) for nth, some in enumerate(associations[1:], 1)]
        self._leaving: list[Member] = []  # and those that are gone
        self._backlog: deque[Planned] = deque()  # that nobody could be given yet
        self._results: deque[Result] = deque()  # that have come and were not asked for yet
        self._refusals = 0
        self._load = Load()

    def _tell_of_home(self, said: object) -> None:
        self._said.put((self._home, said))

    def _member(self, associations: int, nth: int) -> Member:
        return Member(self._sending, associations, f"send-{nth}", self._said.put)

    @property
    def _all(self) -> list[Home | Member]:
        return [self._home, *self._others]

    # Hands

    @property
    def room(self) -> int:
        """Those that each worker has underway, and some that wait for it."""
        return max(1, self.associations) * self._room_of_one

    def start(self) -> None:
        """Start the crew and the processes."""
        self._home.crew.start()
        for member in self._others:
            member.start()

    def give(self, planned: Planned) -> None:
        """Put the instance by; a process has it when get() is called."""
        self._backlog.append(planned)

    def get(self, patience: float) -> Result | None:
        """See Hands. Raises SenderDiedError when a process is no more."""
        until = time.monotonic() + patience
        while not self._results:
            self._hand_over()
            try:
                one, said = self._said.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                return None
            self._hear(one, said)
        return self._results.popleft()

    def doing(self) -> Mapping[str, str]:
        """See Hands."""
        found = dict(self._home.crew.doing())
        for member in (*self._others, *self._leaving):
            found |= {} if member.ended else member.doing
        return found

    def stop(self) -> list[Result]:
        """End the processes; those that need too long are killed, their objects stay planned."""
        until = time.monotonic() + GRACE + 2 * _LOOK
        started = [one for one in (*self._others, *self._leaving) if one.process.ident is not None]
        for member in started:
            member.end()
        self._home.crew.stop()
        for member in started:
            member.join(until)
        left = list(self._results)
        with suppress(queue.Empty):
            while True:
                left += results_in(self._said.get_nowait()[1])
        return left

    # Elastic

    @property
    def processes(self) -> int:
        """How many there are, this one included."""
        return len(self._all)

    @property
    def associations(self) -> int:
        """How many are wanted in all."""
        return sum(one.associations for one in self._all)

    @property
    def lacking(self) -> int:
        """How many of them are not at work, or not yet."""
        return self.associations - sum(one.takers for one in self._all)

    @property
    def load(self) -> float:
        """What part of a core each process takes, on average."""
        return (self._load.share + sum(one.load for one in self._others)) / self.processes

    def grow(self) -> None:
        """Add an association to the process that has the fewest."""
        min(self._all, key=lambda one: one.associations).grow()

    def shrink(self) -> None:
        """End an association of the process that has the most; each keeps one."""
        one = max(self._all, key=lambda one: one.associations)
        if one.associations > 1:
            one.shrink()

    def add_process(self, associations: int) -> None:
        """Start one process more."""
        member = self._member(associations, 1 + len(self._others) + len(self._leaving))
        self._home.crew.is_alone = False
        self._others.append(member)
        member.start()

    def end_process(self) -> None:
        """Have the newest process do what it has in hand, and end; never this one."""
        if self._others:
            self._let_go(self._others[-1])

    def refusals(self) -> int:
        """How many associations the target has refused since the last call."""
        count, self._refusals = self._refusals + self._home.crew.refusals(), 0
        return count

    # one with the other

    def _hand_over(self) -> None:
        """Let the processes have what was given, as far as their associations bear it."""
        if not self._others:
            self._hand_over_at_home()
            return
        while self._backlog:
            able = [one for one in self._all if one.in_hand < one.takers * self._room_of_one]
            if not able:
                for one in self._all:
                    one.wake()
                break
            chosen = min(able, key=lambda one: one.in_hand / one.takers)
            chosen.in_hand += 1
            chosen.give(self._backlog.popleft())
        for member in self._others:
            member.hand_over()

    def _hand_over_at_home(self) -> None:
        """The same where there is no other process."""
        home = self._home
        home.crew.is_alone = True
        if not home.associations:  # all that there were have been refused
            home.grow()
        home.in_hand += len(self._backlog)
        while self._backlog:
            home.give(self._backlog.popleft())

    def _hear(self, one: Home | Member, said: object) -> None:
        """Take what a process says: results, how it is, or what ended it."""
        if isinstance(said, Result):
            one.in_hand -= 1
            self._results.append(said)
            return
        if isinstance(said, BaseException):
            if isinstance(one, Member) and one.ended:
                return
            raise said
        if isinstance(said, Told) and isinstance(one, Member):
            one.note(said)
            self._refusals += said.refused
            if not one.associations and one in self._others:
                self._let_go(one)
            return
        results = results_in(said)
        one.in_hand -= len(results)
        self._results += results
        if one in self._leaving and not one.in_hand:
            one.end()

    def _let_go(self, member: Member) -> None:
        """Give it nothing more; it ends when it has nothing in hand."""
        self._others.remove(member)
        self._leaving.append(member)
        member.hand_over()
        if not member.in_hand:
            member.end()


def results_in(said: object) -> list[Result]:
    """The results in what a process says, which may be something else at its end."""
    if isinstance(said, Result):
        return [said]
    return said if isinstance(said, list) else []
