"""A run in which several machines work on one job: each has a copy of it, a server has the ledger.

The machine that the program's `run` is on is this one; a helper (`worker`) may be elsewhere.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from shutil import copy

import psycopg
from elsewhere import Elsewhere
from processes import Fresh, Process, end_of, kill
from world import IN_ORDER, PATIENCE, World

from databases import Postgres, new_cluster, serving
from jobs import tune

NETWORKS = "10.64.0.0/10"  # all in which helpers may be; see elsewhere()
NUMBERS = count(1)
# Objects whose answers are put on record together, those of a quarter of a second, and those that
# are in a sender's hands meanwhile.
MOST_DROPPED = 80


@dataclass
class LedgerServer:
    """A PostgreSQL that takes helpers in, and can be ended and started again."""

    cluster: Postgres
    _running: ExitStack = field(default_factory=ExitStack)

    def start(self) -> None:
        self._running.enter_context(serving(self.cluster, "-c", "listen_addresses=*"))

    def stop(self) -> None:
        self._running.close()

    def url(self, host: str) -> str:
        """As job.toml takes it."""
        return f"postgresql://{self.cluster.user}@{host}:{self.cluster.port}/postgres"


@contextmanager
def ledger_server() -> Iterator[LedgerServer]:
    with new_cluster() as cluster:
        with (cluster.socket / "data" / "pg_hba.conf").open("a") as let_in:
            let_in.write(f"host all all {NETWORKS} trust\n")
        server = LedgerServer(cluster)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def as_in_a_file(digest: str) -> bytes:
    """A digest on record as a ledger in a file has it; see crossing.digest_of()."""
    return b"\x01" + bytes.fromhex(digest.removeprefix("blake3:"))


@dataclass
class Helper:
    """A machine that helps."""

    title: str  # of its application entity
    place: Elsewhere
    process: Process


@dataclass(kw_only=True)
class SharedWorld(World):
    """See World. *server* has the ledger, *place* is where a helper may be."""

    server: LedgerServer
    place: Elsewhere
    schema: str = field(default_factory=lambda: f"job_{next(NUMBERS)}")
    helpers: list[Helper] = field(default_factory=list)

    def lay_out(self) -> None:
        """See World."""
        super().lay_out()
        with (self.job / "job.toml").open("a") as text:
            text.write(f'\n[ledger]\nurl = "{self.server.url(self.place.host)}"\n')
            text.write(f'schema = "{self.schema}"\ndead_after = 2\n')

    def look_at(self, code: int) -> None:
        """See World. What is on record is looked at when all machines have ended."""
        self.codes.append(code)
        if code not in IN_ORDER:
            self.complaints.append(f"the machine that runs the job ended with {code}")

    def ledger(self) -> Mapping[str, tuple[str, bytes | None]]:
        """See World."""
        query = f"SELECT sop_instance_uid, state, digest FROM {self.schema}.instances"
        with psycopg.connect(self.server.url(self.place.host)) as connection:
            rows = connection.execute(query).fetchall()  # type: ignore[arg-type]  # no literal
        return {uid: (state, digest and as_in_a_file(digest)) for uid, state, digest in rows}

    def helper(self, title: str, place: Elsewhere, env: Mapping[str, str] | None = None) -> Helper:
        """Start one on a copy of the job."""
        folder = self.job.parent / title / "copy"
        folder.mkdir(parents=True)
        for name in ("job.toml", "patients.csv"):
            copy(self.job / name, folder)
        tune(folder, calling_aet=title)
        arguments = ["worker", str(folder), "--log-format", "json"]
        process = Fresh(arguments, self.log_of(title), env or {}, place.prefix)
        self.helpers.append(Helper(title, place, process))
        return self.helpers[-1]

    def log_of(self, title: str) -> Path:
        return self.job.parent / f"{title}.txt"

    def end(self, helper: Helper, *, killed: bool = False) -> None:
        """Wait for its end, which must be one in order unless it was *killed*."""
        code = end_of(helper.process, PATIENCE)
        if not killed and code not in IN_ORDER:
            said = self.log_of(helper.title).read_text(errors="replace")[-1500:]
            self.complaints.append(f"{helper.title} ended with {code}: {said}")
        dropped = self.dropped(helper)
        self.lost.update(dropped)
        if len(dropped) > MOST_DROPPED:
            self.complaints.append(f"{helper.title} has brought {len(dropped)} objects in vain")

    def leave(self) -> None:
        """Let none of the helpers live on."""
        for helper in self.helpers:
            kill(helper.process)
            helper.process.ended(PATIENCE)

    def dropped(self, helper: Helper) -> set[str]:
        """What the target has stored from this machine, which did not put it on record.

        What it put on record it told, and nothing else.
        """
        lines = self.log_of(helper.title).read_text(errors="replace").rpartition("\n")[0]
        told = [json.loads(line) for line in lines.splitlines() if line.startswith('{"')]
        kept = {one["sop_instance_uid"] for one in told if one["event"] == "InstanceSent"}
        mine = (one for one in self.relay.received if one.by == helper.title)
        return {one.sop_instance_uid for one in mine if one.is_acknowledged} - kept
