"""The faults: what each is in one sentence, how it is brought about, what it may leave behind.

A scenario's function has the program run while the fault lasts, and ends it; whoever calls it then
has the program run until nothing is left to be done, and looks at everything (checker.py).
"""

import resource
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import target as deeds
from checker import Allowed
from processes import kill
from relay import Cut, Where
from target import Deed, ScriptedTarget
from world import World, limited

IMPATIENT = {"response_timeout": 0.6, "lost_waits": [0.0, 0.1], "busy_waits": [0.05, 0.1]}
VERIFIED = Allowed()
LATE = 1.0  # seconds; more than the patience above


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of fault."""

    name: str
    sentence: str
    happen: Callable[[World, ScriptedTarget], None]
    settings: Mapping[str, object] = field(default_factory=lambda: dict(IMPATIENT))
    allowed: Allowed = VERIFIED
    fresh: bool = False  # the program must begin with nothing for it


# ---------------------------------------------------------------------------------------------
# The sender


def killed(world: World, _: ScriptedTarget) -> None:
    """Killed with objects on the way, and at once again."""
    for _again in range(world.chance.randint(1, 2)):
        process = world.start()
        if world.wait_for(process, world.relay.begun + world.somewhere(0.4)):
            process.ended(world.chance.uniform(0, 0.03))
        world.kill(process)


def killed_at_any_time(world: World, _: ScriptedTarget) -> None:
    """Killed at some moment between its start and its end, whatever it is at."""
    for _again in range(3):
        process = world.start()
        process.ended(world.chance.uniform(0, 1.2))
        world.kill(process)


def child_killed(world: World, _: ScriptedTarget) -> None:
    """One of the processes that send is killed; the others and the ledger are not."""
    world.tune(processes=2)
    process = world.start(fresh=True)
    if world.wait_for(process, world.somewhere(0.5)):
        kill(world.chance.choice(children(process.pid)))
    world.finish(process)


@dataclass(frozen=True, slots=True)
class Child:
    """A process that another one started."""

    pid: int

    def ended(self, patience: float = 0.0) -> int | None:
        raise NotImplementedError


def children(pid: int) -> list[Child]:
    """Those that send; Python starts another one beside them, which sends nothing."""
    pids = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [
        Child(int(one)) for one in pids if "spawn_main" in Path(f"/proc/{one}/cmdline").read_text()
    ]


def ledger_full(world: World, _: ScriptedTarget) -> None:
    """The ledger's files can grow no more, from some moment on."""
    process = world.start()
    if world.wait_for(process, world.somewhere(0.6)):
        limited(process, resource.RLIMIT_FSIZE, world.chance.randint(0, 60_000))
    world.finish(process)


def clock_set_back(world: World, _: ScriptedTarget) -> None:
    """The wall clock jumps, mostly back, while it sends; and the next run is in the past."""
    shim = str(Path(__file__).with_name("clock"))
    for _again in range(2):
        hours = world.chance.choice([-1, -24, -24 * 365, 48])
        after = world.chance.uniform(0.5, 1.5)
        env = {"PYTHONPATH": shim, "CLOCK_JUMPS": f"{after:.3f} {hours * 3600}"}
        process = world.start(env=env)
        if world.wait_for(process, world.somewhere(0.5)) and world.chance.random() < 0.5:
            world.kill(process)
        else:
            world.finish(process)


# ---------------------------------------------------------------------------------------------
# The target


def target_killed(world: World, target: ScriptedTarget) -> None:
    """The target goes down in the middle, and is back while the sender still waits for it."""
    process = world.start()
    if world.wait_for(process, world.somewhere()):
        world.relay.close_the_door()
        target.stop()
        process.ended(world.chance.uniform(0, 0.3))
        target.start()
        world.relay.open_the_door()
    world.finish(process)


def target_stays_away(world: World, target: ScriptedTarget) -> None:
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


# ---------------------------------------------------------------------------------------------
# The link


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


# ---------------------------------------------------------------------------------------------
# The files


def files_spoilt(world: World, _: ScriptedTarget) -> None:
    """Files vanish or are cut short after they were planned; they are put back after the run."""
    spoilt = {}
    process = world.start()
    if world.wait_for(process, world.somewhere(0.4)):
        for uid in world.chance.sample(world.prepared.archive.uids, 8):
            path = world.prepared.archive.files[uid]
            spoilt[path] = path.read_bytes()
            if world.chance.random() < 0.5:
                path.unlink()
            else:
                with path.open("r+b") as file:
                    file.truncate(int(len(spoilt[path]) * world.chance.random()))
    try:
        world.finish(process)
    finally:
        for path, content in spoilt.items():
            path.write_bytes(content)
    world.retry("missing_file", "truncated", "unreadable", "not_dicom", "header_damaged",
                "pixels_damaged", "empty_file", "size_differs", "changed_since_sent")  # fmt: skip


def files_changed(world: World, target: ScriptedTarget) -> None:
    """Files get other pixels before or while they are sent, some of them lost on the way first."""
    kept = {}
    target.deeds[world.somewhere(0.5)] = deeds.hang
    process = world.start()
    if world.wait_for(process, world.somewhere(0.4)):
        for uid in world.chance.sample(world.prepared.archive.uids, 8):
            path = world.prepared.archive.files[uid]
            kept[path] = path.read_bytes()
            world.changed.add(uid)
            with path.open("r+b") as file:
                file.seek(-200, 2)
                file.write(world.chance.randbytes(200))
    try:
        world.finish(process)
        world.to_the_end()
    finally:
        for path, content in kept.items():
            path.write_bytes(content)
    world.retry("changed_since_sent")


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
)  # fmt: skip
