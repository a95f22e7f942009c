"""index.dat of DCMTK's dcmqrscp, one per storage area, as two tables.

    StudyDesc           StudyInstanceUID, StudySize, LastRecordedDate, NumberofRegistratedImages
    IdxRecord           filename, SOPClassUID, RecordedDate, ImageSize, and the attributes kept
    IdxRecord_deleted   the same; records without file name, which is how dcmqrscp deletes

Columns are named as in DCMTK's source. Dates are seconds since 1970 as text. Texts are decoded by
each record's own SpecificCharacterSet. Rows count from 1 in the file's order, deleted ones too.
Source: dcmqrdb/libsrc/dcmqrdbi.cc of DCMTK; the layout: indexlayout.py.
"""

import struct
import warnings
from collections.abc import Iterator, Mapping, Sequence

from pacslift.errors import DumpDamagedError
from pacslift.extract.charset.charsets import job_codec
from pacslift.extract.charset.texts import TextDecoder
from pacslift.extract.indexlayout import MARK, STUDIES, IndexLayout, find_layout
from pacslift.extract.packed.folder import source_of
from pacslift.extract.packed.source import DumpFile, explained
from pacslift.extract.shapes import Batch, Column, TableShape, lowered, numbered
from pacslift.extract.terms import Terms
from pacslift.extract.truncation import Cut

_IMAGES, _DELETED, _STUDY = "IdxRecord", "IdxRecord_deleted", "StudyDesc"
_STUDY_COLUMNS = tuple(
    Column(name, declared)
    for name, declared in (
        ("StudyInstanceUID", "char[65]"),
        ("StudySize", "Uint32"),
        ("LastRecordedDate", "double"),
        ("NumberofRegistratedImages", "Uint32"),
    )
)
_OLD_I386 = 80
_Rows = tuple[list[int], list[dict[str, bytes]]]  # record numbers and values
_RECORDS = 500  # image records read at once: 4 MB


def is_index(path: DumpFile) -> bool:
    """Whether the file is an index.dat: by its mark, or by the descriptors of its first image."""
    source = source_of(path)
    return MARK.match(source.head(6)) is not None or find_layout(source) is not None


class IndexFile:
    """DumpReader of one index.dat. Raises DumpDamagedError for one that ends inside a record."""

    format = "dcmqrscp index.dat"

    def __init__(
        self, path: DumpFile, charset: str | None = None, terms: Terms | None = None
    ) -> None:
        self._source = source_of(path)
        self.path = self._source.path
        self._terms = terms or Terms()
        self._charset = None if charset is None else job_codec(charset)
        with explained(self._source):
            self._layout = self._found_layout()
            self._images_whole = self._whole_images()
        version = self._layout.version
        self.server: str | None = "DCMTK dcmqrscp" + (f", index {version}" if version else "")

    def shapes(self) -> Sequence[TableShape]:
        """Three tables; see the module."""
        fixed = [Column("filename", "char[257]"), Column("SOPClassUID", "char[65]")]
        fixed += [Column("RecordedDate", "double"), Column("ImageSize", "Uint32")]
        kept = [Column(f.name, f"char[{f.width}]") for f in self._layout.fields]
        columns = (*fixed, *kept)
        return [
            TableShape(_IMAGES, columns),
            TableShape(_DELETED, columns),
            TableShape(_STUDY, _STUDY_COLUMNS),
        ]

    def batches(self, wanted: Mapping[str, Sequence[str]]) -> Iterator[Batch]:
        """The wanted rows; see DumpReader."""
        names = lowered(wanted)
        for shape in self.shapes():
            name = shape.name.lower()
            if name in names:
                columns = [column for _, column in shape.chosen(names[name])]
                rows = self._studies() if shape.name == _STUDY else self._images(shape.name)
                for numbers, values in rows:
                    yield self._batch(name, columns, numbers, values)

    def row_counts(self) -> Mapping[str, int]:
        """Rows per table."""
        return {
            shape.name: sum(batch.frame.height for batch in self.batches({shape.name: []}))
            for shape in self.shapes()
        }

    def close(self) -> None:
        """End what is being unpacked."""
        self._source.close()

    def _found_layout(self) -> IndexLayout:
        layout = find_layout(self._source)
        if layout is None:
            raise DumpDamagedError(
                f"{self.path} ends before its first image record. Copy it again."
            )
        return layout

    def _whole_images(self) -> int:
        """Number of image records that are all there."""
        size = self._source.size - self._layout.images_at
        whole, part = divmod(size, self._layout.image_length) if size else (0, 0)
        if part:
            self._terms.truncation.meet(
                Cut(str(self.path), _IMAGES, whole),
                f"{self.path}: table {_IMAGES} ends inside record {whole + 1}; the last good one "
                f"is {whole}. dcmqrscp may have been writing to it.",
            )
        else:
            self._source.meet_end(self._terms.truncation, _IMAGES, whole)
        return whole

    def _studies(self) -> Iterator[_Rows]:
        """Study records in use, which are those with a UID."""
        layout = self._layout
        with self._source.open() as file:
            file.seek(layout.studies_at)
            data = file.read(STUDIES * layout.study_length)
        records = [
            data[i : i + layout.study_length] for i in range(0, len(data), layout.study_length)
        ]
        used = {i: record for i, record in enumerate(records, 1) if record[0]}
        if used:
            yield list(used), [_study_values(record, layout) for record in used.values()]

    def _images(self, table: str) -> Iterator[_Rows]:
        """Image records, those with a file name or those without."""
        layout = self._layout
        length = layout.image_length
        with self._source.open() as file:
            file.seek(layout.images_at)
            before = 0
            while count := min(_RECORDS, self._images_whole - before):
                data = file.read(count * length)
                records = [data[i : i + length] for i in range(0, len(data), length)]
                kept = {
                    i: record
                    for i, record in enumerate(records, before + 1)
                    if bool(record[0]) is (table == _IMAGES)
                }
                if kept:
                    values = [self._image_values(record, table) for record in kept.values()]
                    yield list(kept), values
                if not records:
                    return  # the file has become shorter meanwhile
                before += len(records)

    def _said(self, table: str, column: str) -> str | None:
        """The codec that the job says for a column."""
        return self._terms.charsets.codec(table, column) or self._charset

    def _image_values(self, record: bytes, table: str) -> dict[str, bytes]:
        layout = self._layout
        time, size = struct.unpack_from(layout.order + "dI", record, layout.time_at)
        values = {
            "filename": _text(record, 0, 257),
            "sopclassuid": _text(record, 257, 65),
            "recordeddate": _number(time),
            "imagesize": b"%d" % size,
        }
        values |= {f.name.lower(): _text(record, f.offset, f.width) for f in layout.fields}
        charset = values.get("specificcharacterset", b"")
        for name, value in values.items():
            if self._said(table, name) is None:
                values[name] = _in_utf8(value, charset)
        return values

    def _batch(
        self,
        table: str,
        columns: Sequence[Column],
        numbers: Sequence[int],
        rows: Sequence[Mapping[str, bytes]],
    ) -> Batch:
        decoder = TextDecoder(table, self._charset or "utf-8", numbers[0])
        names = [column.name.lower() for column in columns]
        series = [
            decoder.column(name, [row[name] for row in rows], self._said(table, name) or "")
            for name in names
        ]
        return Batch(table, numbered(series, numbers), decoder.undecodable)


def _study_values(record: bytes, layout: IndexLayout) -> dict[str, bytes]:
    """One study's columns. The count lies behind the time.

    Until DCMTK 3.6.0 the UID had 64 bytes and the size followed it; since then it has 65, and 3
    bytes of padding. The record has 80 bytes only where it was made for i386 before.
    """
    count_at = 76 if layout.study_length == _OLD_I386 else 80
    (older,) = struct.unpack_from(layout.order + "I", record, 64)
    (newer,) = struct.unpack_from(layout.order + "I", record, 68)
    time, count = struct.unpack_from(layout.order + "dI", record, count_at - 8)
    return {
        "studyinstanceuid": _text(record, 0, 64),
        "studysize": b"%d" % (older or newer),
        "lastrecordeddate": _number(time),
        "numberofregistratedimages": b"%d" % count,
    }


def _text(record: bytes, offset: int, width: int) -> bytes:
    """A text up to its NUL."""
    return record[offset : offset + width].split(b"\0", 1)[0]


def _number(value: float) -> bytes:
    return b"%d" % value if value.is_integer() else repr(value).encode("ascii")


def _in_utf8(value: bytes, charset: bytes) -> bytes:
    """Text in the DICOM character sets *charset* (PS3.3 C.12.1.1.2) as UTF-8, or as it is."""
    if value.isascii() and b"\x1b" not in value:
        return value
    # Not above: this costs a quarter of a second, which readers of other dumps need not wait.
    from pydicom.charset import convert_encodings, decode_bytes  # noqa: PLC0415

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            terms = charset.decode("ascii").strip().split("\\")
            return decode_bytes(value, convert_encodings(terms), set()).encode("utf-8")
    except (LookupError, UnicodeError, UserWarning):
        return value
