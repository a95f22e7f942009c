"""The demo: the whole job on a small synthetic archive that ships with the program."""

import shutil
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pacslift.demo_target import DemoTarget
from pacslift.errors import JobFolderError
from pacslift.job import Job, TargetAddress, create_job, load_job


def shipped_archive() -> Path:
    """The demo's archive: inside the wheel, or in the checkout it is run from."""
    inside = Path(__file__).parent / "_demo"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "fixtures" / "demo"


@contextmanager
def prepared_demo(folder: Path, target: TargetAddress | None) -> Iterator[Job]:
    """A fresh job in *folder* with its archive and, without *target*, a target of its own.

    Raises JobFolderError if *folder* holds something already.
    """
    folder = folder.resolve()
    if folder.exists() and any(folder.iterdir()):
        raise JobFolderError(
            f"{folder} is not empty; remove it, or give the demo another folder: pacslift demo DIR"
        )
    archive = folder / "archive"
    try:
        shutil.copytree(shipped_archive(), archive)
    except OSError as error:
        raise JobFolderError(f"the demo cannot write to {folder}: {error}") from error
    said = tomllib.loads((archive / "demo.toml").read_text(encoding="utf-8"))
    with ExitStack() as stack:
        if target is None:
            inside = stack.enter_context(DemoTarget(folder / "target"))
            target = TargetAddress("DEMO", "127.0.0.1", inside.port)
        create_job(
            Job(
                folder=folder / "job",
                dumps=tuple(archive / dump for dump in said["dumps"]),
                mounts={name: archive / path for name, path in said["mounts"].items()},
                target=target,
            )
        )
        yield load_job(folder / "job")
