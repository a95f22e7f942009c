"""Associations over TLS: with archives that others wrote, and where it goes wrong."""

import socket
import ssl
from dataclasses import replace
from pathlib import Path

import pytest
from small_objects import CT, in_file, in_memory, pair_of, wire_bytes

import scripted
from certificates import Authority, Pem
from pacslift.access import PROFILES, Secret, Tls
from pacslift.errors import JobFileError, TargetUnreachableError
from pacslift.job import TargetAddress
from pacslift.plan.contexts import number
from pacslift.send.association import PATIENT, StoreAssociation, Timeouts
from pacslift.send.faults import AssociationLostError
from pacslift.verify.find import Finder, open_finder
from scripted import RawTarget, ScriptedArchive
from servers import address_of, free_port, run_orthanc, run_storescp

QUICK = Timeouts(connect=3, association=1, response=1)
LARGE = 8 << 20


def pem(authority: Authority, name: str) -> Pem:
    return Pem(authority.folder / f"{name}.pem", authority.folder / f"{name}.key")


def trusting(authority: Authority, client: Pem | None = None, **more) -> Tls:
    """TLS that trusts *authority* and shows *client*."""
    files = {"certificate": client.certificate, "key": client.key} if client else {}
    return Tls(ca=authority.pem.certificate, **files, **more)


def of_server(
    server: Pem, clients: Authority | None = None, version: ssl.TLSVersion | None = None
) -> ssl.SSLContext:
    """A server's side of TLS; with *clients* it demands a certificate that they issued."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server.certificate, server.key)
    if clients:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(clients.pem.certificate)
    if version:
        context.maximum_version = context.minimum_version = version
    return context


def over_tls(address: TargetAddress, tls: Tls | None) -> TargetAddress:
    return replace(address, tls=tls)


def knock(address: TargetAddress, timeouts: Timeouts = QUICK) -> None:
    StoreAssociation.open(address, number([CT]), timeouts).release()


def dcmtk(server: Pem, clients: Authority, *more: str) -> list[str]:
    """storescp's options for TLS; it demands a certificate that *clients* issued."""
    return ["+tls", str(server.key), str(server.certificate),
            "+cf", str(clients.pem.certificate), *more]  # fmt: skip


# archives that others wrote


@pytest.mark.parametrize(
    ("profile", "theirs"), [*zip(PROFILES, ["+py", "+px", "+pz"], strict=True)]
)
def test_dcmtk_stores_over_tls_the_bytes_that_were_sent(tmp_path, hospital, profile, theirs):
    options = dcmtk(pem(hospital, "server"), hospital, theirs, "--bit-preserving")
    tls = trusting(hospital, pem(hospital, "client"), profile=profile)
    sizes = [64, 16384, 70_000, 3_000_000]
    outgoings = [in_file(tmp_path, f"slice{n}", n) for n in sizes]
    with run_storescp(tmp_path / "scp", *options) as server:
        contexts = number(pair_of(outgoing) for outgoing in outgoings)
        with StoreAssociation.open(over_tls(address_of(server), tls), contexts) as association:
            assert [association.store(outgoing).status for outgoing in outgoings] == [0] * 4
        stored = [path.read_bytes() for path in server.files()]
    for outgoing in outgoings:
        data_set = wire_bytes(outgoing)
        assert any(content.endswith(data_set) for content in stored)
        outgoing.close()


def test_dcmtk_that_demands_a_certificate_is_told_so_to_whoever_shows_none(tmp_path, hospital):
    options = dcmtk(pem(hospital, "server"), hospital)
    with (
        run_storescp(tmp_path / "scp", *options) as server,
        pytest.raises(TargetUnreachableError, match="demands a client certificate; set"),
    ):
        knock(over_tls(address_of(server), trusting(hospital)))


def test_orthanc_over_tls_stores_objects_and_answers_queries(tmp_path, hospital):
    server, client = pem(hospital, "server"), pem(hospital, "client")
    settings = {
        "DicomTlsEnabled": True,
        "DicomTlsCertificate": str(server.certificate),
        "DicomTlsPrivateKey": str(server.key),
        "DicomTlsTrustedCertificates": str(hospital.pem.certificate),
    }
    outgoing = in_file(tmp_path, "slice", 300_000)
    with run_orthanc(tmp_path / "orthanc", settings) as orthanc, outgoing:
        address = over_tls(address_of(orthanc), trusting(hospital, client))
        with StoreAssociation.open(address, number([CT])) as association:
            assert association.store(outgoing).status == 0
        assert list(orthanc.instances()) == [outgoing.sop_instance_uid]
        finder = open_finder(address)
        assert isinstance(finder, Finder)
        with finder:
            assert len(finder.ask("STUDY", {"StudyInstanceUID": ""}).rows) == 1
        with pytest.raises(TargetUnreachableError, match="demands a client certificate"):
            open_finder(over_tls(address, trusting(hospital)))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_pynetdicom_stores_over_each_version_of_tls(tmp_path, hospital, version):
    tls = of_server(pem(hospital, "server"), version=version)
    outgoing = in_file(tmp_path, "slice", 300_000)
    with ScriptedArchive([CT], tls=tls) as archive, outgoing:
        address = over_tls(archive.address, trusting(hospital))
        with StoreAssociation.open(address, number([CT])) as association:
            assert association.store(outgoing).status == 0
        assert archive.received == [(outgoing.sop_instance_uid, wire_bytes(outgoing))]


# the link


def test_a_target_that_takes_an_object_slowly_gets_it_whole(tmp_path, hospital):
    got = []

    def slowly(peer) -> None:
        peer.accept()
        command, data_set = peer.read_object()
        got.append(data_set)
        peer.answer(command.MessageID)
        scripted.serve(peer)

    outgoing = in_file(tmp_path, "large", LARGE)
    with RawTarget(slowly, tls=of_server(pem(hospital, "server"))) as target, outgoing:
        address = over_tls(target.address, trusting(hospital))
        with StoreAssociation.open(address, number([CT])) as association:
            assert association.store(outgoing).status == 0
        assert got == [wire_bytes(outgoing)]


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (scripted.close_in_the_middle, "closed the connection|broke the connection"),
        (scripted.abort_in_the_middle, "aborted the association"),
        (scripted.stop_reading_in_the_middle, "took no byte for 1 s"),
        (scripted.never_answer, "gave no answer for 1 s"),
    ],
)
def test_a_target_that_fails_in_the_middle_of_an_object_is_named(tmp_path, hospital, script, said):
    outgoing = in_file(tmp_path, "large", LARGE)
    with RawTarget(script, tls=of_server(pem(hospital, "server"))) as target, outgoing:
        address = over_tls(target.address, trusting(hospital))
        association = StoreAssociation.open(address, number([CT]), QUICK)
        with pytest.raises(AssociationLostError, match=said):
            association.store(outgoing)


def test_the_end_of_a_connection_without_close_notify_is_a_lost_association(hospital):
    def cut(peer) -> None:
        peer.accept()
        peer.read_object()
        socket.socket(fileno=peer.socket.detach()).close()

    with RawTarget(cut, tls=of_server(pem(hospital, "server"))) as target:
        address = over_tls(target.address, trusting(hospital))
        association = StoreAssociation.open(address, number([CT]), QUICK)
        with pytest.raises(AssociationLostError, match="closed the connection"):
            association.store(in_memory("slice"))


def test_small_pieces_go_out_in_few_records(tmp_path, hospital, monkeypatch):
    """A record of TLS costs some 30 bytes and a call; a header can be hundreds of pieces."""
    written = []
    write = ssl.SSLObject.write
    monkeypatch.setattr(
        ssl.SSLObject, "write", lambda tls, data: written.append(len(data)) or write(tls, data)
    )
    outgoing = in_file(tmp_path, "slice", 100_000)
    with ScriptedArchive([CT], tls=of_server(pem(hospital, "server"))) as archive, outgoing:
        address = over_tls(archive.address, trusting(hospital))
        with StoreAssociation.open(address, number([CT])) as association:
            before = len(written)
            association.store(outgoing)
            assert len(written) - before <= outgoing.length // 16384 + 2


# what goes wrong with certificates


def refused(address: TargetAddress, said: str) -> None:
    """Both who stores and who asks are told what is wrong."""
    with pytest.raises(TargetUnreachableError, match=said):
        knock(address)
    with pytest.raises(TargetUnreachableError, match=said):
        open_finder(address)


def test_a_certificate_that_has_expired_is_refused(hospital):
    expired = hospital.issue("expired", end="20210101000000Z")
    with ScriptedArchive([CT], tls=of_server(expired)) as archive:
        refused(over_tls(archive.address, trusting(hospital)), "its certificate has expired")


def test_a_certificate_that_is_not_valid_yet_is_refused(hospital):
    early = hospital.issue("early", begin="20980101000000Z")
    with ScriptedArchive([CT], tls=of_server(early)) as archive:
        refused(over_tls(archive.address, trusting(hospital)), "not valid yet; look at the clocks")


def test_a_certificate_of_an_unknown_authority_is_refused(hospital, stranger):
    with ScriptedArchive([CT], tls=of_server(pem(stranger, "server"))) as archive:
        refused(over_tls(archive.address, trusting(hospital)), "not trusted here; give the file")
        refused(over_tls(archive.address, Tls()), "not trusted here; give the file")


def test_a_certificate_for_another_name_is_refused_until_the_name_is_set(hospital):
    other = hospital.issue("pacs", alternative="DNS:pacs.hospital.example")
    with ScriptedArchive([CT], tls=of_server(other)) as archive:
        tls = trusting(hospital)
        refused(over_tls(archive.address, tls), "its certificate is not for 127.0.0.1; set `name`")
        knock(over_tls(archive.address, replace(tls, name="pacs.hospital.example")))


def test_a_certificate_without_alternative_names_is_known_by_its_common_name(hospital):
    device = hospital.issue("STORESCP", alternative="")
    with ScriptedArchive([CT], tls=of_server(device)) as archive:
        knock(over_tls(archive.address, trusting(hospital, name="STORESCP")))


def test_a_targets_own_certificate_can_be_trusted_without_its_authority(stranger):
    server = pem(stranger, "server")
    with ScriptedArchive([CT], tls=of_server(server)) as archive:
        knock(over_tls(archive.address, Tls(ca=server.certificate)))


def test_what_is_not_to_be_verified_is_taken_as_it_comes(stranger):
    with ScriptedArchive([CT], tls=of_server(pem(stranger, "server"))) as archive:
        knock(over_tls(archive.address, Tls(verify=False)))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_target_that_demands_a_certificate_says_so(hospital, stranger, version):
    context = of_server(pem(hospital, "server"), clients=hospital, version=version)
    with RawTarget(scripted.behave, tls=context) as target:
        address = over_tls(target.address, trusting(hospital))
        refused(address, "demands a client certificate")
        wrong = trusting(hospital, pem(stranger, "client"))
        refused(over_tls(address, wrong), "does not know the authority of our certificate")
        knock(over_tls(address, trusting(hospital, pem(hospital, "client"))))


def test_a_target_that_offers_nothing_of_bcp_195_is_refused(hospital):
    context = of_server(pem(hospital, "server"), version=ssl.TLSVersion.TLSv1_2)
    context.set_ciphers("AES256-SHA256")
    with ScriptedArchive([CT], tls=context) as archive:
        address = over_tls(archive.address, trusting(hospital))
        refused(address, "no TLS version or cipher suite in common|cipher suite in common")


def test_the_bcp_195_profile_meets_a_target_that_has_only_the_old_aes_suite(hospital):
    context = of_server(pem(hospital, "server"), version=ssl.TLSVersion.TLSv1_2)
    context.set_ciphers("AES128-SHA")
    with ScriptedArchive([CT], tls=context) as archive:
        knock(over_tls(archive.address, trusting(hospital, profile="bcp195")))


# who speaks no TLS


@pytest.mark.parametrize(
    "answer",
    [b"\x07\x00\x00\x00\x00\x04\x00\x00\x02\x01", b"SSH-2.0-OpenSSH_9.2p1\r\n", b""],
    ids=["an abort", "another protocol", "nothing"],
)
def test_a_target_without_tls_is_said_to_be_one(hospital, answer):
    def reply(peer) -> None:
        peer.socket.recv(1)
        peer.send(answer)

    with RawTarget(reply) as target:
        refused(over_tls(target.address, trusting(hospital)), "speaks? TLS on this port")


def test_dcmtk_and_orthanc_without_tls_are_said_to_be_without_it(tmp_path, hospital, orthanc):
    with run_storescp(tmp_path / "scp") as server:
        for one in (server, orthanc):
            refused(over_tls(address_of(one), trusting(hospital)), "speaks? TLS")


def test_dcmtk_with_tls_is_not_reached_without_it(tmp_path, hospital):
    options = dcmtk(pem(hospital, "server"), hospital)
    with (
        run_storescp(tmp_path / "scp", *options) as server,
        pytest.raises(TargetUnreachableError, match=r"otherwise add \[target.tls\]"),
    ):
        knock(address_of(server))


def test_a_target_that_says_nothing_is_waited_for_no_longer_than_allowed(hospital):
    with RawTarget(scripted.say_nothing) as target:
        address = over_tls(target.address, trusting(hospital))
        with pytest.raises(TargetUnreachableError, match="no answer to the TLS handshake in time"):
            knock(address, Timeouts(connect=0.3))


def test_nobody_there_is_told_as_without_tls(hospital):
    address = TargetAddress("ARCHIVE", "127.0.0.1", free_port(), tls=trusting(hospital))
    refused(address, "check that the target runs and listens")


# our own files


def wrong(tls: Tls, said: str) -> None:
    address = TargetAddress("ARCHIVE", "127.0.0.1", free_port(), tls=tls)
    with pytest.raises(JobFileError, match=said):
        knock(address)


def test_files_that_are_not_what_they_should_be_are_named(tmp_path, hospital, stranger):
    client, nothing = pem(hospital, "client"), tmp_path / "nothing.pem"
    nothing.write_text("no certificate\n")
    missing = tmp_path / "missing.pem"
    wrong(Tls(ca=missing), r"missing.pem cannot be read: No such file")
    wrong(Tls(ca=nothing), r"nothing.pem holds no certificate in PEM form")
    wrong(Tls(certificate=missing), r"missing.pem cannot be read: No such file")
    wrong(Tls(certificate=nothing), "cannot be used")
    other = pem(stranger, "client").key
    wrong(Tls(certificate=client.certificate, key=other), "is not the one of")
    wrong(Tls(certificate=client.certificate), "cannot be used")


def test_a_key_with_a_password_is_opened_by_it(hospital, tmp_path, monkeypatch):
    client = hospital.issue("locked", alternative="", password="open sesame")  # noqa: S106 - of this test
    shown = trusting(hospital, client)
    wrong(shown, "has a password; say where it is kept")
    by_env = replace(shown, key_password=Secret("key_password", env="PACSLIFT_TEST_KEY"))
    wrong(by_env, "the environment variable PACSLIFT_TEST_KEY, which key_password_env")
    monkeypatch.setenv("PACSLIFT_TEST_KEY", "close sesame")
    wrong(by_env, "the password does not open the key")
    monkeypatch.setenv("PACSLIFT_TEST_KEY", "open sesame")
    kept = Path(tmp_path / "password")
    kept.write_text("open sesame\n")
    by_file = replace(shown, key_password=Secret("key_password", file=kept))
    context = of_server(pem(hospital, "server"), clients=hospital)
    with ScriptedArchive([CT], tls=context) as archive:
        knock(over_tls(archive.address, by_env), PATIENT)
        knock(over_tls(archive.address, by_file), PATIENT)
