"""What a target refuses in one transfer syntax it may take in another; what was sent stays sent."""

import struct
import zlib

from small_objects import CT, in_memory

from pacslift.errors import Cause
from pacslift.inventory.stored import open_stored
from pacslift.repair.frames import DEFLATED_FRAMES
from pacslift.repair.outgoing import prepare
from pacslift.send.outcome import Outcome
from pacslift.send.worker import StoreWorker
from scripted import ScriptedArchive
from storedobjects import element, file_of, fragments, identified, part10

FRAME = bytes(range(16))


def deflated_frames(tmp_path, frame=FRAME):
    deflater = zlib.compressobj(wbits=-15)
    stream = deflater.compress(frame) + deflater.flush()
    number = struct.Struct("<H").pack
    parts = [(0x00280002, 1), (0x00280010, 2), (0x00280011, 4), (0x00280100, 16)]
    header = b"".join(element(tag, "US", number(value)) for tag, value in parts)
    content = identified() + header + fragments(stream + b"\0" * (len(stream) % 2))
    return prepare(open_stored(file_of(tmp_path, part10(content, DEFLATED_FRAMES))))


def worker_for(archive):
    return StoreWorker.to(archive.address, [CT])


def test_frames_that_the_target_refuses_deflated_are_stored_native_and_that_is_on_record(
    tmp_path,
):
    with ScriptedArchive([CT]) as archive, worker_for(archive) as worker:
        delivery = worker.deliver(lambda: deflated_frames(tmp_path))
        assert delivery.outcome is Outcome.STORED
        assert delivery.sent.transfer_syntax_uid == CT[1]
        assert [change.rule for change in delivery.sent.changes] == ["TRANSCODE"]
        ((_, data_set),) = archive.received
        assert data_set.endswith(FRAME)


def test_frames_that_the_target_takes_deflated_are_not_touched(tmp_path):
    both = [CT, (CT[0], DEFLATED_FRAMES)]
    with ScriptedArchive(both) as archive, worker_for(archive) as worker:
        delivery = worker.deliver(lambda: deflated_frames(tmp_path))
        assert delivery.sent.transfer_syntax_uid == DEFLATED_FRAMES
        assert delivery.sent.changes == ()


def test_frames_that_cannot_be_inflated_are_told_as_refused_with_both_reasons(tmp_path):
    with ScriptedArchive([CT]) as archive, worker_for(archive) as worker:
        delivery = worker.deliver(lambda: deflated_frames(tmp_path, FRAME[:-1]))
        assert delivery.cause is Cause.CONTEXT_REFUSED
        assert "does not inflate" in delivery.detail
        assert archive.received == []


def test_an_object_that_changed_since_it_was_sent_is_not_sent_again():
    with ScriptedArchive([CT]) as archive, worker_for(archive) as worker:
        first = worker.deliver(lambda: in_memory("slice"))
        again = worker.deliver(lambda: in_memory("slice"), first.sent.digest)
        assert again.outcome is Outcome.STORED
        changed = worker.deliver(lambda: in_memory("slice", 66), first.sent.digest)
        assert (changed.outcome, changed.cause) == (Outcome.NOT_SENT, Cause.CHANGED_SINCE_SENT)
        assert len(archive.received) == 2
