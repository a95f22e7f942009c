"""Faults on the sender's side: the program, its ledger, its clock, the files that it reads."""

import os
import resource
from dataclasses import dataclass
from pathlib import Path

import deeds
from processes import kill
from target import ScriptedTarget, Visit, store
from wire import Message
from world import World, limited

from jobs import status

LARGE = 1_000_000  # bytes
READ_FIRST = 100_000  # a place in a file that is read before the first byte goes out


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
    """The ledger's files can grow no more, from some moment on; nor could a log in a file."""
    process = world.start(log=Path(os.devnull))
    if world.wait_for(process, world.somewhere(0.6)):
        limited(process, resource.RLIMIT_FSIZE, world.chance.randint(0, 60_000))
    world.finish(process)


def no_room_for_the_ledger(world: World, _: ScriptedTarget) -> None:
    """Somebody fills the disk that the job lies on, and makes room when the run has stopped."""
    filler = world.job / "filler"
    process = world.start()
    if world.wait_for(process, world.somewhere(0.6)):
        fill(filler, world.chance.randint(0, 20_000))
    world.finish(process)
    filler.unlink(missing_ok=True)


def fill(path: Path, but: int) -> None:
    """Fill the disk up, but for so many bytes."""
    free = os.statvfs(path.parent)
    path.write_bytes(bytes(max(0, free.f_bavail * free.f_bsize - but)))


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
                "pixels_damaged", "empty_file", "size_differs", "changed_since_sent",
                "changed_while_read")  # fmt: skip


def files_changed(world: World, target: ScriptedTarget) -> None:
    """Files get other pixels after the plan; large ones while their answer is being waited for.

    Small ones are in memory by then, and go out again as they were.
    """
    kept: dict[str, bytes] = {}

    def change(uid: str) -> None:
        path = world.prepared.archive.files[uid]
        kept[uid] = path.read_bytes()
        world.changed.add(uid)
        with path.open("r+b") as file:
            file.seek(-200, os.SEEK_END)
            file.write(world.chance.randbytes(200))

    def hang_with_the_large(visit: Visit, message: Message) -> None:
        uid = str(message.command.AffectedSOPInstanceUID)
        if len(message.data_set) < LARGE or uid in kept:
            store(visit, message)
            return
        change(uid)
        deeds.hang(visit, message)

    target.deeds = dict.fromkeys(range(2 * world.size), hang_with_the_large)
    process = world.start()
    if world.wait_for(process, world.somewhere(0.4)):
        for uid in world.chance.sample(sorted(set(world.prepared.archive.uids) - set(kept)), 8):
            change(uid)
    try:
        world.finish(process)
        world.to_the_end()
        world.complaints += [
            f"{uid} went out with other bytes, and nobody had allowed it"
            for uid, contents in world.contents().items()
            if len(contents) > 1
        ]
    finally:
        for uid, content in kept.items():
            world.prepared.archive.files[uid].write_bytes(content)
    world.retry("changed_since_sent", "changed_while_read")


def file_written_to(world: World, _: ScriptedTarget) -> None:
    """Somebody writes into a file of which the first part is on its way, and the rest not yet read.

    What would go out is half of it old and half of it new. Where the link had taken all of it
    before, there is nothing to tell: what the target has is compared with the file as it was.
    """
    largest = world.prepared.largest
    path = world.prepared.archive.files[largest]
    content = path.read_bytes()
    length = world.chance.randint(1, 1000)

    def write(uid: str) -> None:
        if uid == largest:
            world.relay.holding = lambda _: None
            with path.open("r+b") as file:
                for place in (READ_FIRST, len(content) - length):
                    file.seek(place)
                    file.write(world.chance.randbytes(length))

    world.relay.holding = write
    try:
        world.run()
        causes = status(world.job)["causes"]
        if causes not in ({}, {"changed_while_read": 1}):
            world.complaints.append(
                f"the file was written to, and what is told of that is {causes}"
            )
    finally:
        path.write_bytes(content)
    world.retry("changed_while_read")
