"""Whose a study is now: merged patients followed to the one that is left.

A merge that leads in a circle, or to a row that the dump does not have, names no patient: what
belongs to it is set aside with the keys, since any patient chosen here might be the wrong one.
"""

from collections.abc import Mapping

import polars as pl

from pacslift.errors import Cause

MOST_NAMED = 8  # keys of a chain that a sentence names

FOLLOWED = pl.Schema(
    {
        "patient_key": pl.String(),
        "final_key": pl.String(),  # null with a cause
        "cause": pl.String(),
        "detail": pl.String(),  # keys only
    }
)


End = tuple[str | None, str | None, str | None]  # final key; cause and detail without one


def follow_merges(patients: pl.DataFrame) -> pl.DataFrame:
    """FOLLOWED: every row of *patients* (patient_key, merged_into) with the patient it is now."""
    merged = patients.filter(pl.col("merged_into").is_not_null())
    into = dict(zip(merged["patient_key"], merged["merged_into"], strict=True))
    ends: dict[str, End] = {}
    known = set(patients["patient_key"]) if into else set()
    for key in into:
        follow(key, into, known, ends)
    rows = [(key, *ends[key]) for key in into]
    found = pl.DataFrame(rows, schema=FOLLOWED, orient="row")
    alone = pl.when(pl.col("merged_into").is_null()).then("patient_key")
    return (
        patients.select("patient_key", "merged_into")
        .join(found, on="patient_key", how="left", maintain_order="left")
        .select("patient_key", pl.coalesce("final_key", alone), "cause", "detail")
    )


def follow(key: str, into: Mapping[str, str], known: set[str], ends: dict[str, End]) -> None:
    """Put the end of every key on the chain from *key* into *ends*; each is walked once."""
    chain: dict[str, None] = {}  # in order, and quick to look up
    while key in into and key not in ends and key not in chain:
        chain[key] = None
        key = into[key]
    if key in ends:
        end = ends[key]
    elif key in chain:
        end = unclear(f"patients are merged in a circle: {named([*chain, key])}")
    elif key not in known:
        last = next(reversed(chain))
        end = unclear(f"patient {last} is merged into {key}, which the dump does not have")
    else:
        end = (key, None, None)
    ends.update(dict.fromkeys(chain, end))


def unclear(why: str) -> End:
    """The end of a chain that names nobody."""
    return None, Cause.PATIENT_UNCLEAR.value, why


def named(chain: list[str]) -> str:
    """The keys of a chain with arrows between them, the middle of a long one left out."""
    if len(chain) > MOST_NAMED:
        chain = [*chain[: MOST_NAMED - 1], "…", chain[-1]]
    return " → ".join(chain)
