r"""Where a COPY block ends: at a line that begins with \., which no row of COPY's text format does.

Strategy: a search for one byte is an order of magnitude faster than one for three, as long as it
seldom finds one. So the backslash is looked for alone where backslashes are rare, as in a table of
blobs, and the three bytes together behind a place where they are not. Both are linear in the
bytes; the cost of a piece is that of the dearer search at most.
"""

from pacslift.extract.packed.window import Window

END = rb"\."
_LINE_END = b"\n" + END
_RARE = 512  # bytes between two backslashes
_STRETCH = 64 << 10  # bytes that are searched for all three at once


def find_end(data: bytes, start: int) -> int:
    """Place of the newline before the block's last line in *data*, from *start* on; -1 for none."""
    at = start
    while at < len(data):
        slash = data.find(b"\\", at)
        if slash < 0:
            return -1
        if slash > start and data.startswith(_LINE_END, slash - 1):
            return slash - 1
        if slash - at >= _RARE:
            at = slash + 2  # behind a backslash that is the escaped one
            continue
        at = min(slash + _STRETCH, len(data))
        found = data.find(_LINE_END, slash, at + len(_LINE_END) - 1)
        if found >= 0:
            return found
    return -1


def pass_block(window: Window) -> bool:
    """Move to the last line of the block whose lines begin at the window's place.

    False, and the end, where the dump ends before.
    """
    if window.hold(len(END)) and window.data.startswith(END, window.at):
        return True
    while (found := find_end(window.data, window.at)) < 0:
        window.at = max(window.at, len(window.data) - len(END))
        if not window.grow():
            window.at = len(window.data)
            return False
    window.at = found + 1
    return True
