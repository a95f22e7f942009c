"""What must hold after every run, whatever happened in it. Each function gives its complaints.

The sums balance and every instance is in one state; what counts as stored lies at the target, with
the bytes that an undisturbed run brings there; what was sent twice had the same bytes; nothing was
sent again but what was on the way, or answered and not yet on record, when the fault struck; and
the exit code says neither more nor less than the account.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from crossing import digest_of
from world import World

from jobs import status

CERTAIN = frozenset({"stored", "stored_changed", "verified"})


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a fault may leave behind."""

    states: frozenset[str] = frozenset({"verified"})
    asks: bool = True  # the target takes queries, so that exit code 0 can be had
    lies: int = 0  # objects that the target says it has stored, and has not as they were sent


def complaints(world: World, held: Mapping[str, bytes], allowed: Allowed) -> list[str]:
    """Everything that is wrong. *held* are digests of what the target has, by SOP Instance UID."""
    return [
        *world.complaints,
        *about_account(world, allowed),
        *list(about_target(world, held))[allowed.lies :],
        *about_resending(world),
    ]


def about_account(world: World, allowed: Allowed) -> Iterator[str]:
    """The sums, the states, the exit code."""
    account = status(world.job)
    states = {state: n for state, n in account["states"].items() if n}
    if not account["balanced"] or sum(states.values()) != account["instances"] != world.size:
        yield f"the account does not balance: {account['states']} of {account['instances']}"
    if sum(account["file_states"].values()) != account["files"]:
        yield f"the files do not balance: {account['file_states']} of {account['files']}"
    if strange := set(states) - allowed.states:
        yield f"instances are left {', '.join(f'{states[one]} {one}' for one in sorted(strange))}"
    clean = states == {"verified": world.size} and not world.codes[-1]
    if world.codes[-1] == 0 and not clean:
        yield f"it ended with 0 and {states}"
    if allowed.asks and states == {"verified": world.size} and world.codes[-1] != 0:
        yield f"all is verified, and it ended with {world.codes[-1]}"


def about_target(world: World, held: Mapping[str, bytes]) -> Iterator[str]:
    """What counts as stored is held, with the right bytes."""
    expected = {uid: digest_of(data_set) for uid, data_set in world.prepared.expected.items()}
    for uid, (state, digest) in world.ledger().items():
        if state not in CERTAIN:
            continue
        if uid not in held:
            yield f"{uid} is {state}, and the target has no such object"
        elif held[uid] != expected[uid] and uid not in world.changed:
            yield f"{uid} is {state}, and the target has other bytes"
        elif held[uid] != digest:
            yield f"{uid} is {state}, and its digest on record is another than the target's"


def about_resending(world: World) -> Iterator[str]:
    """What was sent twice, and had to be."""
    unanswered = Counter(
        one.sop_instance_uid for one in world.relay.received if not one.is_acknowledged
    )
    for uid, several in world.contents().items():
        if len(several) > 1 and uid not in world.changed:
            yield f"{uid} was sent with {len(several)} different contents"
    for uid, times in sent(world).items():
        if times - 1 > unanswered[uid] + world.lost[uid]:
            yield (
                f"{uid} was sent {times} times; {unanswered[uid]} times without a good answer, "
                f"{world.lost[uid]} answers were lost with the program"
            )


def sent(world: World) -> Counter[str]:
    """How often each object crossed the link whole."""
    return Counter(one.sop_instance_uid for one in world.relay.received)


def resent(world: World) -> int:
    """Objects that crossed the link whole more often than once, each as often as it did."""
    return sum(times - 1 for times in sent(world).values())
