"""How the target lets us in: read from job.toml and the command line, and what it comes to."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from certificates import Authority
from jobs import init, pacslift, tune
from oldpacs import old_pacs
from pacslift.access import Identity, Secret, Tls, access_findings
from pacslift.errors import JobFileError, TargetRejectedError
from pacslift.job import Job, TargetAddress, parse_target
from pacslift.job_reading import load_job
from pacslift.job_revision import content_digest
from pacslift.job_writing import create_job
from pacslift.plan.contexts import number
from pacslift.send.association import StoreAssociation
from pacslift.verify.find import Finder, open_finder
from scripted import ScriptedArchive
from servers import run_orthanc

CT = ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1")
FIND = ("1.2.840.10008.5.1.4.1.2.2.1", "1.2.840.10008.1.2")


def job_with(folder: Path, **access) -> Job:
    target = replace(parse_target("NEW@10.0.0.5:2762"), **access)
    return Job(folder, (folder / "dump.sql",), {"": folder}, target, revised="2026-01-31T12:00:00Z")


ACCESSES = [
    {"tls": Tls()},
    {"tls": Tls("extended", Path("/ca.pem"), Path("/me.pem"), Path("/me.key"), name="PACS")},
    {"tls": Tls(certificate=Path("/me.pem"), key_password=Secret("key_password", env="PASS"))},
    {"tls": Tls(verify=False)},
    {"identity": Identity(1, "migration")},
    {"identity": Identity(2, 'mig"ration', Secret("passcode", file=Path("/pass")), confirm=True)},
    {"identity": Identity(3, secret=Secret("kerberos", file=Path("/ticket")))},
    {"identity": Identity(5, secret=Secret("jwt", env="TOKEN")), "tls": Tls()},
]


@pytest.mark.parametrize("access", ACCESSES)
def test_how_a_target_lets_us_in_is_read_back_as_it_was_written(tmp_path, access):
    job = job_with(tmp_path / "job", **access)
    create_job(job)
    assert load_job(tmp_path / "job") == job


@pytest.mark.parametrize("access", ACCESSES)
def test_how_a_target_lets_us_in_is_no_part_of_what_decides_the_bytes(tmp_path, access):
    plain = job_with(tmp_path)
    assert content_digest(job_with(tmp_path, **access), "a") == content_digest(plain, "a")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            "[target.tls]\nprofil = 'extended'",
            "did you mean 'profile'[?] Known are ca, certificate",
        ),
        ("[target.tls]\nprofile = 'ssl3'", "must be one of non-downgrading, bcp195, extended"),
        ("[target.tls]\nkey = 'me.key'", "a key without a certificate"),
        ("[target.tls]\nverify = 'no'", "'verify' is 'no', which is not of the right kind"),
        (
            "[target.tls]\nkey_password_env = 'A'\nkey_password_file = 'b'",
            "one of them is enough",
        ),
        ("[target.identity]\n", "must have either user"),
        ("[target.identity]\npasscode_env = 'A'", "must have either user"),
        ("[target.identity]\nuser = 'a'\njwt_file = 'b'", "must have either user"),
        (
            "[target.identity]\nuser = 'a'\npasscode = 'b'",
            "unknown key 'passcode'; did you mean 'passcode_env'",
        ),
    ],
)
def test_a_mistake_in_how_the_target_lets_us_in_is_named(tmp_path, lines, said):
    create_job(job_with(tmp_path / "job"))
    path = tmp_path / "job" / "job.toml"
    path.write_text(f"{path.read_text()}\n{lines}\n")
    with pytest.raises(JobFileError, match=said):
        load_job(tmp_path / "job")


def test_what_is_not_verified_or_not_encrypted_is_a_finding():
    passcode = Identity(2, "migration", Secret("passcode", env="PASS"))
    assert [*access_findings(Tls(), passcode)] == []
    assert [*access_findings(None, Identity(1, "migration"))] == []
    (trusting,) = access_findings(Tls(verify=False), None)
    assert "is not verified" in trusting
    (open_passcode,) = access_findings(None, passcode)
    assert "passcode goes over the network unencrypted" in open_passcode


# identity


def asked_as(archive: ScriptedArchive, identity: Identity) -> None:
    """Whoever stores, and whoever queries, says who they are."""
    address = replace(archive.address, identity=identity)
    StoreAssociation.open(address, number([CT])).release()
    finder = open_finder(address)
    assert isinstance(finder, Finder)
    finder.close()


def test_a_user_with_a_passcode_is_let_in_and_is_refused_with_a_wrong_one(monkeypatch):
    identity = Identity(2, "migration", Secret("passcode", env="PACSLIFT_TEST_PASS"))
    with ScriptedArchive([CT, FIND]).take_users(b"open sesame") as archive:
        monkeypatch.setenv("PACSLIFT_TEST_PASS", "open sesame")
        asked_as(archive, identity)
        assert archive.identities == [(2, b"migration", b"open sesame")] * 2
        monkeypatch.setenv("PACSLIFT_TEST_PASS", "close sesame")
        for ask in (lambda a: StoreAssociation.open(a, number([CT])), open_finder):
            with pytest.raises(TargetRejectedError, match="may have refused the user identity"):
                ask(replace(archive.address, identity=identity))


@pytest.mark.parametrize(("kind", "key"), [(3, "kerberos"), (4, "saml"), (5, "jwt")])
def test_a_token_from_a_file_lets_us_in(tmp_path, kind, key):
    token = tmp_path / "token"
    token.write_bytes(b"\x01token\xff\n")
    with ScriptedArchive([CT, FIND]).take_users(b"\x01token\xff") as archive:
        asked_as(archive, Identity(kind, secret=Secret(key, file=token), confirm=True))
        assert archive.identities == [(kind, b"\x01token\xff", b"")] * 2


def test_a_target_that_has_to_confirm_an_identity_and_does_not_is_told_of():
    identity = Identity(1, "migration", confirm=True)
    with ScriptedArchive([CT, FIND]) as archive:
        with pytest.raises(TargetRejectedError, match="did not confirm the user identity; set up"):
            StoreAssociation.open(replace(archive.address, identity=identity), number([CT]))
        asked_as(archive, replace(identity, confirm=False))


def test_a_secret_that_is_missing_is_named_before_anything_is_asked(tmp_path):
    address = TargetAddress("NOBODY", "127.0.0.1", 1)
    for secret, said in [
        (Secret("passcode", env="PACSLIFT_NOT_SET"), "PACSLIFT_NOT_SET, which passcode_env"),
        (Secret("passcode", file=tmp_path / "none"), "none, which passcode_file .* cannot be read"),
    ]:
        with pytest.raises(JobFileError, match=said):
            identity = Identity(2, "migration", secret)
            StoreAssociation.open(replace(address, identity=identity), number([CT]))


# a whole job


def test_a_job_is_run_and_verified_over_tls_at_orthanc(tmp_path, hospital: Authority):
    server, client = hospital.folder / "server", hospital.folder / "client"
    settings = {
        "DicomTlsEnabled": True,
        "DicomTlsCertificate": f"{server}.pem",
        "DicomTlsPrivateKey": f"{server}.key",
        "DicomTlsTrustedCertificates": str(hospital.pem.certificate),
    }
    archive = old_pacs(tmp_path / "old")
    job = tmp_path / "job"
    with run_orthanc(tmp_path / "orthanc", settings) as orthanc:
        made = init(
            job, archive.dump, archive.storage, f"ORTHANC@localhost:{orthanc.port}",
            "--tls-ca", hospital.pem.certificate, "--tls-certificate", f"{client}.pem",
            "--tls-key", f"{client}.key",
        )  # fmt: skip
        assert made.exit_code == 0, made.output
        tune(job, processes=2)
        ran = pacslift("run", job, "--json")
        assert ran.exit_code == 0, ran.output
        assert json.loads(ran.stdout)["states"]["verified"] == len(orthanc.ids())
