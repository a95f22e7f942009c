"""The revision of a job: what of job.toml decides the bytes that are sent, and when that was last.

The `revised` line of job.toml is the only time that may enter an object (design: the same input
and the same revision give the same bytes).
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from pacslift import __version__
from pacslift.job import Job
from pacslift.job_text import mapping_digests, write_text
from pacslift.job_writing import now

RULES_VERSION = "2"  # raised whenever a repair rule would give other bytes than before

# The keys of job.toml that decide which objects are sent, from which files, with which bytes.
DECIDING: Mapping[str, Callable[[Job], object]] = {
    "source.dumps": lambda job: (job.dumps, job.databases),
    "source.adapter": lambda job: job.adapter,
    "source.adapters": lambda job: job.adapters,
    "source.accept_truncated": lambda job: job.accept_truncated,
    "source.name": lambda job: job.source_name,
    "source.schema": lambda job: job.schema,
    "storage.mounts": lambda job: job.mounts,
    "inventory.probe": lambda job: job.probe,  # may find another of several copies to be the good
    "charset": lambda job: job.charset,
    "mapping.patients": lambda job: job.mapping.get("patients"),
    "mapping.accession_numbers": lambda job: job.mapping.get("accession_numbers"),
    "mapping.exclusions": lambda job: job.mapping.get("exclusions"),
    "rules": lambda job: job.rules,
}


def content_digest(job: Job, adapter_digest: str) -> str:
    """A digest over what decides the bytes sent: of job.toml, adapter, rules, mapping.

    All that is in job.toml but not in DECIDING says where objects go, how we get in, what answers
    mean, how many send, how fast, in which order, and where the ledger is.

    Raises MappingError if a mapping file cannot be read.
    """
    said = {key: decides(job) for key, decides in DECIDING.items()}
    text = json.dumps(said, sort_keys=True, default=str)
    parts = [text, adapter_digest, __version__, RULES_VERSION, *mapping_digests(job.mapping)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def revision(job: Job, adapter_digest: str) -> str:
    """The job's revision: the digest over its content and over the time it was revised (hex)."""
    content = content_digest(job, adapter_digest)
    return hashlib.sha256(f"{content}\0{job.revised}".encode()).hexdigest()


def touch_revised(job: Job) -> Job:
    """Write the `revised` line anew into job.toml, leaving a person's other lines as they are."""
    path = job.folder / "job.toml"
    text = path.read_text(encoding="utf-8-sig")
    moment = now()
    line = f"revised = {moment}"
    changed, hits = re.subn(r"(?m)^revised\s*=\s*[^#\n]*?(?=\s*(#|$))", line, text, count=1)
    write_text(path, changed if hits else f"{line}\n{text}")
    return replace(job, revised=moment)
