"""How many processes and associations are found, on a simulated machine at a simulated target."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_giving import instances

from clocks import Clock
from pacslift.events import AssociationsChanged, Event
from pacslift.job import Job, TargetAddress
from pacslift.send.association import StoreAnswer
from pacslift.send.crew import OPENING, Result
from pacslift.send.delivery import Delivery
from pacslift.send.finding import LATE, Bounds, Finding, Found
from pacslift.send.manning import bounds_of, shared_out
from pacslift.send.outcome import Outcome

ONE = instances(1)[0]
PLENTY = 1_000_000


@dataclass
class Machine:
    """Elastic hands whose rate is arithmetic; rates are objects in a second."""

    begin: list[int] = field(default_factory=lambda: [1])  # associations of each process
    each: float = 50.0  # that an association brings at most, since the target takes its time
    core: float = 1e9  # that a process brings at most, since Python runs one thread at a time
    cores: int = 8
    target: float = 1e9  # that the target takes in all
    taken: int = 99  # associations that it takes
    noise: tuple[float, ...] = (1.0,)  # by which one second differs from the other
    clock: Clock = field(default_factory=Clock)
    refused: int = 0
    lacking: int = 0
    most: int = 0  # processes that there ever were

    def __post_init__(self) -> None:
        self.by_process = list(self.begin)

    def rate(self) -> float:
        share = self.core * min(1.0, self.cores / self.processes)
        ours = sum(min(share, some * self.each) for some in self.by_process)
        return min(self.target, ours) * self.noise[int(self.clock.now) % len(self.noise)]

    # Hands

    room = 99

    def start(self) -> None: ...

    def give(self, planned: object) -> None: ...

    def get(self, _: float) -> Result:
        rate = self.rate()
        self.clock.now += 1 / rate
        answer = StoreAnswer(0, seconds=self.associations / rate)
        return Result(ONE, Delivery(Outcome.STORED, answer=answer), None)

    def doing(self) -> dict[str, str]:
        return {f"send-{n}": OPENING for n in range(self.lacking)}

    def stop(self) -> list[Result]:
        return []

    # Elastic

    @property
    def processes(self) -> int:
        return len(self.by_process)

    @property
    def associations(self) -> int:
        return sum(self.by_process)

    @property
    def load(self) -> float:
        return self.rate() / (self.core * self.processes)

    def grow(self) -> None:
        self._take(self.by_process.index(min(self.by_process)), 1)

    def shrink(self) -> None:
        nth = self.by_process.index(max(self.by_process))
        assert self.by_process[nth] > 1
        self.by_process[nth] -= 1

    def add_process(self, associations: int) -> None:
        self.by_process.append(0)
        self._take(-1, associations)
        self.by_process = [some for some in self.by_process if some]
        self.most = max(self.most, self.processes)

    def end_process(self) -> None:
        assert self.processes > 1
        self.by_process.pop()

    def refusals(self) -> int:
        count, self.refused = self.refused, 0
        return count

    def _take(self, nth: int, some: int) -> None:
        took = min(some, self.taken - self.associations)
        self.by_process[nth] += took
        self.refused += some - took


@dataclass
class Watched:
    """A run on a machine, and what was told and remembered."""

    machine: Machine
    processes: int = 0  # as job.toml says it
    associations: int = 0
    known: Found | None = None
    told: list[Event] = field(default_factory=list)
    remembered: list[Found] = field(default_factory=list)

    def after(self, seconds: float) -> list[int]:
        """Associations of each process then."""
        job = Job(None, (), {}, TargetAddress("A", "h", 1), processes=self.processes,
                  associations=self.associations)  # fmt: skip
        bounds = bounds_of(job, self.known, PLENTY, self.machine.cores)
        self.machine.by_process = shared_out(bounds.begin)
        hands = Finding(
            self.machine, bounds, self.told.append, self.remembered.append, self.machine.clock
        )
        hands.start()
        until = self.machine.clock.now + seconds
        while self.machine.clock.now < until:
            hands.get(1.0)
        return self.machine.by_process


def test_where_the_target_limits_there_stays_one_process():
    assert Watched(Machine(target=200)).after(58) == [4]


def test_where_the_processor_limits_processes_are_added_as_far_as_they_bring_something():
    """A single association keeps a core at work: corrected headers, a fast target."""
    machine = Machine(each=1000, core=100, target=330, cores=8)
    assert Watched(machine).after(80) == [1, 1, 1, 1]


def test_there_are_never_more_processes_than_cores():
    machine = Machine(each=1000, core=100, cores=3)
    assert Watched(machine).after(120) == [1, 1, 1]
    assert machine.most == 3


def test_associations_come_first_and_processes_when_the_core_is_full():
    machine = Machine(each=60, core=200, target=420, cores=4)
    assert sum(Watched(machine).after(100)) >= 7
    assert machine.processes in (2, 3)
    assert machine.rate() > 400


def test_a_process_that_brings_nothing_ends_again():
    """The target limits just where a core is nearly full."""
    watched = Watched(Machine(each=45, core=100, target=90))
    assert watched.after(58) == [2]
    told = [(one.associations, one.processes, one.why) for one in watched.told]
    assert told[2:] == [(3, 1, "grow"), (2, 1, "shrink"), (3, 2, "grow"), (2, 1, "shrink")]


def test_with_associations_that_a_person_said_processes_are_found_with_as_many_each():
    machine = Machine(each=60, core=100, target=250, cores=8)
    assert Watched(machine, associations=2).after(60) == [2, 2, 2]


def test_with_processes_that_a_person_said_associations_alone_are_found():
    machine = Machine(each=10, core=20, target=60)
    assert sum(Watched(machine, processes=3).after(80)) == 6
    assert machine.processes == 3


def test_what_a_person_said_stays_as_it_is():
    watched = Watched(Machine(each=10, core=20), 2, 2)
    assert watched.after(60) == [2, 2]
    assert watched.told == [AssociationsChanged(4, "begin", 2, 4)]


def test_what_was_found_is_remembered_without_what_was_only_tried():
    watched = Watched(Machine(each=1000, core=100, target=210))
    watched.after(58)
    assert watched.remembered == [Found(2, 2), Found(3, 3)]


@pytest.mark.parametrize(
    ("machine", "instead"),
    [
        (Machine(target=100), 2),
        (Machine(target=400), 8),
        (Machine(each=1000, core=100, target=180), 2),
        (Machine(each=1000, core=100, target=90), 1),
    ],
)
def test_a_run_that_begins_with_what_was_found_comes_to_what_is_right_now(machine, instead):
    watched = Watched(machine, known=Found(2, 6))
    watched.after(110)
    assert watched.remembered[-1].associations == instead


def test_a_process_of_an_earlier_run_that_nobody_needs_any_more_ends():
    assert Watched(Machine(target=40), known=Found(2, 2)).after(50) == [1]


@given(st.lists(st.floats(0.5, 1.5), min_size=1, max_size=20), st.integers(0, 3), st.integers(0, 3))
def test_whatever_the_rate_does_the_numbers_stay_within_their_bounds(
    noise, processes, associations
):
    machine = Machine(each=20, core=50, target=200, cores=4, noise=tuple(noise), taken=9)
    watched = Watched(machine, processes, associations)
    watched.after(60)
    assert machine.processes <= max(4, processes)
    assert 1 <= machine.associations <= max(16, processes * associations)


# what the target does not take


def test_an_association_that_the_target_refuses_is_told_and_is_the_most_from_then_on():
    machine = Machine(taken=3)
    watched = Watched(machine)
    assert watched.after(100) == [3]
    assert AssociationsChanged(3, "refused") in watched.told
    assert watched.remembered[-1] == Found(1, 3)


def asking(machine: Machine, told: list[Event]) -> Finding:
    bounds = Bounds(Found(1, 3), most_processes=1, most=3, unit=3, least=3)
    return Finding(machine, bounds, told.append, clock=machine.clock)


def test_of_associations_that_a_person_asked_for_the_refused_ones_are_told():
    told: list[Event] = []
    machine = Machine([1], refused=2)
    hands = asking(machine, told)
    hands.get(1.0)
    assert told == [
        AssociationsChanged(2, "refused", 1, 3),
        AssociationsChanged(1, "refused", 1, 3),
    ]


@pytest.mark.parametrize(("seconds", "said"), [(0.0, []), (2 * LATE, [1])])
def test_associations_that_the_target_lets_wait_are_told_at_the_end_if_it_was_long(seconds, said):
    told: list[Event] = []
    machine = Machine([3], lacking=2)
    hands = asking(machine, told)
    hands.get(1.0)
    machine.clock.now += seconds
    hands.stop()
    assert [one.associations for one in told] == said
    assert {one.why for one in told} <= {"unanswered"}
