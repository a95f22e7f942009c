"""How many processes and associations a run begins with, and what an earlier run found of them.

What a person says holds. What is to be found begins with one process and one association, or with
what an earlier run of the job found at the same target; each machine of a job remembers its own.
"""

import json
import platform
from contextlib import suppress

from pacslift.errors import LedgerError
from pacslift.events import Sink
from pacslift.job import Job, TargetAddress
from pacslift.ledger import Ledger
from pacslift.send.crew import Hands, Sending
from pacslift.send.finding import Bounds, Finding, Found, forget
from pacslift.send.growing import MOST
from pacslift.send.processor import cores
from pacslift.send.team import Team

REMEMBERED = "found."  # begins the key in the ledger, with the name of the machine


def hands_for(job: Job, sending: Sending, expected: int, tell: Sink, ledger: Ledger) -> Hands:
    """As many processes and associations as the job says or are found, for *expected* objects."""
    bounds = bounds_of(job, recalled(ledger, job.target), expected, cores())

    def remember(found: Found) -> None:
        with suppress(LedgerError):  # an outage of the server; the next change is as good
            ledger.put(key(), as_text(job.target, found))

    team = Team(sending, shared_out(bounds.begin))
    return Finding(team, bounds, tell, remember if not bounds.asked else forget)


def bounds_of(job: Job, known: Found | None, expected: int, cores: int) -> Bounds:
    """Where to begin with what a person said and an earlier run found, and what may be found.

    No association is without one of the *expected* objects to send.
    """
    begin = known or Found(1, 1)
    unit = min(job.associations or 1, expected)
    processes = job.processes or max(1, min(begin.processes, cores))
    number = processes * unit if job.associations else max(processes, begin.associations)
    number = min(number, expected)
    processes = min(processes, number)
    most_processes = processes if job.processes else max(processes, cores)
    most = unit * most_processes if job.associations else max(MOST, number)
    return Bounds(
        begin=Found(processes, number),
        most_processes=most_processes,
        most=min(most, expected),
        unit=unit,
        least=min(number, unit * processes if job.processes else unit),
        finds_associations=not job.associations,
        proven=known is None,
    )


def shared_out(found: Found) -> list[int]:
    """How many associations each process has."""
    each, more = divmod(found.associations, found.processes)
    return [each + (nth < more) for nth in range(found.processes)]


def recalled(ledger: Ledger, address: TargetAddress) -> Found | None:
    """What an earlier run found at the target; none where it was another one."""
    with suppress(ValueError, TypeError, KeyError):
        said = json.loads(ledger.get(key()) or "{}")
        found = Found(int(said["processes"]), int(said["associations"]))
        if said["target"] == str(address) and 0 < found.processes <= found.associations:
            return found
    return None


def as_text(address: TargetAddress, found: Found) -> str:
    """What recalled() reads."""
    numbers = {"processes": found.processes, "associations": found.associations}
    return json.dumps({"target": str(address), **numbers})


def key() -> str:
    """Where this machine's numbers are in the ledger."""
    return REMEMBERED + platform.node()
