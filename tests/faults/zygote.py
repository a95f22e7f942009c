"""Starts the program again and again without importing it again and again.

A line of JSON on standard input is the command line, with the files for its output; the answers are
a line with the process' id and, when it has ended, one with its exit status. The imports start no
thread, so that a fork of them is a whole program.
"""

import json
import os
import sys
import threading
import traceback

from pacslift.cli import main


def serve() -> None:
    """Until standard input ends."""
    assert threading.active_count() == 1
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if not pid:
            become(order["arguments"], order["out"], order["err"])
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


def become(arguments: list[str], out: str, err: str) -> None:
    """Be the program; never comes back."""
    code = 1
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for number, path in ((1, out), (2, err)):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), number)
        main(arguments, prog_name="pacslift")
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(bool(ended.code))
    except BaseException:  # noqa: BLE001 - told as the interpreter would
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve()
