"""Fuzz the targets with atheris: `make fuzz SECONDS=600`, or by hand

    python tests/fuzz/run.py list               the targets
    python tests/fuzz/run.py fuzz TARGET 600    search for so many seconds, from the kept corpus
    python tests/fuzz/run.py keep TARGET        take into the corpus what reaches most

What is found lies in .fuzz/TARGET; an input that fails is .fuzz/TARGET.crash-… and is to be put
into tests/fuzz/corpus/TARGET when it is mended, where tests/test_fuzz_corpus.py replays it.
"""

import hashlib
import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CORPUS = ROOT / "tests" / "fuzz" / "corpus"
FOUND = ROOT / ".fuzz"
MOST_KEPT = 200_000  # bytes in git for each target
MOST_TRACED = 1_500  # inputs that are looked at, the smallest first
LONGEST, SECONDS_A_RUN, MEGABYTES = 8_192, 10, 2_048

os.environ["POLARS_MAX_THREADS"] = "1"
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]


def fuzz(name: str, seconds: int) -> None:
    """Search for *seconds*; ends the process, with 0 if nothing was found."""
    import atheris  # noqa: PLC0415 - only here: replaying needs none

    with atheris.instrument_imports(include=["pacslift"]):
        from fuzz.targets import TARGETS  # noqa: PLC0415 - instrumented as it is imported
    found = FOUND / name
    seed(name, found)
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST}",
        f"-timeout={SECONDS_A_RUN}",
        f"-rss_limit_mb={MEGABYTES}",
        f"-artifact_prefix={FOUND / name}.",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *options, str(found), str(CORPUS / name)], TARGETS[name])
    atheris.Fuzz()


def seed(name: str, folder: Path) -> None:
    """Put the seeds of *name* into *folder*."""
    from fuzz.seeds import seeds_of  # noqa: PLC0415 - after the instrumented import

    folder.mkdir(parents=True, exist_ok=True)
    (CORPUS / name).mkdir(parents=True, exist_ok=True)
    for content in seeds_of(name):
        put(folder, content)


def put(folder: Path, content: bytes) -> None:
    """Write *content* under the name that is its digest, as libFuzzer does."""
    digest = hashlib.sha1(content, usedforsecurity=False).hexdigest()
    (folder / digest).write_bytes(content)


def keep(name: str) -> None:
    """Put into the corpus the smallest inputs that together reach all lines that any reaches."""
    from fuzz.seeds import seeds_of  # noqa: PLC0415
    from fuzz.targets import TARGETS  # noqa: PLC0415

    inputs = {path.read_bytes() for path in (FOUND / name).glob("*")}
    inputs |= {path.read_bytes() for path in (CORPUS / name).glob("*")} | set(seeds_of(name))
    reached: set[tuple[str, int, int]] = set()
    left = MOST_KEPT
    (CORPUS / name).mkdir(parents=True, exist_ok=True)
    for path in (CORPUS / name).iterdir():
        path.unlink()
    for content in sorted(inputs, key=lambda one: (len(one), one))[:MOST_TRACED]:
        try:
            steps = traced(TARGETS[name], content)
        except Exception as error:  # noqa: BLE001 - a fault that is not mended yet
            print(f"{name}: {hashlib.sha1(content).hexdigest()} fails: {error!r:.100}")  # noqa: S324
            continue
        if not steps <= reached and len(content) <= left:
            reached |= steps
            left -= len(content)
            put(CORPUS / name, content)
    kept = list((CORPUS / name).iterdir())
    print(f"{name}: {len(kept)} of {len(inputs)} inputs, {MOST_KEPT - left} bytes")


def traced(target, content: bytes) -> set[tuple[str, int, int]]:
    """The steps from line to line that pacslift's modules take over *content*."""
    steps: set[tuple[str, int, int]] = set()
    ours = str(ROOT / "src")

    def enter(frame, _event, _argument):
        if not frame.f_code.co_filename.startswith(ours):
            return None
        before = [0]

        def line(frame, event, _argument):
            if event == "line":
                steps.add((frame.f_code.co_filename, before[0], frame.f_lineno))
                before[0] = frame.f_lineno
            return line

        return line

    sys.settrace(enter)
    try:
        target(content)
    finally:
        sys.settrace(None)
    return steps


def main(arguments: list[str]) -> None:
    """One of the three commands."""
    match arguments:
        case ["list"]:
            from fuzz.targets import TARGETS  # noqa: PLC0415

            print("\n".join(TARGETS))
        case ["fuzz", name, seconds]:
            fuzz(name, int(seconds))
        case ["keep", name]:
            keep(name)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
