"""What a connection does where the system's sockets lack what Linux has."""

import socket
import threading
from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacslift.send import link
from pacslift.send.link import JOINED_LENGTH, Link, send_joined, waits_by_select


@pytest.fixture(params=["as here", "as on Windows"])
def ends(request, monkeypatch):
    """A link, and the socket at its other end."""
    if request.param == "as on Windows":
        monkeypatch.setattr(link, "waits_of", waits_by_select)
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        peer, _ = server.accept()
    linked = Link(ours)
    if request.param == "as on Windows":
        linked._sendmsg = lambda buffers: send_joined(ours, buffers)
    yield linked, peer
    linked.close()
    peer.close()


class Taking:
    """A socket that takes at most so many bytes of each call."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.calls: list[bytes] = []

    def send(self, data: bytes) -> int:
        self.calls.append(bytes(data[: self.most]))
        return len(self.calls[-1])


@given(
    lengths=st.lists(st.integers(0, 2 * JOINED_LENGTH), max_size=6),
    most=st.integers(1, 3 * JOINED_LENGTH),
)
def test_buffers_put_together_are_the_same_bytes_in_the_same_order(lengths, most):
    buffers = [memoryview(bytes([n + 1]) * length) for n, length in enumerate(lengths)]
    taking = Taking(most)
    sent = send_joined(taking, buffers)
    assert len(taking.calls) == 1
    assert b"".join(buffers).startswith(taking.calls[0])
    assert sent == len(taking.calls[0])
    assert sent > 0 or not any(lengths)  # else whoever sends would come again for ever


def test_the_head_of_a_pdu_never_goes_alone():
    taking = Taking(1 << 30)
    send_joined(taking, [b"head of it", bytes(10 * JOINED_LENGTH)])
    assert len(taking.calls[0]) == JOINED_LENGTH


def test_an_object_arrives_whole_though_the_target_takes_it_slowly(ends):
    linked, peer = ends
    parts = [bytes([n % 251]) * length for n, length in enumerate([12, 70_000, 0, 12, 900_000])]
    came = bytearray()

    def read_on() -> None:
        while chunk := peer.recv(3000):
            came.extend(chunk)

    reader = threading.Thread(target=read_on)
    reader.start()
    left = memoryview(b"".join(parts))
    while left:
        sent = linked.send([left[:12], left[12:]])
        assert sent or linked.wait_to_send_or_receive(monotonic() + 20)
        left = left[sent:]
    linked.close()
    reader.join()
    assert came == b"".join(parts)


def test_a_wait_ends_with_what_comes_or_with_its_time(ends):
    linked, peer = ends
    assert linked.receive() is None
    assert not linked.wait_to_receive(monotonic() + 0.01)
    assert not linked.wait_to_receive(monotonic() - 1)  # a time that has passed
    assert linked.wait_to_send_or_receive(monotonic() + 20)
    peer.sendall(b"answer")
    assert linked.wait_to_receive(monotonic() + 20)
    assert linked.receive() == b"answer"
    peer.close()
    assert linked.wait_to_receive(monotonic() + 20)
    assert linked.receive() == b""
