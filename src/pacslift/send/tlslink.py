"""The transport under an association where it is TLS.

Strategy: TLS works on two buffers in memory and the socket below it stays the one of link.py. So
what one call of send() is given, many small pieces, becomes few full records and one system call,
and whether TLS wants to read or to write never mixes with waiting. What was encrypted but not yet
taken by the system counts as not sent: the caller comes again with the same bytes, as it does to a
plain socket that is full, and then is told that they have gone.

Memory: the most that one call takes, twice (as it is, and encrypted).
"""

import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress

from pacslift.send.link import Buffer, Link

MOST_TAKEN = 0x40000  # bytes encrypted by one call: sixteen full records, RFC 8446 5.1
_CHUNK = 0x10000
_TLS_MOST = 0x4000  # of plain text in one record

Words = Callable[[ssl.SSLError], str]


class TlsLink(Link):
    """Bytes to and from one peer, encrypted. As for Link, a broken one raises OSError in words.

    *connected* is a TCP connection on which nothing was said yet, *name* is what the target's
    certificate must carry, *words* makes a sentence of what TLS finds wrong.
    """

    def __init__(
        self, connected: socket.socket, context: ssl.SSLContext, name: str, words: Words
    ) -> None:
        super().__init__(connected)
        self._words = words
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        self._unsent = memoryview(b"")  # encrypted
        self._taken = 0  # bytes of the caller that are in it
        self._ended = False
        self._fault: OSError | None = None  # to be raised when what came before it was given

    @property
    def certificate(self) -> bytes | None:
        """The target's certificate as it came, DER; it may not have been verified."""
        return self._tls.getpeercert(binary_form=True)

    def shake_hands(self, until: float) -> None:
        """Agree on the keys. Raises TimeoutError if monotonic() *until* comes first."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                with suppress(OSError):
                    self._flush()  # the alert that says why
                raise
            else:
                self._write_all(until)
                return
            self._write_all(until)
            if not super().wait_to_receive(until):
                raise TimeoutError
            if (came := super().receive()) == b"":
                raise ssl.SSLEOFError(ssl.SSL_ERROR_EOF, "the connection was closed")
            self._incoming.write(came or b"")

    def _write_all(self, until: float) -> None:
        while not self._flush():
            if not super().wait_to_send_or_receive(until):
                raise TimeoutError

    def send(self, buffers: Sequence[Buffer]) -> int:
        """See Link; the same buffers come again until they are taken."""
        if not self._unsent:
            self._taken = self._encrypt(buffers)
        if not self._flush():
            return 0
        taken, self._taken = self._taken, 0
        return taken

    def _encrypt(self, buffers: Sequence[Buffer]) -> int:
        """Encrypt up to MOST_TAKEN bytes of *buffers*, in full records; gives how many."""
        gathered = bytearray()
        for buffer in buffers:
            gathered += memoryview(buffer)[: MOST_TAKEN - len(gathered)]
            if len(gathered) == MOST_TAKEN:
                break
        try:
            for start in range(0, len(gathered), _TLS_MOST):
                self._tls.write(memoryview(gathered)[start : start + _TLS_MOST])
        except ssl.SSLError as fault:
            raise OSError(fault.errno, self._words(fault)) from fault
        return len(gathered)

    def _flush(self) -> bool:
        """Give the system what is encrypted; whether it took all of it."""
        if self._outgoing.pending:
            self._unsent = memoryview(bytes(self._unsent) + self._outgoing.read())
        while self._unsent:
            sent = super().send([self._unsent])
            if not sent:
                return False
            self._unsent = self._unsent[sent:]
        return True

    def receive(self) -> bytes | None:
        """See Link. What came before the connection broke is given before that is raised."""
        if self._fault is not None:
            raise self._fault
        if self._ended:
            return b""
        came = super().receive()
        if came is None:
            return None
        if came:
            self._incoming.write(came)
        plain = self._decrypted()
        self._ended |= came == b""
        if not self._ended and self._fault is None:
            with suppress(OSError):  # what TLS itself has to answer; a fault shows when reading
                self._flush()
        if plain:
            return plain
        if self._fault is not None:
            raise self._fault
        return b"" if self._ended else None

    def _decrypted(self) -> bytes:
        """All that can be decrypted now; notes the end and what is wrong."""
        plain = bytearray()
        try:
            while chunk := self._tls.read(_CHUNK):
                plain += chunk
            self._ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:  # close_notify
            self._ended = True
        except ssl.SSLError as fault:
            self._fault = OSError(fault.errno, self._words(fault))
        return bytes(plain)

    def wait_to_receive(self, until: float) -> bool:
        """See Link."""
        return self._ended or self._fault is not None or super().wait_to_receive(until)

    def close(self) -> None:
        """Say that nothing more comes (close_notify, RFC 8446 6.1), if there is room, and close."""
        if self._socket.fileno() >= 0:
            with suppress(OSError, ValueError):
                if not self._unsent:
                    with suppress(ssl.SSLWantReadError):
                        self._tls.unwrap()
                    self._flush()
        super().close()
