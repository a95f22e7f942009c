"""Faults by the hundred: `make faults RUNS=200 SEED=1`, or by hand

python tests/faults/run.py --runs 200 --seed 1      every scenario in turn, timing by chance
python tests/faults/run.py --only killed --seed 17  one run again, as it was
"""

import argparse
import sys
import tempfile
from contextlib import nullcontext, suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]
sys.path.append(str(ROOT / "benchmarks"))

import pytest  # noqa: E402 - found by the line above
from processes import Zygote  # noqa: E402
from result import page  # noqa: E402
from runs import Outcome, one_run, table  # noqa: E402
from scenarios import EACH  # noqa: E402
from stock import Stock  # noqa: E402

NOT_HERE = pytest.skip.Exception


def main() -> int:
    """Do what the command line says. 1 if a promise was broken in a run."""
    asked = arguments()
    chosen = [one for one in EACH if not asked.only or one.name in asked.only]
    outcomes: list[Outcome] = []
    with (
        tempfile.TemporaryDirectory(prefix="faults-") as name,
        nullcontext() if asked.fresh else Zygote() as zygote,
        Stock(Path(name)) as stock,
        suppress(KeyboardInterrupt),  # then what has been done so far is told
    ):
        for nth in range(asked.runs):
            scenario = chosen[nth % len(chosen)]
            try:
                outcome = one_run(scenario, asked.seed + nth // len(chosen), stock, zygote)
            except NOT_HERE as why:
                print(f"{scenario.name}: not done, {why}", flush=True)
                continue
            outcomes.append(outcome)
            tell(outcome)
    print(f"\n{table(outcomes)}")
    if asked.output:
        asked.output.write_text(page(outcomes, asked.seed, is_warm=not asked.fresh))
    return int(any(one.complaints for one in outcomes))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=len(EACH))
    parser.add_argument("--seed", type=int, default=1, help="of the first run of each scenario")
    parser.add_argument("--only", nargs="*", metavar="NAME", help="scenarios, by their names")
    parser.add_argument("--fresh", action="store_true", help="no process is a fork of a warm one")
    parser.add_argument("--output", type=Path, help="file to write the table to")
    return parser.parse_args()


def tell(outcome: Outcome) -> None:
    """A line on a run; what is wrong, and how to see it again."""
    print(
        f"{outcome.scenario.name} seed {outcome.seed}: {outcome.seconds:.1f} s, "
        f"ended with {outcome.codes}, {outcome.states}, resent {outcome.resent}",
        flush=True,
    )
    for complaint in outcome.complaints:
        print(f"  WRONG: {complaint}")
    if outcome.complaints:
        name, seed = outcome.scenario.name, outcome.seed
        print(f"  again: python tests/faults/run.py --only {name} --seed {seed} --runs 1")


if __name__ == "__main__":
    sys.exit(main())
