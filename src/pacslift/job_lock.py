"""One process at a time works on a job."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from pacslift.errors import JobBusyError, JobFolderError


def require_writable(folder: Path) -> None:
    """JobFolderError unless this user may make files in *folder*."""
    if not os.access(folder, os.W_OK | os.X_OK):
        raise JobFolderError(
            f"the job folder {folder} cannot be written by this user; "
            "change its owner, or run pacslift as its owner"
        )


@contextmanager
def job_lock(folder: Path) -> Iterator[None]:
    """Hold the job for this process; JobBusyError if another one does. Freed by any death.

    SQLite's own file lock serves, since it is the same on every platform.
    """
    try:
        held = sqlite3.connect(folder / "lock.db", timeout=0, isolation_level=None)
    except sqlite3.Error as error:
        raise cannot_lock(folder, error) from error
    with closing(held):
        try:
            held.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            raise cannot_lock(folder, error) from error
        yield


def cannot_lock(folder: Path, error: sqlite3.Error) -> JobBusyError | JobFolderError:
    """Why: another process holds the lock, or its file is of no use."""
    if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
        return JobBusyError(
            f"another pacslift process works on {folder}; wait for it or stop it, "
            "`pacslift status` shows how far it is"
        )
    return JobFolderError(
        f"{folder / 'lock.db'} cannot be locked: {error}; make the folder writable for this user, "
        "and remove the file if it is damaged"
    )
