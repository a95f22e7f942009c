"""Every peer takes what we send, whatever the size of its PDUs, and Wireshark finds no fault in it.

Objects are as long as just fits into one, two or three PDUs, a pair of bytes less, and one more.
"""

import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.filereader import read_dataset
from small_objects import CT, carrying, encoded, wire_bytes

from capture import WRONG, captured
from pacslift.job import TargetAddress
from pacslift.plan.contexts import Context
from pacslift.repair.outgoing import Outgoing
from pacslift.send.association import StoreAssociation
from pacslift.send.negotiation import Proposal, encode_request
from scripted import RawTarget, ScriptedArchive, serve
from servers import address_of, run_dcmqrscp, run_orthanc, run_storescp

HEAD = 6  # bytes of a PDU that its length counts but that are no data: of its one value
LEAST, MOST = 4096, 131072  # that storescp and dcmqrscp can be set to
PDUS = [LEAST, 4098, 8192, 16384, 32768, 65534, 65536, MOST]
ODD = [4097, 16383, 65535]
UNLIMITED = 0
CONTEXTS = [Context(1, *CT)]
RELEASE_RP = 6
LAST_OF_A_COMMAND = 3


def around(pdu: int) -> list[Outgoing]:
    """Objects whose last PDU is full, has a pair of bytes, or a pair too few, and a small one."""
    longest = ((pdu or 1 << 20) - HEAD) & ~1
    _, shortest = encoded("shortest", 2)
    lengths = [n * longest + more for n in (1, 2, 3) for more in (-2, 0, 2)]
    objects = [encoded(f"{pdu} {n}", n - len(shortest) + 2) for n in lengths]
    assert [len(data_set) for _, data_set in objects] == lengths
    return [carrying(uid, memoryview(data_set)) for uid, data_set in [*objects, encoded("small")]]


def send(address: TargetAddress, objects: list[Outgoing], window: int = 1) -> dict[str, bytes]:
    """Store all over one association; gives their Data Sets by SOP Instance UID."""
    with StoreAssociation.open(address, CONTEXTS, window=window) as association:
        for outgoing in objects:
            while not association.has_room:
                assert association.collect()[1].status == 0
            association.post(outgoing)
            outstanding = association._posted
        while outstanding:
            assert association.collect()[1].status == 0
    return {one.sop_instance_uid: wire_bytes(one) for one in objects}


def data_set_of(part10: bytes) -> bytes:
    """What follows the File Meta Information, whose length its first element says. PS3.10 7.1."""
    (length,) = struct.unpack_from("<I", part10, 140)
    return part10[144 + length :]


@pytest.mark.parametrize("pdu", PDUS)
def test_storescp_takes_pdus_of_every_size(tmp_path: Path, pdu: int):
    with run_storescp(tmp_path / "scp", "--bit-preserving", "-pdu", str(pdu)) as server:
        sent = send(address_of(server), around(pdu))
        stored = {file.name.partition(".")[2]: file for file in server.files()}
        assert {uid: data_set_of(file.read_bytes()) for uid, file in stored.items()} == sent


@pytest.mark.parametrize("pdu", [LEAST, 16384, MOST])
def test_dcmqrscp_takes_pdus_of_every_size(tmp_path: Path, pdu: int):
    with run_dcmqrscp(tmp_path / "scp", "-pdu", str(pdu)) as server:
        sent = send(address_of(server), around(pdu))
        assert_same_elements([file.read_bytes() for file in server.files()], sent)


@pytest.mark.parametrize("pdu", [LEAST, 16384, MOST])
def test_orthanc_takes_pdus_of_every_size(tmp_path: Path, pdu: int):
    with run_orthanc(tmp_path / "orthanc", {"MaximumPduLength": pdu}) as orthanc:
        sent = send(address_of(orthanc), around(pdu))
        assert_same_elements(map(orthanc.file, orthanc.instances().values()), sent)


def assert_same_elements(part10: Iterator[bytes] | list[bytes], sent: dict[str, bytes]) -> None:
    """For peers that encode anew what they store."""
    found = [dcmread(BytesIO(one)) for one in part10]
    assert {one.SOPInstanceUID for one in found} == set(sent)
    assert len(found) == len(sent)
    for one in found:
        assert one == read_dataset(BytesIO(sent[one.SOPInstanceUID]), False, True)


@pytest.mark.parametrize("pdu", [*PDUS, *ODD, UNLIMITED])
def test_pynetdicom_takes_pdus_of_every_size(pdu: int):
    with ScriptedArchive([CT], max_pdu=pdu) as archive:
        sent = send(archive.address, around(pdu))
        assert dict(archive.received) == sent


# ---------------------------------------------------------------------------------------------
# Wireshark


@dataclass(frozen=True)
class Spoken:
    """A peer, where it listens, and the size of its PDUs."""

    address: TargetAddress
    pdu: int
    window: int = 1


@contextmanager
def several(folder: Path) -> Iterator[list[Spoken]]:
    """One peer of each kind, with several sizes of PDU and a window of operations."""
    with ExitStack() as running:
        small = running.enter_context(run_storescp(folder / "small", "-pdu", str(LEAST)))
        large = running.enter_context(run_storescp(folder / "large", "-pdu", str(MOST)))
        orthanc = running.enter_context(run_orthanc(folder / "orthanc"))
        library = running.enter_context(ScriptedArchive([CT], max_pdu=16383))
        ahead = running.enter_context(RawTarget(grant_a_window))
        yield [
            Spoken(address_of(small), LEAST),
            Spoken(address_of(large), MOST),
            Spoken(address_of(orthanc), 16384),
            Spoken(library.address, 16383),
            Spoken(ahead.address, 16384, window=3),
        ]


def grant_a_window(peer) -> None:
    peer.accept(window=3)
    serve(peer)


def test_wireshark_finds_no_malformed_pdu_in_what_we_say(tmp_path: Path):
    with several(tmp_path) as peers:
        ports = [peer.address.port for peer in peers]
        with captured(tmp_path / "spoken.pcapng", *ports) as capture:
            objects = sum(len(send(peer.address, around(peer.pdu), peer.window)) for peer in peers)
            capture.wait_for(RELEASE_RP, len(peers))
    assert capture.frames("tcp.analysis.lost_segment") == []  # it has seen everything
    commands = capture.values("dicom.pdv.flags").count(LAST_OF_A_COMMAND)
    assert commands == 2 * objects  # each has its answer
    assert capture.frames(" || ".join(WRONG)) == []


def test_wireshark_would_have_said_so(tmp_path: Path):
    """A value that is said to be longer than its PDU, and one on a context of even number."""
    beyond = struct.pack(">BxIIBB", 4, 10, 200, 1, 3) + bytes(4)
    even = struct.pack(">BxIIBB", 4, 10, 6, 2, 3) + bytes(4)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with captured(tmp_path / "broken.pcapng", port) as capture:
            with socket.create_connection(("127.0.0.1", port)) as sender:
                accepted, _ = listener.accept()
                request = encode_request(Proposal("ANY", "PACSLIFT", tuple(CONTEXTS), 1))
                sender.sendall(request + even + beyond)
                sender.shutdown(socket.SHUT_WR)
                with accepted:
                    while accepted.recv(1 << 16):
                        pass
            capture.wait_for(4, 1)
    assert capture.frames(" || ".join(WRONG))
