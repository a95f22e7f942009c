"""How tests make jobs and run the program, as a user would: by its command line."""

import hashlib
import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from click.testing import CliRunner, Result

import warmstart
from pacslift.cli import main
from warmstart import Forked


def pacslift(*arguments: object) -> Result:
    """Run the command line in this process; a traceback fails the test that looks at it."""
    result = CliRunner().invoke(main, [str(a) for a in arguments], prog_name="pacslift")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def init(job: Path, dumps: object, storage: object, target: str, *more: object) -> Result:
    """`pacslift init` with one or several dumps and roots."""
    options: list[object] = []
    for dump in dumps if isinstance(dumps, list) else [dumps]:
        options += ["--dump", dump]
    for root in storage if isinstance(storage, list) else [storage]:
        options += ["--storage", root]
    return pacslift("init", job, *options, "--target", target, *more)


def status(job: Path) -> dict:
    """`pacslift status --json`."""
    return json.loads(pacslift("status", job, "--json").stdout)


def tune(job: Path, **values: object) -> None:
    """Change lines of job.toml, as a person with an editor would."""
    path = job / "job.toml"
    text = path.read_text(encoding="utf-8")
    for key, value in values.items():
        text, hits = re.subn(rf"(?m)^{key} = [^#\n]*", f"{key} = {json.dumps(value)}  ", text)
        assert hits == 1, key
    path.write_text(text, encoding="utf-8")


@dataclass(frozen=True)
class Started:
    """The command line at work in a process of its own."""

    process: Forked | subprocess.Popen[bytes]
    stderr: TextIO

    def events(self) -> Iterator[dict]:
        """What it tells with `--log-format json`, as it comes, up to its end."""
        for line in self.stderr:
            yield json.loads(line)

    def wait_for(self, **wanted: object) -> dict:
        """The next event with these fields; the test fails if there is none."""
        for event in self.events():
            if event.items() >= wanted.items():
                return event
        raise AssertionError(f"ended with {self.process.wait()} and without {wanted}")

    def kill(self) -> None:
        """SIGKILL: no handler, no finally, no flush."""
        self.process.kill()
        self.process.wait()


@contextmanager
def started(*arguments: object) -> Iterator[Started]:
    """Start the command line as a process; it is killed at the end if it still runs."""
    told, stderr = os.pipe()
    with os.fdopen(told, encoding="utf-8") as told_so_far, Path(os.devnull).open("w") as nowhere:
        process = warmstart.start(arguments, nowhere.fileno(), stderr)
        os.close(stderr)
        try:
            yield Started(process, told_so_far)
        finally:
            process.kill()
            process.wait()


def snapshot(folder: Path) -> Mapping[str, tuple[int, int, str]]:
    """Size, modification time (ns) and sha256 of everything below *folder*."""
    return {
        str(path.relative_to(folder)): (
            path.lstat().st_size,
            path.lstat().st_mtime_ns,
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
        )
        for path in sorted(folder.rglob("*"))
    }
