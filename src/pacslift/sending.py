"""How sending is set up: what every sender must know, the hands that send, and their supply."""

import time

from pacslift.adapter import Adapter, load_adapters
from pacslift.agreement import moved_folders, name_of
from pacslift.events import Sink
from pacslift.repair.order import TRANSCODE
from pacslift.running import Run, stage
from pacslift.send.association import Timeouts
from pacslift.send.crew import Sending
from pacslift.send.deliver import deliver
from pacslift.send.manning import hands_for
from pacslift.send.orders import OrderBook, provenance_of, rule_settings
from pacslift.send.outcome import policy_of
from pacslift.send.pace import Pacer
from pacslift.send.pairs import pairs_to_propose
from pacslift.send.sendcounts import SendCounts
from pacslift.send.supply import Alone, Supply
from pacslift.send.worker import Retries, Terms

MOST_SUMMED = 1_000_000  # instances; for more it would keep a restart waiting


def bring(run: Run, expected: int, counts: SendCounts) -> None:
    """Bring objects to the target, *expected* ones at most: all, or this machine's part of them.

    *counts* is told what became of each.
    """
    size = run.ledger.bytes_planned() if expected <= MOST_SUMMED else None
    with stage(run, "send", expected, size) as say:
        began = time.monotonic()
        hands = hands_for(run.job, sending_of(run), expected, counts, run.ledger)
        try:
            deliver(run.ledger, hands, counts, Pacer(run.job.pace), supply_of(run, counts))
        finally:
            say(counts.sentence(time.monotonic() - began - counts.held))


def sending_of(run: Run) -> Sending:
    """What every sender must know."""
    job, book = run.job, order_book(run)
    transcodes = book.rules.works(TRANSCODE.id, by_default=TRANSCODE.on)
    return Sending(
        address=job.target,
        pairs=tuple(pairs_to_propose(run.ledger, transcodes=transcodes)),
        timeouts=Timeouts(response=job.response_timeout),
        retries=Retries(job.busy_waits, job.lost_waits),
        terms=Terms(job.window, policy_of(job.profile, job.statuses)),
        transcodes=transcodes,
        book=book,
        revision=run.ledger.get("revision") or "",
    )


def supply_of(run: Run, tell: Sink) -> Supply:
    """All that is planned, or this machine's part of it."""
    if not run.ledger.is_shared:
        return Alone(run.ledger)
    from pacslift.send.shared import Shared  # noqa: PLC0415 - loads Procrastinate

    moved = moved_folders(run.ledger, run.job)
    return Shared(run.ledger, run.job.dead_after, tell, moved)


def adapter_of(run: Run) -> Adapter:
    """The adapter that extract chose."""
    return load_adapters(run.job.adapters)[run.ledger.get("adapter") or ""]


def order_book(run: Run) -> OrderBook:
    """What the job orders for its objects, at the revision that was planned last."""
    adapter = adapter_of(run)
    source = run.job.source_name or adapter.name
    revised = run.ledger.get("revised") or run.job.revised
    return OrderBook(
        rule_settings(run.job.rules, run.ledger.new_uids()),
        provenance_of(name_of(run.ledger, run.job.folder), revised, source),
        adapter.rebuild,
        run.job.ledger,
        moved_folders(run.ledger, run.job) if run.ledger.is_shared else {},
    )
