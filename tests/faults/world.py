"""One run: a job, the program that works on it, the link, and what is kept of it all."""

import random
import resource
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from prepared import Prepared, copy_of
from processes import Fresh, Process, Zygote, end_of, kill
from relay import Relay

from jobs import pacslift, status, tune

PATIENCE = 150.0  # seconds for a run of the program
MOST_RUNS = 6  # after the fault
# Ends at which everything that was answered is on record: the codes of errors.py.
IN_ORDER = frozenset({0, 3, 20, 21, 22, 23, 24, 28})
CRASHES = frozenset({-9, 15, 19, 27})  # killed, its disk full, a process of its own killed
AT_TARGET = ("stored", "stored_changed", "verified", "missing_at_target", "differs_at_target")


@dataclass
class World:
    """What a scenario can lay its hands on."""

    prepared: Prepared
    job: Path
    relay: Relay
    zygote: Zygote | None  # None: every process begins with nothing
    chance: random.Random
    codes: list[int] = field(default_factory=list)  # with which the program ended
    lost: Counter[str] = field(default_factory=Counter)  # answers that a crash kept off the record
    restarts: list[float] = field(default_factory=list)  # seconds to the first further object
    complaints: list[str] = field(default_factory=list)
    changed: set[str] = field(default_factory=set)  # objects whose files became others

    @property
    def size(self) -> int:
        """How many objects there are."""
        return len(self.prepared.archive.uids)

    @property
    def log(self) -> Path:
        """What the program said."""
        return self.job.parent / "said.txt"

    def lay_out(self) -> None:
        """Put the job there, with the link's end as its target."""
        copy_of(self.prepared.job, self.job, self.relay.host, self.relay.port)

    def leave(self) -> None:
        """Leave nothing running."""

    def tune(self, **values: object) -> None:
        """Change lines of job.toml."""
        tune(self.job, **values)

    def start(
        self,
        *,
        fresh: bool = False,
        env: Mapping[str, str] | None = None,
        log: Path | None = None,
    ) -> Process:
        """Begin `pacslift run`; what it says goes into *log*."""
        arguments = ["run", str(self.job), "--log-format", "json"]
        log = log or self.log
        if fresh or env or self.zygote is None:
            return Fresh(arguments, log, env or {})
        return self.zygote.start(arguments, log)

    def finish(self, process: Process) -> int:
        """Wait for its end, and look at what it left; gives its exit status."""
        code = end_of(process, PATIENCE)
        self.look_at(code)
        return code

    def run(self, **how: bool) -> int:
        """Begin it and wait for its end."""
        began, before = monotonic(), self.relay.begun
        code = self.finish(self.start(**how))
        if self.codes[:-1] and self.relay.begun > before:
            self.restarts.append(self.relay.began_at[before] - began)
        return code

    def kill(self, process: Process) -> None:
        """Kill it and look at what it left."""
        kill(process)
        self.finish(process)

    def look_at(self, code: int) -> None:
        """What the target had answered must be on record, unless the program was cut off."""
        self.codes.append(code)
        self.relay.settle()
        acknowledged = {one.sop_instance_uid for one in self.relay.received if one.is_acknowledged}
        forgotten = acknowledged - self.on_record()
        if code in CRASHES:
            self.lost.update(forgotten)
        elif code not in IN_ORDER:
            self.complaints.append(f"it ended with {code}")
        elif forgotten:
            self.complaints.append(f"it ended with {code} and forgot {len(forgotten)} answers")

    def on_record(self) -> set[str]:
        """SOP Instance UIDs that the ledger has as being at the target; read past pacslift."""
        return {uid for uid, (state, _) in self.ledger().items() if state in AT_TARGET}

    def ledger(self) -> Mapping[str, tuple[str, bytes | None]]:
        """State, and digest of what was sent, by SOP Instance UID.

        From a copy, so that it is pacslift that finds the ledger as it was left.
        """
        with tempfile.TemporaryDirectory() as folder:
            for path in self.job.glob("ledger.db*"):
                if not path.name.endswith("-shm"):
                    shutil.copy(path, folder)
            with closing(sqlite3.connect(Path(folder) / "ledger.db")) as ledger:
                rows = ledger.execute("SELECT sop_instance_uid, state, digest FROM instances")
                return {uid: (state, digest) for uid, state, digest in rows}

    def wait_for(self, process: Process, count: int) -> bool:
        """Until the link has seen so many objects begin; False if the program ends before."""
        return self.relay.wait_for(count, lambda: process.ended() is not None)

    def somewhere(self, share: float = 0.8) -> int:
        """The number of an object, by chance."""
        return self.chance.randint(1, max(1, int(self.size * share)))

    def to_the_end(self) -> None:
        """Run until nothing is left to be done; the fault is over."""
        for _ in range(MOST_RUNS):
            if self.codes[-1] in {0, 3} and not self.is_unfinished():
                return
            self.run()
        self.complaints.append(f"not finished after {MOST_RUNS} runs without the fault")

    def retry(self, *causes: str) -> None:
        """Have sent again what was left out for *causes*, as a person does who has mended them."""
        for cause in set(status(self.job)["causes"]).intersection(causes):
            assert pacslift("exceptions", self.job, "--retry", cause).exit_code in {0, 3}

    def contents(self) -> Mapping[str, set[bytes]]:
        """The digests of what crossed the link whole, by SOP Instance UID."""
        found: dict[str, set[bytes]] = {}
        for one in self.relay.received:
            found.setdefault(one.sop_instance_uid, set()).add(one.digest)
        return found

    def is_unfinished(self) -> bool:
        """Whether a further run would send something by itself."""
        return any(state in {"planned", "failed"} for state, _ in self.ledger().values())


Happening = Callable[[World], None]


def limited(process: Process, number: int, most: int) -> None:
    """Give a running process a limit of its resources; setrlimit(2)."""
    resource.prlimit(process.pid, number, (most, most))
