"""Faults where several machines work on one job: one of them is gone, or the ledger's server is."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from processes import Process, kill
from sharing import Helper, SharedWorld
from target import ScriptedTarget
from world import PATIENCE

SHIM = str(Path(__file__).with_name("clock"))
CUT, ONE_WAY, KILLED = "cut off", "heard by nobody", "killed"


@contextmanager
def at_work(world: SharedWorld, hours: int = 0) -> Iterator[tuple[Process, Helper]]:
    """The machine that runs the job, and a helper elsewhere.

    Until both have an object on the way, neither gets further. The clock of the first is so many
    *hours* late, and that of the helper early.
    """
    together = threading.Event()
    world.relay.holding = lambda _: bool(together.wait(PATIENCE))
    try:
        one = world.start(env=clock_off_by(-hours))
        world.wait_for(one, 1)
        two = world.helper("HELPER", world.place, clock_off_by(hours))
        world.wait_for(one, 2)
    finally:
        together.set()
    yield one, two


def clock_off_by(hours: int) -> dict[str, str] | None:
    """The environment of a program whose clock is so many hours early; see clock/."""
    return {"PYTHONPATH": SHIM, "CLOCK_JUMPS": f"0 {hours * 3600}"} if hours else None


def machine_gone(*ways: str) -> Callable[[SharedWorld, ScriptedTarget], None]:
    """A helper is gone for good in the middle; what it had is another's soon."""

    def happen(world: SharedWorld, _: ScriptedTarget) -> None:
        with at_work(world) as (one, two):
            lose_in_the_middle(world, one, two, ways)
            world.finish(one)
            kill(two.process)
            world.end(two, killed=True)

    return happen


def machine_back(*ways: str) -> Callable[[SharedWorld, ScriptedTarget], None]:
    """A helper is cut off in the middle, and back before or after all is done by another."""

    def happen(world: SharedWorld, _: ScriptedTarget) -> None:
        with at_work(world) as (one, two):
            lose_in_the_middle(world, one, two, ways)
            if world.chance.random() < 0.5:
                one.ended(world.chance.uniform(0, 6))
            else:
                world.finish(one)
            two.place.plug_in(two.process)
            if not world.codes:
                world.finish(one)
            world.end(two)

    return happen


def lose_in_the_middle(world: SharedWorld, one: Process, two: Helper, ways: Sequence[str]) -> None:
    """Lose the helper in one of *ways*."""
    world.wait_for(one, world.relay.begun + world.chance.randint(3, 60))
    lose(world, two, world.chance.choice(ways))


def lose(world: SharedWorld, helper: Helper, way: str) -> None:
    """From now on nobody hears of it."""
    if way == KILLED:
        kill(helper.process)
    else:
        helper.place.cut_off(helper.process, one_way=way == ONE_WAY)


def ledger_restarts(world: SharedWorld, _: ScriptedTarget) -> None:
    """The ledger's server ends in the middle, and is back after a while."""
    with at_work(world) as (one, two):
        for _again in range(world.chance.randint(1, 2)):
            world.wait_for(one, world.relay.begun + world.chance.randint(3, 40))
            world.server.stop()
            one.ended(world.chance.uniform(0, 3))
            world.server.start()
        world.finish(one)
        world.end(two)


def clocks_differ(world: SharedWorld, _: ScriptedTarget) -> None:
    """The clocks of the machines are hours from that of the ledger's server; one is killed, too."""
    hours = world.chance.choice([-5, 5, -24 * 30, 24 * 30])
    with at_work(world, hours) as (one, two):
        world.wait_for(one, world.relay.begun + world.chance.randint(3, 60))
        kill(two.process)
        world.finish(one)
        world.end(two, killed=True)
