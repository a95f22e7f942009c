"""One run of one scenario with one seed, from a fresh copy of the job to what was found."""

import random
import tempfile
import traceback
from collections import Counter
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from checker import complaints, resent
from elsewhere import elsewhere
from processes import Zygote
from realtargets import small_disk
from relay import HOST, Relay
from scenarios import Scenario
from sharing import SharedWorld
from stock import Stock
from target import ScriptedTarget
from world import World

from jobs import status


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run."""

    scenario: Scenario
    seed: int
    seconds: float
    codes: list[int] = field(default_factory=list)
    states: dict[str, int] = field(default_factory=dict)
    resent: int = 0  # objects beyond the first time
    unanswered: int = 0  # objects that came whole and got no good answer
    lost: int = 0  # answers that a crash kept off the record
    restart: float | None = None  # seconds from a start after a fault to the first object
    complaints: list[str] = field(default_factory=list)


def one_run(scenario: Scenario, seed: int, stock: Stock, zygote: Zygote | None = None) -> Outcome:
    """Do it, in a folder that is removed afterwards."""
    chance = random.Random(f"{scenario.name} {seed}")  # noqa: S311 - a seed, to do it again
    began = monotonic()
    with tempfile.TemporaryDirectory(prefix="faults-") as name, ExitStack() as opened:
        place = opened.enter_context(elsewhere()) if scenario.is_shared else None
        target = opened.enter_context(target_for(scenario, chance, Path(name)))
        link = Relay(lambda: target.port, place.host if place else HOST)
        common = {
            "prepared": stock.many if place else stock.few,
            "job": Path(name) / "job",
            "relay": opened.enter_context(link),
            "zygote": zygote,
            "chance": chance,
        }
        world = (
            SharedWorld(**common, server=stock.ledgers, place=place) if place else World(**common)
        )
        opened.callback(world.leave)
        if scenario.disk:
            world.job.mkdir()
            opened.enter_context(small_disk(world.job, scenario.disk))
        world.lay_out()
        tune_by_chance(world, scenario)
        try:
            scenario.happen(world, target)
            target.behave()
            world.to_the_end()
            found = complaints(world, target.held(world.prepared.expected), scenario.allowed)
        except Exception:  # noqa: BLE001 - the other runs are still to be done
            found = [*world.complaints, traceback.format_exc()]
        if found and world.log.exists():
            found.append(world.log.read_text(errors="replace")[-1500:])
        return outcome_of(world, scenario, seed, monotonic() - began, found)


def outcome_of(
    world: World, scenario: Scenario, seed: int, seconds: float, found: list[str]
) -> Outcome:
    """What the world has come to."""
    states = {s: n for s, n in status(world.job).get("states", {}).items() if n}
    return Outcome(
        scenario,
        seed,
        seconds,
        world.codes,
        states,
        resent(world),
        sum(not one.is_acknowledged for one in world.relay.received),
        sum(world.lost.values()),
        max(world.restarts, default=None),
        found,
    )


def target_for(
    scenario: Scenario, chance: random.Random, folder: Path
) -> AbstractContextManager[Any]:
    """The target that the scenario is about; of our own, one of one kind or another."""
    if scenario.target is not None:
        return scenario.target(folder)
    return ScriptedTarget(
        max_pdu=chance.choice([4096, 16384, 131072, 0]), window=chance.choice([None, 1, 3, 8])
    )


def tune_by_chance(world: World, scenario: Scenario) -> None:
    """The settings of the scenario, and others that an operator may have chosen."""
    world.tune(**{"associations": world.chance.randint(1, 3), **scenario.settings})


def table(outcomes: list[Outcome]) -> str:
    """A line for each scenario."""
    head = ("fault", "runs", "ended with", "resent, most", "on the way", "restart s", "wrong")
    lines = [head]
    for scenario in dict.fromkeys(one.scenario.name for one in outcomes):
        mine = [one for one in outcomes if one.scenario.name == scenario]
        codes = Counter(code for one in mine for code in one.codes)
        worst = max(mine, key=lambda one: one.resent)
        restart = max((one.restart for one in mine if one.restart is not None), default=None)
        lines.append((
            mine[0].scenario.sentence,
            str(len(mine)),
            " ".join(f"{code}:{n}" for code, n in sorted(codes.items())),
            str(worst.resent),
            str(worst.unanswered + worst.lost),
            "" if restart is None else f"{restart:.1f}",
            str(sum(bool(one.complaints) for one in mine) or ""),
        ))  # fmt: skip
    widths = [max(len(line[n]) for line in lines) for n in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
