"""What independent implementations make of our associations: DCMTK, Orthanc."""

import socket
import tracemalloc
from io import BytesIO
from pathlib import Path
from time import perf_counter

import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from small_objects import from_file, in_file, in_memory, pair_of, shipped, wire_bytes

from pacslift.plan.contexts import number
from pacslift.send.association import StoreAssociation
from servers import address_of, run_storescp

SHIPPED = [
    "CT_small.dcm",  # Explicit VR Little Endian
    "MR_small_RLE.dcm",
    "JPEG2000.dcm",
    "SC_rgb_jpeg_dcmtk.dcm",
    "reportsi.dcm",  # a structured report
    "rtplan.dcm",  # Implicit VR Little Endian
]
SAME_UID = ["MR_small_implicit.dcm", "MR_small_bigendian.dcm", "MR_small_jpeg_ls_lossless.dcm"]


def sent(server, outgoings) -> list[bytes]:
    """Store all of *outgoings* over one association; gives their Data Sets, sorted."""
    contexts = number(pair_of(outgoing) for outgoing in outgoings)
    with StoreAssociation.open(address_of(server), contexts) as association:
        assert [association.store(outgoing).status for outgoing in outgoings] == [0] * len(
            outgoings
        )
    data_sets = [wire_bytes(outgoing) for outgoing in outgoings]
    for outgoing in outgoings:
        outgoing.close()
    return sorted(data_sets)


def data_set_in(path) -> bytes:
    with from_file(path) as stored:
        return wire_bytes(stored)


def received(server) -> list[bytes]:
    return sorted(data_set_in(path) for path in server.files())


@pytest.mark.parametrize("nagle", [True, False], ids=["nagle on", "nagle off"])
@pytest.mark.parametrize("pdu", [4096, 16384, 28672, 131072])
def test_dcmtk_stores_the_bytes_that_were_sent(tmp_path, pdu, nagle):
    env = {} if nagle else {"TCP_NODELAY": "1"}
    options = ("--bit-preserving", "-pdu", str(pdu))
    with run_storescp(tmp_path / "scp", *options, env=env) as server:
        sizes = [64, 4000, 70_000, 1_000_000]
        wanted = sent(server, [in_file(tmp_path, f"slice{n}", n) for n in sizes])
        assert received(server) == wanted


def test_dcmtk_stores_every_transfer_syntax_as_it_is(tmp_path):
    with run_storescp(tmp_path / "scp", "--bit-preserving", "--unique-filenames") as server:
        wanted = sent(server, [shipped(name) for name in SHIPPED + SAME_UID])
        assert received(server) == wanted


@pytest.mark.skipif(not hasattr(socket, "TCP_QUICKACK"), reason="this system cannot be told so")
def test_a_target_that_leaves_nagles_algorithm_on_does_not_cost_40_ms_an_object(tmp_path):
    objects, took = 25, []
    with run_storescp(tmp_path / "scp", "--ignore") as server:
        for _ in range(4):
            began = perf_counter()
            sent(server, [in_memory(f"slice {n}") for n in range(objects)])
            took.append(perf_counter() - began)
    assert min(took) < objects * 0.020  # the quickest, as the machine may have other work


def test_a_large_object_never_lies_in_memory(tmp_path):
    outgoing = in_file(tmp_path, "large", 16 << 20)
    with run_storescp(tmp_path / "scp", "--ignore", "-pdu", "131072") as server:
        address, contexts = address_of(server), number([pair_of(outgoing)])
        with outgoing, StoreAssociation.open(address, contexts) as association:
            tracemalloc.start()
            assert association.store(outgoing).status == 0
            _, most = tracemalloc.get_traced_memory()
            tracemalloc.stop()
    assert most < 1 << 20


def test_orthanc_stores_every_element_that_was_sent(orthanc, tmp_path):
    """Orthanc encodes some objects anew, so elements are compared and not bytes."""
    large = in_file(tmp_path, "large", 3_000_000)
    sent(orthanc, [large, *(shipped(name) for name in SHIPPED)])
    stored = orthanc.instances()
    paths = [tmp_path / "large.dcm", *(Path(get_testdata_file(name)) for name in SHIPPED)]
    assert len(stored) == len(paths)
    for original in map(dcmread, paths):
        found = dcmread(BytesIO(orthanc.file(stored[original.SOPInstanceUID])))
        assert found == original
        assert found.file_meta.TransferSyntaxUID == original.file_meta.TransferSyntaxUID
