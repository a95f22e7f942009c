"""What the copies of a job on several machines must have in common, and what they do not.

Each copy has its own paths, and as many processes as its machine bears. All that decides what
objects are sent, where to, and with which bytes must be what it was when the job was planned.
"""

import hashlib
import json
from pathlib import Path

from pacslift import __version__
from pacslift.adapter import Adapter
from pacslift.errors import JobFileError, JobFolderError
from pacslift.inventory.take import require_folders
from pacslift.job import Job
from pacslift.job_revision import RULES_VERSION
from pacslift.job_text import mapping_digests, toml_value
from pacslift.ledger import Ledger

TERMS, FOLDERS, NAME = "terms", "mounts", "job"  # keys of the ledger


def terms_of(job: Job, adapter: Adapter) -> dict[str, str]:
    """What must be the same, by what to call it; values are digests.

    Raises MappingError if a mapping file cannot be read.
    """
    address = job.target
    found: dict[str, object] = {
        "the version of pacslift": (__version__, RULES_VERSION),
        f"the adapter {adapter.name}": adapter.digest,
        "[source] name": job.source_name,
        "[storage.mounts] names": sorted(job.mounts),
        "[target] aet, host, port": (address.aet, address.host, address.port),
        "[charset]": toml_value(dict(job.charset)),
        "[rules]": toml_value(dict(job.rules)),
        "[mapping] files": list(mapping_digests(job.mapping)),
    }
    return {
        name: hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]
        for name, value in found.items()
    }


def put_terms(ledger: Ledger, job: Job, adapter: Adapter) -> None:
    """Keep what others must agree to, with the plan."""
    ledger.put(TERMS, json.dumps(terms_of(job, adapter), sort_keys=True))
    folders = {name: str(path) for name, path in job.mounts.items()}
    ledger.put(FOLDERS, json.dumps(folders, sort_keys=True))
    ledger.put(NAME, job.folder.name)


def require_agreement(ledger: Ledger, job: Job, adapter: Adapter) -> None:
    """JobFileError, with what differs, unless this copy of the job is what was planned."""
    planned: dict[str, str] = json.loads(ledger.get(TERMS) or "{}")
    here = terms_of(job, adapter)
    differing = sorted(
        name for name in planned.keys() | here.keys() if planned.get(name) != here.get(name)
    )
    if differing:
        raise JobFileError(
            f"this copy of the job is not the one that was planned: {', '.join(differing)} "
            f"differ. Copy job.toml, the mapping files and own adapters from the machine that "
            f"planned it, and install the same pacslift (here {__version__}); or plan again there"
        )
    require_folders(job.mounts)


def moved_folders(ledger: Ledger, job: Job) -> dict[str, str]:
    """Where the folders of the storage, as they were planned, are on this machine."""
    planned: dict[str, str] = json.loads(ledger.get(FOLDERS) or "{}")
    if missing := sorted(planned.keys() - job.mounts.keys()):
        raise JobFolderError(f"[storage.mounts] of job.toml lacks the root {missing[0]!r}")
    return {was: str(job.mounts[name]) for name, was in planned.items()}


def name_of(ledger: Ledger, folder: Path) -> str:
    """What the job is called in the objects that it changes, on whichever machine."""
    return ledger.get(NAME) or folder.name


def require_own_ledger(ledger: Ledger, job: Job) -> None:
    """JobFileError if a shared ledger holds the plan of another job."""
    named = name_of(ledger, job.folder)
    if ledger.is_shared and named != job.folder.name:
        raise JobFileError(
            f"the ledger {ledger.place} is that of the job {named}, and this folder is called "
            f"{job.folder.name}. If it is another job, give it its own [ledger] schema in "
            "job.toml; if it is the same one, call the folder as it was called"
        )
