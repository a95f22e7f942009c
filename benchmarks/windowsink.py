"""A storage sink that grants an asynchronous operations window: `windowsink.py WINDOW`.

Prints the port that it listens on, takes every object, keeps none, and looks at nothing but lengths
and the Message ID, so that it is no limit to whoever sends. A thread for each association.
"""

import socket
import struct
import sys
import threading
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))  # the tests' are no package

from pynetdicom import pdu

from scripted import acceptance, data_pdu, store_response

MAX_PDU = 131072
HEAD = struct.Struct(">BxIIBB")  # type, PDU length, value length, context, control
COMMAND, LAST = 1, 2
MESSAGE_ID = struct.pack("<HHI", 0, 0x0110, 2)  # (0000,0110) of two bytes
RELEASE_RQ = 5


def main(window: int) -> None:
    """Listen until the process is ended."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection, window), daemon=True).start()


def serve(connection: socket.socket, window: int) -> None:
    """Take what comes on one association; a connection that breaks is at its end."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    message_id = 0
    with connection, connection.makefile("rb", 1 << 18) as stream, suppress(OSError, struct.error):
        request = pdu.A_ASSOCIATE_RQ()
        head = stream.read(6)
        request.decode(head + stream.read(int.from_bytes(head[2:], "big")))
        connection.sendall(acceptance(request, MAX_PDU, window))
        while head := stream.read(6):
            body = stream.read(int.from_bytes(head[2:], "big"))
            if head[0] == RELEASE_RQ:
                connection.sendall(pdu.A_RELEASE_RP().encode())
                return
            _, _, _, context_id, control = HEAD.unpack_from(head + body[:6])
            if control & COMMAND:
                at = body.index(MESSAGE_ID) + len(MESSAGE_ID)
                message_id = int.from_bytes(body[at : at + 2], "little")
            elif control & LAST:
                connection.sendall(data_pdu(context_id, store_response(message_id)))


if __name__ == "__main__":
    main(int(sys.argv[1]))
