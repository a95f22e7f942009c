"""Implicit and Explicit VR say the same: no value is lost or changed on the way to either."""

import io
import os
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset

from pacslift.errors import SetAsideError
from pacslift.inventory.stored import open_stored
from pacslift.inventory.syntaxes import EXPLICIT_LITTLE, IMPLICIT_LITTLE
from pacslift.repair.outgoing import Outgoing, prepare
from pacslift.repair.transcode import transcoded
from storedobjects import EXPLICIT, IMPLICIT, element, file_of, identified, image, part10, sent

SAMPLES = Path(pydicom.__file__).parent / "data" / "test_files"
OTHER = {EXPLICIT_LITTLE: IMPLICIT_LITTLE, IMPLICIT_LITTLE: EXPLICIT_LITTLE}


def native_samples() -> list[str]:
    names = []
    for path in sorted(SAMPLES.glob("*.dcm")):
        try:
            with prepare(open_stored(os.open(path, os.O_RDONLY))) as outgoing:
                if outgoing.transfer_syntax_uid in OTHER:
                    names.append(path.name)
        except SetAsideError:
            continue
    return names


def read(outgoing: Outgoing) -> Dataset:
    implicit = outgoing.transfer_syntax_uid == IMPLICIT_LITTLE
    return read_dataset(io.BytesIO(sent(outgoing)), is_implicit_VR=implicit, is_little_endian=True)


def values(dataset: Dataset) -> dict:
    """Every element's value as written, by tag; inside sequences too."""
    found = {}
    # pydicom decodes neighbours of what it is asked for, so all are taken before any is decoded.
    for tag, raw in [(tag, dataset.get_item(tag)) for tag in sorted(dataset.keys())]:
        if not tag.element:
            continue
        value = raw.value
        if raw.VR == "SQ" or isinstance(value, pydicom.Sequence) or dataset[tag].VR == "SQ":
            value = [values(item) for item in dataset[tag].value]
        found[tag] = b"" if value in ("", None) else value  # pydicom has two words for nothing
    return found


@pytest.mark.filterwarnings("ignore:Invalid value:UserWarning")
@pytest.mark.parametrize("name", native_samples())
def test_every_value_is_there_in_the_other_syntax_and_on_the_way_back(name):
    with prepare(open_stored(os.open(SAMPLES / name, os.O_RDONLY))) as outgoing:
        other = transcoded(outgoing, OTHER[outgoing.transfer_syntax_uid])
        assert other.transfer_syntax_uid == OTHER[outgoing.transfer_syntax_uid]
        assert other.length == len(sent(other))
        assert values(read(other)) == values(read(outgoing))
        again = transcoded(other, outgoing.transfer_syntax_uid)
        assert values(read(again)) == values(read(outgoing))


def test_a_private_value_whose_vr_was_never_written_becomes_unknown(tmp_path):
    private = element(0x00090010, "LO", b"ACME", IMPLICIT)
    private += element(0x00091001, "UN", b"\1\2", IMPLICIT)
    content = part10(private + identified(IMPLICIT), IMPLICIT_LITTLE)
    # In tag order the private group comes behind group 8.
    with prepare(open_stored(file_of(tmp_path, content))) as outgoing:
        explicit = sent(transcoded(outgoing, EXPLICIT_LITTLE))
    assert element(0x00090010, "LO", b"ACME") in explicit
    assert element(0x00091001, "UN", b"\1\2") in explicit


@pytest.mark.parametrize(("representation", "vr"), [(b"\0\0", "US"), (b"\1\0", "SS")])
def test_a_pixel_value_takes_the_sign_of_the_pixels(tmp_path, representation, vr):
    header = element(0x00280103, "US", representation, IMPLICIT)
    header += element(0x00280106, "US", b"\xff\xff", IMPLICIT)
    content = part10(identified(IMPLICIT) + header, IMPLICIT_LITTLE)
    with prepare(open_stored(file_of(tmp_path, content))) as outgoing:
        assert element(0x00280106, vr, b"\xff\xff") in sent(transcoded(outgoing, EXPLICIT_LITTLE))


def test_a_text_too_long_for_its_vr_is_kept_whole(tmp_path):
    text = b"x" * 70_000
    content = part10(identified(IMPLICIT) + element(0x00204000, "LT", text, IMPLICIT),
                     IMPLICIT_LITTLE)  # fmt: skip
    with prepare(open_stored(file_of(tmp_path, content))) as outgoing:
        assert element(0x00204000, "UN", text) in sent(transcoded(outgoing, EXPLICIT_LITTLE))


def test_pixels_keep_their_bytes(tmp_path):
    with prepare(open_stored(file_of(tmp_path, part10(image(EXPLICIT))))) as outgoing:
        assert sent(transcoded(outgoing, IMPLICIT_LITTLE)) == image(IMPLICIT)
