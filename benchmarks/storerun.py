"""pacslift's side of the store benchmark: one association, in a process of its own.

As a program: `storerun.py AET PORT COUNT SIDE FOLDER` sends the files of FOLDER over and over,
COUNT objects in all, and prints seconds and CPU seconds as JSON. SIDE is `worker`, what a run does
for each object (open, check identity, prepare, send, digest), or `association`, the same without
the next object prepared meanwhile and without the comparison with the database.
Importing is not counted: a run of a migration lasts hours.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from pathlib import Path

from pacslift.inventory.roots import open_inside
from pacslift.inventory.stored import open_stored
from pacslift.job import TargetAddress
from pacslift.ledger import Candidate, Planned
from pacslift.plan.contexts import Context
from pacslift.repair.outgoing import prepare
from pacslift.send.association import StoreAssociation
from pacslift.send.load import load
from pacslift.send.outcome import Outcome
from pacslift.send.worker import StoreWorker

CT, EXPLICIT = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1"


def by_worker(address: TargetAddress, files: Sequence[Path], count: int) -> None:
    """Send as a run does, but for the ledger."""
    planned = [_planned(path) for path in files]
    with StoreWorker.to(address, [(CT, EXPLICIT)]) as worker:
        some = islice(cycle(planned), count)
        tasks = ((None, lambda one=one: load(one)[0], None) for one in some)  # type: ignore[misc]
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
    return Planned(path.name, "", CT, None, None, EXPLICIT, None, (candidate,))


def main(aet: str, port: str, count: str, side: str, folder: str) -> None:
    """Send and say how long it took."""
    files = sorted(Path(folder).iterdir())
    address = TargetAddress(aet, "127.0.0.1", int(port))
    began, cpu = time.perf_counter(), time.process_time()
    SIDES[side](address, files, int(count))
    said = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}
    print(json.dumps(said))


if __name__ == "__main__":
    main(*sys.argv[1:6])
