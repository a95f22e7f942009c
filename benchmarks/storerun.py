"""pacslift's side of the store benchmark, in a process of its own.

As a program: `storerun.py AET PORT COUNT SIDE FOLDER` sends the files of FOLDER over and over,
COUNT objects in all, and prints seconds and CPU seconds as JSON. SIDE is

- `worker`: what a run does for each object (open, hold against the database, overlay, send, digest)
  but for the ledger, over one association;
- `profile`: the same, and where its CPU time went;
- `association`: the objects as they lie in the file, one prepared when the last is answered;
- `2x4`: workers in 2 processes with 4 associations each; COUNT files are sent once.

Importing and starting processes is not counted, neither time nor CPU: a migration runs for hours.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from pathlib import Path

from measure import family
from storeobjects import ATTRIBUTES, PROVENANCE
from storeprofile import sampled

from pacslift.inventory.roots import open_inside
from pacslift.inventory.stored import open_stored
from pacslift.job import TargetAddress
from pacslift.ledger import Candidate, Overlay, OverlayKind, Planned
from pacslift.plan.contexts import Context
from pacslift.repair.outgoing import prepare
from pacslift.send.association import StoreAssociation
from pacslift.send.crew import Result, Sending
from pacslift.send.load import load
from pacslift.send.orders import OrderBook
from pacslift.send.outcome import Outcome
from pacslift.send.team import Team
from pacslift.send.worker import StoreWorker

CT, EXPLICIT = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1"


SAID = {tag: {"vr": vr, "Value": [{"Alphabetic": text} if vr == "PN" else text]}
        for tag, (vr, text) in ATTRIBUTES.items()}  # fmt: skip
OVERLAY = Overlay(OverlayKind.DATABASE, json.dumps(SAID))
BOOK = OrderBook(provenance=PROVENANCE)


def by_worker(address: TargetAddress, files: Sequence[Path], count: int) -> None:
    """Send as a run does, but for the ledger."""
    planned = [_planned(path) for path in files]
    with StoreWorker.to(address, [(CT, EXPLICIT)]) as worker:
        some = islice(cycle(planned), count)
        tasks = ((None, lambda one=one: load(one, BOOK)[0], None) for one in some)  # type: ignore[misc]
        for _, delivery in worker.deliver_each(tasks):
            if delivery.outcome is not Outcome.STORED:
                raise RuntimeError(delivery.detail)


def by_association(address: TargetAddress, files: Sequence[Path], count: int) -> None:
    """Send what the files hold."""
    with StoreAssociation.open(address, [Context(1, CT, EXPLICIT)]) as association:
        for number in range(count):
            path = files[number % len(files)]
            with prepare(open_stored(open_inside(path.parent, path.name), "part10")) as outgoing:
                answer = association.store(outgoing)
            if answer.status != 0:
                raise RuntimeError(f"the target answered {answer.status}")


SIDES: dict[str, Callable[[TargetAddress, Sequence[Path], int], None]] = {
    "worker": by_worker,
    "association": by_association,
}


def _planned(path: Path) -> Planned:
    candidate = Candidate(str(path.parent), path.name, "part10", path.stat().st_size, None, None)
    return Planned(path.name, "", CT, None, None, EXPLICIT, None, (candidate,), overlays=(OVERLAY,))


def by_several(address: TargetAddress, files: Sequence[Path], side: str) -> tuple[float, float]:
    """Send each file once from several processes; gives the seconds and the CPU seconds.

    Both count from when all are at work, and are scaled to all the files.
    """
    processes, associations = map(int, side.split("x"))
    sending = Sending(address, ((CT, EXPLICIT),), book=BOOK)
    hands = Team(sending, [associations] * processes)
    first = processes * associations
    planned = iter([_planned(path) for path in files])
    hands.start()
    for one in islice(planned, first):
        hands.give(one)
    for _ in range(first):
        _require(hands.get(60.0))
    began, cpu = time.perf_counter(), _cpu()
    in_hand = 0
    for one in islice(planned, hands.room):
        hands.give(one)
        in_hand += 1
    while in_hand:
        _require(hands.get(60.0))
        in_hand -= 1
        for one in islice(planned, 1):
            hands.give(one)
            in_hand += 1
    seconds, cpu = time.perf_counter() - began, _cpu() - cpu
    hands.stop()
    scale = len(files) / (len(files) - first)
    return seconds * scale, cpu * scale


def _require(result: Result | None) -> None:
    if result is None or result.delivery.outcome is not Outcome.STORED:
        raise RuntimeError(result.delivery.detail if result else "no answer for a minute")


def main(aet: str, port: str, count: str, side: str, folder: str) -> None:
    """Send and say how long it took."""
    files = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    address = TargetAddress(aet, "127.0.0.1", int(port))
    if side == "profile":
        print(json.dumps(sampled(lambda: by_worker(address, files, int(count)))))
        return
    began, cpu = time.perf_counter(), time.process_time()
    if side in SIDES:
        SIDES[side](address, files, int(count))
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    else:
        seconds, cpu = by_several(address, files[: int(count)], side)
    print(json.dumps({"seconds": seconds, "cpu": cpu}))


def _cpu() -> float:
    """CPU seconds of this process and of those it has started, which run."""
    tick = os.sysconf("SC_CLK_TCK")
    stats = [Path(f"/proc/{pid}/stat").read_text() for pid in family(os.getpid())]
    user_and_system = [stat.rpartition(")")[2].split()[11:13] for stat in stats]
    return sum(int(ticks) for both in user_and_system for ticks in both) / tick


if __name__ == "__main__":
    main(*sys.argv[1:6])
