"""How sending goes on each machine, as each puts it on record for `pacslift pace` and `status`.

What is there of one that was killed is known by its age, told by the clock of the ledger's server,
since those of several machines differ.
"""

import json
import secrets
import socket
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from pacslift.events import PaceChanged
from pacslift.ledger import META, Ledger

GOING = "pace.going"  # begins the key of how it goes on a machine
FRESH = 15.0  # seconds; what is older was left by one that was killed


@dataclass(frozen=True, slots=True)
class Going:
    """How sending goes on *machine*, as it said *age* seconds ago."""

    machine: str
    told: PaceChanged
    instances_per_second: float
    megabytes_per_second: float
    age: float = 0.0


class OnRecord:
    """Keeps in *ledger* how it goes on this machine, beside the others where several work."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        mine = f".{secrets.token_hex(8)}" if ledger.is_shared else ""
        self._key = GOING + mine

    def put(self, told: PaceChanged, instances: float, megabytes: float) -> None:
        """Say that it goes so now, with so many *instances* and *megabytes* a second."""
        said = {
            "at": self._ledger.clock().isoformat(),
            "machine": socket.gethostname(),
            "instances_per_second": round(instances, 2),
            "megabytes_per_second": round(megabytes, 3),
        }
        self._ledger.put(self._key, json.dumps({**said, **asdict(told)}))

    def forget(self) -> None:
        """Nothing is sent here any more; what others left who were killed is dropped, too."""
        old = [key for key, one in found_in(self._ledger) if one.age > FRESH]
        self._ledger.forget(self._key, *old)


def goings(ledger: Ledger) -> tuple[Going, ...]:
    """How it goes on every machine that sends now, by name; none where no run sends."""
    fresh = (one for _, one in found_in(ledger) if one.age <= FRESH)
    return tuple(sorted(fresh, key=lambda one: one.machine))


def found_in(ledger: Ledger) -> Sequence[tuple[str, Going]]:
    """All that is on record, with its key."""
    query = sa.select(META).where(META.c.key.startswith(GOING, autoescape=True))
    rows = [(row["key"], json.loads(row["value"])) for row in ledger.rows(query)]
    now = ledger.clock() if rows else datetime.now(UTC)
    return [(key, going_from(said, now)) for key, said in rows]


def going_from(said: Mapping[str, Any], now: datetime) -> Going:
    """How it goes by what a machine wrote."""
    age = (now - datetime.fromisoformat(said["at"])).total_seconds()
    names = {field.name for field in fields(PaceChanged)}
    told = PaceChanged(**{name: value for name, value in said.items() if name in names})
    return Going(
        str(said.get("machine", "")),
        told,
        said["instances_per_second"],
        said["megabytes_per_second"],
        max(age, 0.0),
    )
