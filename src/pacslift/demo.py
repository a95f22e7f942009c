"""The demo: the whole job on a small synthetic archive that ships with the program."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pacslift.errors import JobFolderError
from pacslift.job import Job, TargetAddress
from pacslift.job_reading import load_job
from pacslift.job_writing import create_job


def shipped_archive() -> Path:
    """The demo's archive: inside the wheel, or in the checkout it is run from."""
    inside = Path(__file__).parent / "_demo"
    checkout = Path(__file__).parents[2]
    return inside if inside.is_dir() else checkout / "fixtures" / "dcm4chee2" / "demo"


@contextmanager
def prepared_demo(folder: Path, target: TargetAddress | None) -> Iterator[Job]:
    """A fresh job in *folder* with its archive and, without *target*, a target of its own.

    Raises JobFolderError if *folder* holds something already.
    """
    from pacslift.cases import load_case  # noqa: PLC0415 - loads sqlglot
    from pacslift.demo_target import DemoTarget  # noqa: PLC0415 - loads a server

    folder = folder.resolve()
    if folder.exists() and not folder.is_dir():
        raise JobFolderError(f"{folder} is no folder; give the demo another one: pacslift demo DIR")
    if folder.exists() and any(folder.iterdir()):
        raise JobFolderError(
            f"{folder} is not empty; remove it, or give the demo another folder: pacslift demo DIR"
        )
    archive = folder / "archive"
    try:
        shutil.copytree(shipped_archive(), archive, ignore=shutil.ignore_patterns("expected"))
    except OSError as error:
        raise JobFolderError(
            f"the demo cannot write to {folder}: {error}; give it another folder: pacslift demo DIR"
        ) from error
    case = load_case(archive)
    with ExitStack() as stack:
        if target is None:
            inside = stack.enter_context(DemoTarget(folder / "target"))
            target = TargetAddress("DEMO", "127.0.0.1", inside.port)
        create_job(
            Job(
                folder=folder / "job",
                dumps=case.dumps,
                mounts=case.mounts,
                target=target,
            )
        )
        yield load_job(folder / "job")
