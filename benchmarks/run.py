"""Measure pacslift against the tools it is compared with, and write RESULTS.md.

All benchmarks: `python benchmarks/run.py`; one: `python benchmarks/run.py extract-mysql --rows
200000`. `--quick` is a short form that shows that all works; its numbers are printed and written
only where --output says. Full runs replace their sections of RESULTS.md.
"""

import argparse
import importlib
import os
import platform
import subprocess
import sys
import traceback
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench import Options, write_results
from measure import first_line, machine
from peers import CHECKOUT, NotInstalledError

BENCHMARKS = {
    "extract-mysql": "extract_mysql",
    "extract-postgres": "extract_postgres",
    "flat": "flat",
    "latency": "latency",
    "ledger": "ledger",
    "memory": "memory",
    "overlay": "repair",
    "scale": "scale",
    "store": "store",
}
ONLY_FULL = {"memory"}  # left out of --quick, unless asked for by name
RESULTS = Path(__file__).with_name("RESULTS.md")
PACKAGES = ("pacslift", "polars", "pydicom", "pynetdicom", "sqlglot")


def main() -> int:
    """Run what the command line says. 1 if something could not be measured."""
    asked = _arguments()
    options = Options(asked.quick, asked.rows, asked.rounds, asked.seconds)
    names = asked.names or [n for n in BENCHMARKS if not (asked.quick and n in ONLY_FULL)]
    texts: dict[str, str] = {}
    failed = False
    for name in names:
        print(f"{name} …", file=sys.stderr, flush=True)
        text, is_good = _measured(name, options)
        failed |= not is_good
        texts[name] = f"{_stamp(name)}\n\n{text}"
        print(f"## {name}\n\n{text}", flush=True)
    output = asked.output or (None if _is_partial(options) else RESULTS)
    if output is not None:
        write_results(output, _head(), texts, list(BENCHMARKS))
    return int(failed)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    known = f"which ones: {', '.join(BENCHMARKS)}; all if none is given"
    parser.add_argument("names", nargs="*", metavar="NAME", help=known)
    parser.add_argument("--quick", action="store_true", help="small sizes, one round")
    parser.add_argument("--rows", type=int, help="rows of the dumps")
    parser.add_argument("--rounds", type=int, help="how often each side is run, in turn")
    parser.add_argument("--seconds", type=float, help="length of one run of a sender")
    parser.add_argument("--output", type=Path, help="file to write, instead of RESULTS.md")
    asked = parser.parse_args()
    for name in asked.names:
        if name not in BENCHMARKS:
            parser.error(f"there is no benchmark {name!r}; there are {', '.join(BENCHMARKS)}")
    return asked


def _measured(name: str, options: Options) -> tuple[str, bool]:
    """The section's text, and whether it was measured."""
    try:
        return importlib.import_module(BENCHMARKS[name]).run(options).markdown(), True
    except NotInstalledError as missing:
        return f"Not measured: {missing}\n", False
    except Exception as error:  # noqa: BLE001 - the other benchmarks are still to be run
        traceback.print_exc()
        return f"Not measured: {str(error).strip() or type(error).__name__}\n", False


def _is_partial(options: Options) -> bool:
    """Whether sizes are not those that RESULTS.md is about."""
    return options != Options()


def _head() -> str:
    return f"""\
# Results

Written by `make bench`. Both sides of a ratio were run on one machine in one run, in turn; where a
cell has three numbers they are the median, the least and the largest. Goals are those of the
design; what is not met says so.

Machine: {machine()}.
"""


def _stamp(name: str) -> str:
    now = datetime.now(UTC).isoformat(sep=" ", timespec="minutes").removesuffix("+00:00")
    versions = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    load = os.getloadavg()[0]
    return (
        f"Measured {now} UTC at {_revision()} by `python benchmarks/run.py {name}`; Python "
        f"{platform.python_version()}, {versions}; on {machine()}; load after it {load:.1f}."
    )


def _revision() -> str:
    git = ["git", "-C", str(CHECKOUT)]
    if subprocess.call([*git, "rev-parse"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
        return "a tree without history"
    return f"revision {first_line(*git, 'describe', '--always', '--dirty')}"


if __name__ == "__main__":
    sys.exit(main())
