"""A draft of the manifest for delimited text, guessed from the data.

The draft is TOML with a comment on every guess and on what it rests. Where two readings fit
equally none is chosen: both are written, as comments, and the manifest is refused until a person
has decided. Names of columns are taken from a header; no value is ever printed.
"""

import codecs
import re
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from pacslift.errors import DumpFormatError
from pacslift.extract.charset.mojibake import best_codecs
from pacslift.extract.packed.bytesfrom import taken
from pacslift.extract.packed.folder import Folder, opened
from pacslift.extract.packed.source import Source
from pacslift.extract.text.delimitedform import FORMS, Escape, TextForm
from pacslift.extract.text.dialectguess import Reading, readings
from pacslift.extract.text.manifest import NAME, SUFFIX
from pacslift.patterns import compiled

_SAMPLE = 1 << 20
_TAIL = 200
_ODD_WORD = compiled(rb"[^\s,;|\t\"^~]*[\x80-\xff][^\s,;|\t\"~]*")
_MOST_WORDS = 500
_SELECTED = compiled(rb"\n\r?\n[ \t]*([\d.,]+) rows? selected\.\s*\Z")
_BARE = compiled(r"[A-Za-z0-9_-]+")
_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def describe_delimited(path: Path) -> str:
    """The draft for the text file at *path*, or for all in the folder.

    Raises DumpFormatError where there is none.
    """
    try:
        found = opened(path)
    except OSError as error:
        raise DumpFormatError(f"{path} is no text file and no folder of text files") from error
    with closing(found):
        files = found.sources() if isinstance(found, Folder) else [found]
        files = [one for one in files if one.name != NAME and not one.name.endswith(SUFFIX)]
        if not files:
            raise DumpFormatError(f"{path} is no text file and no folder of text files")
        parts = [_described(file) for file in files]
    return (
        "# A draft: look at every line, then keep it as tables.toml beside the files.\n"
        "# What each key means stands in docs/delimited.md. Types are for people, but for\n"
        "# binary ones (blob, varbinary, raw …), whose values are read as bytes.\n"
        "delimited = 1\n" + "".join(parts)
    )


def _described(file: Source) -> str:
    sample = file.head(_SAMPLE)
    whole = len(sample) < _SAMPLE
    with file.content.reading(max(0, file.size - _TAIL)) as read:
        tail = taken(read, _TAIL)
    charset, said = _charset(sample)
    if charset == "utf-16":
        sample = sample.decode("utf-16", "ignore").encode()
        tail = tail.decode("utf-16-le", "ignore").encode()
    sample = sample.removeprefix(codecs.BOM_UTF8)
    selected = _SELECTED.search(tail)
    if selected:
        sample = sample.lstrip(b"\r\n")
        sample = _SELECTED.sub(b"\n", sample)
    found = readings(sample) if b"\n" in sample else []
    head = f"\n# {file.name}: {'all of it' if whole else 'its first MiB'} was looked at\n"
    if not found:
        return head + (
            "# No delimiter gives all its rows the same number of fields, two or more. If it is\n"
            "# delimited text all the same, describe it by hand.\n"
        )
    shared = [*said, *_ends(sample, selected, whole=whole)]
    if selected:
        found = [replace(r, form=replace(r.form, chatty=True)) for r in found]
    tables = [_table(file, reading, shared) for reading in found]
    if len(found) == 1:
        return head + tables[0]
    undecided = (
        f"# {len(found)} readings fit equally; take the # from the lines of the right one.\n"
    )
    return head + undecided + "".join(_as_comment(table) for table in tables)


def _table(file: Source, reading: Reading, shared: list[str]) -> str:
    """One [table.NAME]."""
    bare = _BARE.fullmatch(file.stem)
    lines = [
        f"[table.{file.stem if bare else _quoted(file.stem)}]",
        f"files = [{_quoted(file.name)}]",
        *_form(reading),
        *_header(reading),
        *shared,
        "columns = [",
        *(_column(reading, i) for i in range(len(reading.columns))),
        "]",
    ]
    return "\n".join(lines) + "\n"


def _form(reading: Reading) -> list[str]:
    form, fields = reading.form, len(reading.columns)
    dialect = "sqlplus" if form.chatty else _dialect(form)
    return [
        f'dialect = "{dialect}"  # nearest to what follows',
        f"delimiter = {_quoted(form.delimiter)}  # {fields} fields in each of {reading.rows} rows",
        f"row_terminator = {_quoted(form.terminator)}",
        f"quote = {_quoted(form.quote)}",
        *_escape(reading),
        f"null = {_spellings(FORMS[dialect].nulls)}  # as {dialect} spells it",
        f"empty = {_spellings(form.empties)}",
    ]


def _dialect(form: TextForm) -> str:
    if form.backslashed:
        return "informix"
    return "csv" if form.quote else "bcp"


def _escape(reading: Reading) -> list[str]:
    if not reading.twin:
        return [f'escape = "{reading.form.escape}"']
    return [
        "# Backslashes come in pairs only. Two readings fit equally; make the line one of:",
        f'#   escape = "{Escape.NONE}"  # they are kept as they are',
        f'#   escape = "{Escape.BACKSLASH}"  # two stand for one',
        'escape = "undecided"',
    ]


def _header(reading: Reading) -> list[str]:
    if reading.header is not None:
        seen = (
            "names, where the rows below have values of other types" if reading.header else "values"
        )
        return [f"header = {str(reading.header).lower()}  # the first row has {seen}"]
    return [
        "# All columns are text, and so is the first row, which may be names. Two readings fit",
        "# equally; make the line one of:",
        "#   header = true  # and name the columns as the first row does, or leave them out",
        "#   header = false",
        'header = "undecided"',
    ]


def _column(reading: Reading, i: int) -> str:
    guess = reading.columns[i]
    said = f"{guess.filled} of {reading.rows} filled, the longest {guess.longest} bytes"
    if guess.type == "hex":
        said += "; if these are bytes, make the type varbinary"
    return (
        f'  [{_quoted(reading.names[i])}, "{guess.type}"],  # {said if guess.filled else "empty"}'
    )


def _ends(sample: bytes, selected: re.Match[bytes] | None, *, whole: bool) -> list[str]:
    lines: list[str] = []
    if whole and not sample.endswith(b"\n"):
        lines.append("open_end = true  # the last row has no terminator; is the file whole?")
    if selected:
        number = re.sub(rb"\D", b"", selected[1]).decode("ascii")
        lines.append(f"rows = {number}  # as SQL*Plus said at the end")
    else:
        lines.append("# rows = 0  # if you know how many there are, say so: they will be counted")
    return lines


def _charset(sample: bytes) -> tuple[str | None, list[str]]:
    """The codec where it shows, and the lines that say so."""
    for mark, codec in _MARKS.items():
        if sample.startswith(mark):
            return codec, [f'charset = "{codec}"  # by its byte order mark']
    words = list(dict.fromkeys(_ODD_WORD.findall(sample)))[:_MOST_WORDS]
    if not words:
        return "utf-8", ['charset = "utf-8"  # all ASCII, which most character sets read alike']
    fit = best_codecs(words)
    evidence = f"{fit.plausible} of {fit.of} words with other than ASCII are plausible"
    if not fit.codecs:
        return None, ["# No known character set makes sense of its bytes.", 'charset = "undecided"']
    others = ", ".join(fit.codecs[1:])
    if fit.alike:
        also = f"; {others} would read them alike" if others else ""
        return fit.codecs[0], [f'charset = "{fit.codecs[0]}"  # {evidence}{also}']
    lines = [
        f"# {evidence} in {len(fit.codecs)} character sets, which fit",
        "# equally; make it one of:",
    ]
    return None, [*lines, *(f'#   charset = "{c}"' for c in fit.codecs), 'charset = "undecided"']


def _spellings(spelled: frozenset[bytes]) -> str:
    return f"[{', '.join(_quoted(one) for one in sorted(spelled))}]"


def _quoted(text: str | bytes) -> str:
    """A TOML basic string."""
    plain = text if isinstance(text, str) else text.decode("latin1")
    plain = plain.replace("\\", "\\\\").replace('"', '\\"')
    plain = plain.replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
    return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda m: f"\\u{ord(m[0]):04x}", plain) + '"'


def _as_comment(text: str) -> str:
    return "".join(f"# {line}\n" for line in text.splitlines())
