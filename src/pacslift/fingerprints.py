"""What the input of a stage was, as a digest: the same input need not be worked on again."""

import hashlib
import json
from collections.abc import Mapping

from pacslift.adapter import Adapter
from pacslift.extract.onserver.odbc import redacted
from pacslift.extract.packed.parts import with_parts
from pacslift.job import Job


def fingerprint(*parts: object) -> str:
    """A digest over *parts*, hex."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def dumps_print(job: Job) -> list[tuple[str, int, int]]:
    """Path, size and time of every file of the dumps; a database counts by its name alone.

    A database that has changed since is read again by `pacslift extract` only, so that a run that
    was cut off goes on with the rows it began with.
    """
    files = [
        file
        for dump in with_parts(job.dumps)
        for file in (sorted(dump.rglob("*")) if dump.is_dir() else [dump])
        if file.is_file()
    ]
    databases = [(redacted(text), 0, 0) for text in job.databases]
    return [*databases, *((str(f), f.stat().st_size, f.stat().st_mtime_ns) for f in files)]


def mounts_print(job: Job) -> list[tuple[str, str]]:
    """Old roots and their folders."""
    return sorted((name, str(path)) for name, path in job.mounts.items())


def target_print(job: Job) -> tuple[str, str, int]:
    """Where objects go; it decides none of their bytes, but what is planned to be there."""
    return job.target.aet, job.target.host, job.target.port


def digests(known: Mapping[str, Adapter]) -> list[str]:
    """The digests of the adapters, in their names' order."""
    return [known[name].digest for name in sorted(known)]
