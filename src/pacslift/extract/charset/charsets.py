"""Character sets as databases name them, as Python codecs.

MySQL: its latin1 is Windows-1252, and utf8 is the three-byte form of UTF-8
(https://dev.mysql.com/doc/refman/8.0/en/charset-charsets.html).
PostgreSQL: names of client_encoding (https://www.postgresql.org/docs/15/multibyte.html).
DBF: language driver marks, as dBase IV and Visual FoxPro document them.
"""

import codecs

from pacslift.errors import DumpFormatError

_MYSQL = {
    "utf8mb4": "utf-8",
    "utf8mb3": "utf-8",
    "utf8": "utf-8",
    "ascii": "utf-8",
    "latin1": "cp1252",
    "latin2": "iso8859-2",
    "latin5": "iso8859-9",
    "latin7": "iso8859-13",
    "greek": "iso8859-7",
    "hebrew": "iso8859-8",
    "cp1250": "cp1250",
    "cp1251": "cp1251",
    "cp1256": "cp1256",
    "cp1257": "cp1257",
    "cp850": "cp850",
    "cp852": "cp852",
    "cp866": "cp866",
    "koi8r": "koi8-r",
    "koi8u": "koi8-u",
    "tis620": "cp874",
    "ujis": "euc_jp",
    "eucjpms": "euc_jp",
    "euckr": "cp949",
    "gb2312": "gb2312",
    "macroman": "mac_roman",
}

# A backslash or a quote can be the second byte of a character in these, so that a dump in one of
# them cannot be cut into rows without decoding it first.
_NOT_ASCII_SAFE = frozenset(
    ["big5", "cp932", "gb18030", "gbk", "sjis", "shift_jis_2004", "johab", "uhc"]
)

_POSTGRESQL = {
    "utf8": "utf-8",
    "unicode": "utf-8",
    "sql_ascii": "utf-8",
    "mule_internal": "utf-8",
    "euc_jp": "euc_jp",
    "euc_jis_2004": "euc_jis_2004",
    "euc_kr": "cp949",
    "euc_cn": "gb2312",
    "koi8r": "koi8-r",
    "koi8u": "koi8-u",
    "win866": "cp866",
    "win874": "cp874",
    "latin1": "iso8859-1",
    "latin2": "iso8859-2",
    "latin3": "iso8859-3",
    "latin4": "iso8859-4",
    "latin5": "iso8859-9",
    "latin6": "iso8859-10",
    "latin7": "iso8859-13",
    "latin8": "iso8859-14",
    "latin9": "iso8859-15",
    "latin10": "iso8859-16",
    "iso_8859_5": "iso8859-5",
    "iso_8859_6": "iso8859-6",
    "iso_8859_7": "iso8859-7",
    "iso_8859_8": "iso8859-8",
} | {f"win125{digit}": f"cp125{digit}" for digit in range(9)}

# Language driver marks (byte 29) and the code page each stands for; 0 says nothing.
_DBF = {
    0x01: "cp437",
    0x02: "cp850",
    0x03: "cp1252",
    0x04: "mac_roman",
    0x08: "cp865",
    0x09: "cp437",
    0x0A: "cp850",
    0x0B: "cp437",
    0x0D: "cp437",
    0x0E: "cp850",
    0x0F: "cp437",
    0x10: "cp850",
    0x11: "cp437",
    0x12: "cp850",
    0x13: "cp932",
    0x14: "cp850",
    0x57: "cp1252",
    0x58: "cp1252",
    0x59: "cp1252",
    0x64: "cp852",
    0x65: "cp866",
    0x66: "cp865",
    0x67: "cp861",
    0x6A: "cp737",
    0x6B: "cp857",
    0x78: "cp950",
    0x79: "cp949",
    0x7A: "cp936",
    0x7B: "cp932",
    0x7C: "cp874",
    0x96: "mac_cyrillic",
    0x98: "mac_greek",
    0xC8: "cp1250",
    0xC9: "cp1251",
    0xCA: "cp1254",
    0xCB: "cp1253",
}


def mysql_codec(charset: str) -> str:
    """Python's codec for a MySQL character set. DumpFormatError for one that is not known."""
    return _codec(_MYSQL, charset, "--default-character-set=utf8mb4")


def postgresql_codec(encoding: str) -> str:
    """Python's codec for a client_encoding. DumpFormatError for one that is not known."""
    return _codec(_POSTGRESQL, encoding, "--encoding=UTF8")


def dbf_codec(mark: int, name: str) -> str:
    """Python's codec for the mark in the DBF file *name*; without one, UTF-8 and so ASCII."""
    if mark in _DBF:
        return _DBF[mark]
    if mark == 0:
        return "utf-8"
    raise DumpFormatError(
        f"{name}: the code page mark 0x{mark:02X} (byte 29) is not known; say in job.toml which "
        "character set the dump is in"
    )


def job_codec(name: str) -> str:
    """Python's codec for the character set a person wrote into the job."""
    try:
        return codecs.lookup(name).name
    except LookupError as error:
        raise DumpFormatError(
            f"the character set {name!r} is not known; name it as Python does, e.g. cp1252"
        ) from error


def cuttable(codec: str) -> bool:
    """Whether text in *codec* can be cut at ASCII characters before it is decoded.

    Not so in UTF-16, in EBCDIC, and where an ASCII byte can be the second half of a character.
    """
    ascii_bytes = bytes(range(0x20, 0x7F))
    if ascii_bytes.decode(codec, "replace") != ascii_bytes.decode("ascii"):
        return False
    single = len(bytes(range(256)).decode(codec, "replace")) == 256  # noqa: PLR2004
    return single or codec in {"utf-8", "euc_jp", "euc_jis_2004", "euc_kr", "gb2312"}


def _codec(known: dict[str, str], name: str, remedy: str) -> str:
    plain = name.lower().replace("-", "_")
    if plain in known:
        return known[plain]
    trouble = "cannot be read" if plain in _NOT_ASCII_SAFE else "is not known"
    raise DumpFormatError(f"the dump's character set {name} {trouble}; dump again with {remedy}")


def decoded(value: bytes, codec: str) -> tuple[str, bool]:
    r"""Text of *value*, and whether it is text in *codec* at all.

    What is not is kept readable and recognisable, as \xNN, rather than lost or refused.
    """
    try:
        return value.decode(codec), True
    except UnicodeDecodeError:
        return value.decode(codec, errors="backslashreplace"), False
