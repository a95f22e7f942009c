"""Faults of the target, and of the link to it."""

from collections.abc import Callable

import deeds
from crossing import Cut, Where
from realtargets import RealTarget, Target
from target import Deed, ScriptedTarget
from world import World


def target_killed(world: World, target: Target) -> None:
    """The target goes down in the middle, and is back while the sender still waits for it."""
    process = world.start()
    if world.wait_for(process, world.somewhere()):
        world.relay.close_the_door()
        target.stop()
        process.ended(world.chance.uniform(0, 0.3))
        target.start()
        world.relay.open_the_door()
    world.finish(process)


def target_stays_away(world: World, target: Target) -> None:
    """The target goes down in the middle, and is back after the run has given up."""
    process = world.start()
    if world.wait_for(process, world.somewhere()):
        world.relay.close_the_door()
        target.stop()
    world.finish(process)
    target.start()
    world.relay.open_the_door()


def misbehaving(deed: Deed, most: int = 3) -> Callable[[World, ScriptedTarget], None]:
    """The target does it to some objects, by chance."""

    def happen(world: World, target: ScriptedTarget) -> None:
        for _ in range(world.chance.randint(1, most)):
            target.deeds[world.somewhere()] = deed
        world.run()

    return happen


def hanging(world: World, target: ScriptedTarget) -> None:
    """It hangs with some objects, which it has stored or not."""
    for _ in range(world.chance.randint(1, 2)):
        deed = world.chance.choice([deeds.hang, deeds.hang_empty_handed])
        target.deeds[world.somewhere()] = deed
    world.run()


def crawling(world: World, target: ScriptedTarget) -> None:
    """From some object on it takes one byte a second, until the run has ended."""
    target.crawls_from = world.somewhere()
    process = world.start()
    code = process.ended(40)
    target.behave()
    world.finish(process)
    if code is None:
        world.complaints.append("the run had not given up after 40 s")


def disk_full(world: World, target: ScriptedTarget) -> None:
    """Its disk fills up, and it says so; room is made after the run has stopped."""
    sizes = [len(data_set) for data_set in world.prepared.expected.values()]
    target.room = int(sum(sizes) * world.chance.uniform(0.05, 0.8))
    world.run()
    target.behave()


def real_disk_full(world: World, target: RealTarget) -> None:
    """Its disk is full; room is made after the run has stopped."""
    target.leave_room(world.chance.randint(100_000, 3_000_000))
    world.run()
    target.behave()


def busy_for_a_while(world: World, target: ScriptedTarget) -> None:
    """It is out of resources for some objects in a row, and no more then."""
    first = world.somewhere()
    for nth in range(first, first + world.chance.randint(1, 6)):
        target.deeds[nth] = deeds.busy
    world.run()


def rejecting(world: World, target: ScriptedTarget) -> None:
    """It breaks off, and then takes no association for a while."""
    target.deeds[world.somewhere()] = deeds.abort
    process = world.start()
    if world.wait_for(process, 1):
        target.rejections = world.chance.randint(1, 4)
    world.finish(process)
    target.behave()


def cutting(*places: Where, is_silent: bool = False) -> Callable[[World, ScriptedTarget], None]:
    """The link breaks at some objects, at one of *places*."""

    def happen(world: World, _: ScriptedTarget) -> None:
        for _again in range(world.chance.randint(1, 3)):
            cut = Cut(
                nth=world.somewhere(),
                where=world.chance.choice(places),
                share=world.chance.uniform(0.01, 0.99),
                is_reset=world.chance.random() < 0.5,
                is_silent=is_silent,
            )
            world.relay.cuts.append(cut)
        world.run()
        world.relay.cuts.clear()

    return happen
