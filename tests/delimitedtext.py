"""Delimited text as each product writes it, and its manifest."""

from collections.abc import Callable, Sequence
from pathlib import Path

Values = Sequence[str | None]


def bcp(row: Values) -> str:
    return "\t".join("" if v is None else v or "\0" for v in row) + "\n"


def informix(row: Values) -> str:
    def field(v: str | None) -> str:
        if not v:
            return "" if v is None else "\\ "
        for special in ("\\", "|", "\n"):
            v = v.replace(special, "\\" + special)
        return v

    return "".join(field(v) + "|" for v in row) + "\n"


def db2(row: Values) -> str:
    return ",".join("" if v is None else '"' + v.replace('"', '""') + '"' for v in row) + "\n"


def csv(row: Values) -> str:
    def field(v: str | None) -> str:
        if v is None:
            return ""
        odd = v == "" or any(c in v for c in '",\n\r')
        return '"' + v.replace('"', '""') + '"' if odd else v

    return ",".join(map(field, row)) + "\n"


WRITERS: dict[str, Callable[[Values], str]] = {
    "bcp": bcp,
    "informix": informix,
    "db2": db2,
    "sqlplus": db2,
    "csv": csv,
}


def delimited_set(
    folder: Path, content: bytes, *lines: str, dialect: str = "csv", width: int = 2
) -> Path:
    """A data file and its manifest, whose path is given; columns are a, b, c …"""
    columns = ", ".join(f'["{name}", "text"]' for name in "abcdefgh"[:width])
    said = {
        "files": '["t.txt"]',
        "dialect": f'"{dialect}"',
        "charset": '"utf-8"',
        "columns": f"[{columns}]",
    }
    said |= dict(line.split(" = ", 1) for line in lines)
    (folder / "t.txt").write_bytes(content)
    manifest = folder / "tables.toml"
    text = "".join(f"{key} = {value}\n" for key, value in said.items())
    manifest.write_text(f"delimited = 1\n\n[table.t]\n{text}", encoding="utf-8")
    return manifest
