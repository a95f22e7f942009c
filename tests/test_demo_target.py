"""The demo's archive: it takes whatever is sent, keeps it as it was, and finds it again."""

import subprocess
from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import FileMetaDataset
from pydicom.filereader import read_file_meta_info
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, _config
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind as StudyRootFind

from pacslift.demo_target import DemoTarget, matches
from servers import program


@pytest.fixture
def target(tmp_path):
    with DemoTarget(tmp_path / "kept") as running:
        yield running


def an_object(sop="1.2.3.1", series="1.2.2.1", study="1.2.1.1", **others) -> Dataset:
    """The smallest object that can be sent and found."""
    dataset = Dataset()
    dataset.SOPClassUID = others.pop("SOPClassUID", CTImageStorage)
    dataset.SOPInstanceUID = sop
    dataset.SeriesInstanceUID = series
    dataset.StudyInstanceUID = study
    dataset.PatientID = "P1"
    for keyword, value in others.items():
        setattr(dataset, keyword, value)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    return dataset


def send(target: DemoTarget, *objects: Dataset) -> list[int]:
    """Store over one association of pynetdicom; gives the status of each."""
    entity = AE()
    for pair in {(o.SOPClassUID, o.file_meta.TransferSyntaxUID) for o in objects}:
        entity.add_requested_context(*pair)
    association = entity.associate(target.host, target.port, ae_title=target.aet)
    assert association.is_established
    answers = [association.send_c_store(o) for o in objects]
    association.release()
    return [answer.Status for answer in answers]


def ask(target: DemoTarget, level: str, syntax=ImplicitVRLittleEndian, **keys) -> list[Dataset]:
    """The identifiers found for *keys*."""
    query = Dataset()
    query.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(query, keyword, value)
    entity = AE()
    entity.add_requested_context(StudyRootFind, syntax)
    association = entity.associate(target.host, target.port, ae_title=target.aet)
    assert association.is_established
    found = list(association.send_c_find(query, StudyRootFind))
    association.release()
    assert found[-1][0].Status == 0x0000
    return [identifier for _status, identifier in found[:-1]]


def test_what_is_stored_is_found_at_every_level(target):
    assert send(target, an_object(), an_object(sop="1.2.3.2")) == [0, 0]
    (study,) = ask(target, "STUDY", StudyInstanceUID="", PatientID="P1", StudyDate="")
    assert (study.StudyInstanceUID, study.PatientID) == ("1.2.1.1", "P1")
    (series,) = ask(target, "SERIES", StudyInstanceUID="1.2.1.1", SeriesInstanceUID="")
    assert series.SeriesInstanceUID == "1.2.2.1"
    images = ask(target, "IMAGE", SeriesInstanceUID="1.2.2.1", SOPInstanceUID="")
    assert {image.SOPInstanceUID for image in images} == {"1.2.3.1", "1.2.3.2"}


def test_counts_are_given_when_asked_for(target):
    send(target, an_object(), an_object(sop="1.2.3.2", series="1.2.2.2"))
    wanted = {"NumberOfStudyRelatedInstances": None, "NumberOfStudyRelatedSeries": None}
    (study,) = ask(target, "STUDY", StudyInstanceUID="1.2.1.1", **wanted)
    assert study.NumberOfStudyRelatedInstances == study.NumberOfStudyRelatedSeries == 2


def test_an_object_sent_again_replaces_the_one_before(target):
    send(target, an_object(PatientName="Old"))
    send(target, an_object(PatientName="New"))
    (study,) = ask(target, "STUDY", StudyInstanceUID="", PatientName="")
    assert study.PatientName == "New"
    assert len(target) == len(list(target.folder.iterdir())) == 1


def test_a_target_started_on_the_folder_of_an_earlier_one_still_knows_everything(tmp_path):
    with DemoTarget(tmp_path) as first:
        send(first, an_object())
    with DemoTarget(tmp_path) as second:
        send(second, an_object(sop="1.2.3.2"))
        assert len(second) == 2
        assert len(ask(second, "IMAGE", SOPInstanceUID="")) == 2


def test_a_private_sop_class_is_taken_like_any_other(target):
    assert send(target, an_object(SOPClassUID="1.2.826.0.1.3680043.2.1.9")) == [0]
    assert len(target) == 1


def test_uids_that_break_the_rules_are_taken_and_found(target):
    uids = ["1.02.3", "1.2.3.A", "1.2." + "3" * 61, "no-uid"]
    assert set(send(target, *[an_object(sop=uid) for uid in uids])) == {0}
    assert sorted(i.SOPInstanceUID for i in ask(target, "IMAGE", SOPInstanceUID="")) == uids


def test_no_uid_becomes_a_file_name(target):
    send(target, an_object(sop="../../1.2"))
    (stored,) = target.folder.iterdir()
    assert stored.name == "00000001.dcm"


def test_names_in_another_character_set_are_found_and_given_back_as_they_are(target):
    send(target, an_object(SpecificCharacterSet="ISO_IR 100", PatientName="Müller^Jürg"))
    (study,) = ask(target, "STUDY", StudyInstanceUID="", PatientName="M*", SpecificCharacterSet="")
    assert str(study.PatientName) == "Müller^Jürg"


@pytest.mark.archives
def test_a_real_archive_is_kept_as_it_was_sent_byte_for_byte(target, archives, monkeypatch):
    """Compressed, deflated and big-endian objects, and UIDs that break the rules, among them."""
    monkeypatch.setattr(_config, "STORE_SEND_CHUNKED_DATASET", True)  # bytes of the file, undecoded
    files = sorted((archives / "dcmqrscp" / "oldpacs").glob("[!i]*"))
    assert send_files(target, files) == {0}
    kept = [data_set(file) for file in sorted(target.folder.iterdir())]
    assert len(kept) > 70
    assert kept == [data_set(file) for file in files]


def send_files(target: DemoTarget, files: list[Path]) -> set[int]:
    """Store files over one association, each in its own transfer syntax; gives the statuses."""
    metas = [read_file_meta_info(file) for file in files]
    entity = AE()
    for kind in {(m.MediaStorageSOPClassUID, m.TransferSyntaxUID) for m in metas}:
        entity.add_requested_context(*kind)
    association = entity.associate(target.host, target.port, ae_title=target.aet)
    statuses = {association.send_c_store(file).Status for file in files}
    association.release()
    return statuses


def data_set(part10: Path) -> bytes:
    """What follows the File Meta Information (PS3.10 7.1), which says its own length."""
    whole = part10.read_bytes()
    return whole[144 + int.from_bytes(whole[140:144], "little") :]


@pytest.mark.filterwarnings("ignore:Unknown encoding:UserWarning")
@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
def test_values_that_break_the_rules_are_given_back_as_they_are(
    target, syntax, tmp_path, monkeypatch
):
    odd = {"PatientBirthDate": "long ago", "InstanceNumber": "1.5 or 2", "StudyTime": "noon"}
    header = an_object(SpecificCharacterSet="ISO_IR 100")
    for keyword, value in odd.items():
        raw(header, keyword, value)
    file = tmp_path / "odd.dcm"
    header.save_as(file, enforce_file_format=True)
    file.write_bytes(file.read_bytes().replace(b"ISO_IR 100", b"KLINGON 99"))
    monkeypatch.setattr(_config, "STORE_SEND_CHUNKED_DATASET", True)  # the file's bytes, undecoded
    assert send_files(target, [file]) == {0}
    (image,) = ask(target, "IMAGE", syntax, SOPInstanceUID="", **dict.fromkeys(odd, ""))
    assert {k: image.get_item(k).value.strip() for k in odd} == {
        k: v.encode() for k, v in odd.items()
    }


def raw(dataset: Dataset, keyword: str, value: str) -> None:
    """Put a value in without its being looked at."""
    vr = dictionary_VR(keyword)
    dataset[keyword] = DataElement(keyword, vr, value, already_converted=True)


def test_dcmtk_stores_and_finds_too(target, tmp_path):
    sent = an_object(PatientName="A^B")
    sent.save_as(tmp_path / "sent.dcm", enforce_file_format=True)
    address = ["-aec", target.aet, target.host, str(target.port)]
    store, find = program("storescu"), program("findscu")
    subprocess.run([store, *address, str(tmp_path / "sent.dcm")], check=True, timeout=30)
    keys = ["-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID", "-k", "PatientName=A*"]
    done = subprocess.run(
        [find, "-S", *keys, *address], check=True, timeout=30, capture_output=True
    )
    assert b"[1.2.1.1\0]" in done.stderr


@pytest.mark.parametrize(
    ("asked", "held", "vr", "met"),
    [
        (b"", b"", "LO", True),
        (b"1.2\\1.3", b"1.3", "UI", True),
        (b"1.*", b"1.3", "UI", False),
        (b"M*", b"Meier^A", "PN", True),
        (b"M?ier*", b"Meyer", "PN", False),
        (b"20200101-20201231", b"20200615", "DA", True),
        (b"20200101-", b"20191231", "DA", False),
        (b"-20201231", b"", "DA", False),
        (b"a.c", b"abc", "LO", False),
    ],
)
def test_matching_follows_the_standard(asked, held, vr, met):
    assert matches(asked, held, vr) is met
