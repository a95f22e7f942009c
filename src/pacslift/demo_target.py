"""A small archive inside the process: the target of `pacslift demo`. Not for patients.

Storage, Verification and Study Root C-FIND on a free loopback port, in pynetdicom's threads.

What arrives is written as Part 10 exactly as received; file names are this archive's own
counters, never anything from a Data Set. The index is in memory and is built again from the
folder at the start. It keeps element values as the bytes they came in, with the character set
they came in: nothing is decoded, so no object can upset it by what it holds. An object whose SOP
Instance UID is there already replaces the one before. A query walks the whole index, which is
fine for the thousands of objects this is made for.
"""

import re
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydicom import Dataset, dcmread
from pydicom.charset import convert_encodings, default_encoding, python_encoding
from pydicom.config import IGNORE, settings
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.tag import Tag
from pydicom.uid import AllTransferSyntaxes, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, _config, evt
from pynetdicom._validators import validate_ae
from pynetdicom.sop_class import (  # type: ignore[attr-defined] # made at run time
    StudyRootQueryRetrieveInformationModelFind,
    Verification,
)

# The attributes each level answers with (PS3.4 C.6.2.1), its unique key first.
LEVELS: dict[str, tuple[str, ...]] = {
    "STUDY": (
        "StudyInstanceUID",
        "PatientID",
        "PatientName",
        "PatientBirthDate",
        "PatientSex",
        "StudyDate",
        "StudyTime",
        "StudyID",
        "AccessionNumber",
        "StudyDescription",
        "ReferringPhysicianName",
    ),
    "SERIES": ("SeriesInstanceUID", "Modality", "SeriesNumber", "SeriesDescription"),
    "IMAGE": ("SOPInstanceUID", "SOPClassUID", "InstanceNumber"),
}
COUNTS = {
    "NumberOfStudyRelatedSeries": ("StudyInstanceUID", "SeriesInstanceUID"),
    "NumberOfStudyRelatedInstances": ("StudyInstanceUID", "SOPInstanceUID"),
    "NumberOfSeriesRelatedInstances": ("SeriesInstanceUID", "SOPInstanceUID"),
}
KEPT = ("SpecificCharacterSet", *(keyword for keys in LEVELS.values() for keyword in keys))
OWN_NAME = re.compile(r"\d{8}\.dcm")

# The libraries have these only for the whole process; they are put back when the target ends.
NETWORK_SWITCHES = {
    "UNRESTRICTED_STORAGE_SERVICE": True,  # private and unknown Storage SOP Classes are taken
    "LOG_REQUEST_IDENTIFIERS": False,  # patient data
    "LOG_RESPONSE_IDENTIFIERS": False,
    "VALIDATORS": {"AE": validate_ae, "UI": lambda _uid: (True, "")},  # any UID, however long
}

SUCCESS, PENDING, CANCEL = 0x0000, 0xFF00, 0xFE00
NOT_UNDERSTOOD = 0xC000  # PS3.4 B.2.3: cannot understand; C.4.1.1.4: unable to process

Record = dict[str, bytes]  # keyword -> value as it came, without its padding


def record_of(part10: BytesIO | Path) -> Record:
    """What the index keeps of one object; the pixels are not read."""
    header = dcmread(part10, stop_before_pixels=True, specific_tags=list(KEPT))
    return {keyword: raw_value(header, keyword) for keyword in KEPT if keyword in header}


def raw_value(dataset: Dataset, keyword: str) -> bytes:
    """The bytes of one element, without padding; nothing if it is not there."""
    element = dataset.get_item(keyword)
    if element is None:
        return b""
    value = element.value
    if isinstance(element, DataElement):  # not raw any more: the library has looked at it
        value = str(value or "").encode()
    return bytes(value or b"").strip(b" \0")


def matches(asked: bytes, held: bytes, vr: str) -> bool:
    """Whether a value meets a key: universal, list of UIDs, range, wildcard or single value.

    PS3.4 C.2.2.2. A wildcard is one only where the VR allows it, never in a UID.
    """
    if not asked:
        return True
    if vr == "UI":
        return held in asked.split(b"\\")
    if vr in {"DA", "TM", "DT"} and b"-" in asked:
        first, last = asked.split(b"-", 1)
        return bool(held) and first <= held and (not last or held[: len(last)] <= last)
    pattern = re.escape(asked).replace(rb"\*", b".*").replace(rb"\?", b".")
    return re.fullmatch(pattern, held, re.DOTALL) is not None


class Index:
    """SOP Instance UID -> file and Record. Not safe for threads; its owner holds a lock."""

    def __init__(self) -> None:
        self._records: dict[bytes, tuple[Path, Record]] = {}

    def __len__(self) -> int:
        return len(self._records)

    def put(self, path: Path, record: Record) -> None:
        """Take in one object, in place of one with the same SOP Instance UID."""
        self._records[record.get("SOPInstanceUID", b"")] = path, record

    def path_of(self, record: Record) -> Path | None:
        """Where the object of the same SOP Instance UID lies, if there is one."""
        known = self._records.get(record.get("SOPInstanceUID", b""))
        return known[0] if known else None

    def answers(self, query: Dataset) -> list[Record]:
        """What answers *query*, one an entity of its level.

        KeyError if the level is none of Study Root's.
        """
        level = raw_value(query, "QueryRetrieveLevel").decode("ascii", "replace")
        unique = LEVELS[level][0]
        found = {r.get(unique, b""): r for r in self._matching(query, level)}
        return [self._answer(query, level, record) for record in found.values()]

    def _matching(self, query: Dataset, level: str) -> Iterator[Record]:
        usable = keys_down_to(level)
        keys = [
            (keyword, raw_value(query, keyword), dictionary_VR(keyword))
            for keyword in usable
            if keyword in query
        ]
        for _path, record in self._records.values():
            if all(matches(asked, record.get(k, b""), vr) for k, asked, vr in keys):
                yield record

    def _answer(self, query: Dataset, level: str, record: Record) -> Record:
        values = {"QueryRetrieveLevel": level.encode()}
        values |= {k: record.get(k, b"") for k in keys_down_to(level) if k in query}
        values |= {k: self._count(k, record) for k in COUNTS if k in query}
        character_set = record.get("SpecificCharacterSet", b"")
        if known_to_the_library(character_set):
            values["SpecificCharacterSet"] = character_set
        return values

    def _count(self, keyword: str, of: Record) -> bytes:
        within, counted = COUNTS[keyword]
        mine = (r for _path, r in self._records.values() if r.get(within) == of.get(within))
        return str(len({r.get(counted) for r in mine})).encode()


def keys_down_to(level: str) -> Iterable[str]:
    """The attributes of *level* and of the levels above it."""
    names = list(LEVELS)
    return [k for name in names[: names.index(level) + 1] for k in LEVELS[name]]


def dataset_of(values: Record, *, implicit: bool) -> Dataset:
    """A Data Set that the library writes as it is, in Implicit or Explicit VR Little Endian."""
    dataset = Dataset()
    for keyword, value in values.items():
        tag, vr = Tag(tag_for_keyword(keyword) or 0), dictionary_VR(keyword)
        padded = value + (b"\0" if vr == "UI" else b" ") * (len(value) % 2)
        dataset[tag] = RawDataElement(tag, vr, len(padded), padded, 0, implicit, True)
    named = dataset.get("SpecificCharacterSet")
    character_set = convert_encodings(named) if named else default_encoding
    dataset.set_original_encoding(implicit, is_little_endian=True, character_encoding=character_set)
    return dataset


def known_to_the_library(character_set: bytes) -> bool:
    """Whether pydicom can name an encoding for every term of Specific Character Set."""
    terms = character_set.decode("ascii", "replace").split("\\")
    return bool(character_set) and all(term.strip() in python_encoding for term in terms)


def stop_waiting(event: evt.Event) -> None:
    """Who knocked and left without a request is not waited for: pynetdicom would for 30 seconds."""
    if event.assoc.requestor.primitive is None:
        event.assoc.dul.to_user_queue.put(None)


class DemoTarget:
    """The archive, listening while it is used as a context manager.

    Takes   the folder to keep objects in, which may hold those of an earlier time
    Gives   aet, host and port to send to and ask
    """

    host = "127.0.0.1"

    def __init__(self, folder: Path, aet: str = "DEMO") -> None:
        self.folder = folder
        self.aet = aet
        self.port = 0
        self._index = Index()
        self._lock = threading.Lock()
        self._next = 1

    def __len__(self) -> int:
        with self._lock:
            return len(self._index)

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(p for p in self.folder.iterdir() if OWN_NAME.fullmatch(p.name)):
            self._index.put(path, record_of(path))
            self._next = int(path.stem) + 1
        self._relax_the_libraries()
        self._entity = self._new_entity()
        server = self._entity.start_server(
            (self.host, 0),
            block=False,
            evt_handlers=[
                (evt.EVT_C_STORE, self._store),
                (evt.EVT_C_FIND, self._find),
                (evt.EVT_CONN_CLOSE, stop_waiting),
            ],
        )
        if server is None or server.socket is None:
            raise AssertionError  # never with block=False; the library's types do not say so
        self._listener = server.socket
        self.port = int(server.server_address[1])
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(OSError):  # wakes its thread, which looks about only every half second
            self._listener.shutdown(socket.SHUT_RDWR)
        self._entity.shutdown()
        vars(_config).update(self._network_switches)
        settings.reading_validation_mode = self._validation

    def _relax_the_libraries(self) -> None:
        self._network_switches = {name: getattr(_config, name) for name in NETWORK_SWITCHES}
        vars(_config).update(NETWORK_SWITCHES)
        self._validation = settings.reading_validation_mode
        settings.reading_validation_mode = IGNORE

    def _new_entity(self) -> AE:
        entity = AE(ae_title=self.aet)
        entity.maximum_associations = 64
        entity.maximum_pdu_size = 0  # no limit
        entity.add_supported_context(Verification, AllTransferSyntaxes)
        entity.add_supported_context(
            StudyRootQueryRetrieveInformationModelFind,
            [ImplicitVRLittleEndian, ExplicitVRLittleEndian],
        )
        return entity

    def _store(self, event: evt.Event) -> int:
        part10 = event.encoded_dataset()
        record = record_of(BytesIO(part10))
        with self._lock:
            path = self._index.path_of(record) or self._new_path()
            self._write(path, part10)
            self._index.put(path, record)
        return SUCCESS

    def _new_path(self) -> Path:
        path = self.folder / f"{self._next:08}.dcm"
        self._next += 1
        return path

    def _write(self, path: Path, part10: bytes) -> None:
        fresh = path.with_suffix(".new")
        fresh.write_bytes(part10)
        fresh.replace(path)

    def _find(self, event: evt.Event) -> Iterator[tuple[int, Any]]:
        try:
            with self._lock:
                answers = self._index.answers(event.identifier)
        except KeyError:
            yield NOT_UNDERSTOOD, None
            return
        implicit = event.context.transfer_syntax == ImplicitVRLittleEndian
        for answer in answers:
            if event.is_cancelled:
                yield CANCEL, None
                return
            yield PENDING, dataset_of(answer, implicit=implicit)
