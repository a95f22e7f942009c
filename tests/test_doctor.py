"""What doctor finds before anything is sent: kinds of object, certificates, access."""

import json
import ssl
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import JPEGLosslessSV1

from certificates import Authority
from jobs import init, pacslift
from newpacs import NewPacs
from oldpacs import CT, MR, ct, mr, old_pacs
from pacslift.access import Tls
from pacslift.cli_doctor import show_kinds
from pacslift.doctor import certificates_last
from pacslift.job_reading import load_job
from pacslift.ledger import Ledger
from pacslift.send.matrix import Answer, Kind
from pacslift.send.pairs import pairs_to_propose
from pacslift.send.validity import first_certificate, valid_until
from scripted import ScriptedArchive


def planned_job(tmp_path, target: object, *more: object):
    archive = old_pacs(tmp_path / "old", kinds=(ct, mr))
    made = init(tmp_path / "job", archive.dump, archive.storage, str(target), *more)
    assert made.exit_code == 0, made.output
    for stage in ("extract", "inventory", "plan"):
        pacslift(stage, tmp_path / "job")
    return tmp_path / "job"


def test_doctor_shows_what_the_job_holds_against_what_the_target_takes(tmp_path):
    with NewPacs(tmp_path / "new").accept_only(CT) as target:
        job = planned_job(tmp_path, target)
        seen = pacslift("doctor", job)
        assert seen.exit_code == 3
        rows = [
            line.split() for line in seen.stdout.splitlines() if line.endswith(("taken", "refused"))
        ]
        assert [(row[0], row[1], row[-1]) for row in rows] == [
            ("3", "CT", "taken"),
            ("3", "MR", "refused"),
        ]
        kinds = json.loads(pacslift("doctor", job, "--json").stdout)["kinds"]
        assert {(kind["sop_class"], kind["answer"], kind["instances"]) for kind in kinds} == {
            ("CT Image Storage", "taken", 3),
            ("MR Image Storage", "refused", 3),
        }
        assert target.received == []


LONG = [
    Kind("1.2.840.10008.5.1.4.1.1.14.1", JPEGLosslessSV1, 1_234_567, Answer.TAKEN),
    Kind(CT[0], JPEGLosslessSV1, 11, Answer.TRANSCODED, CT[1]),
    Kind("1.2.3." + "4" * 58, "1.2.5." + "6" * 58, 1, Answer.REFUSED),
    Kind(MR[0], None, 7, Answer.UNKNOWN),
]


@pytest.mark.parametrize("width", [40, 80, 100, 120])
def test_the_kinds_of_object_fit_the_terminal_and_nothing_of_them_is_cut(width, capsys):
    show_kinds(LONG, width)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= width
    joined = "".join("".join(lines).split())
    assert "JPEGLosslessSV1isJPEGLossless,Non-Hierarchical,First-OrderPrediction" in joined
    assert f"({JPEGLosslessSV1})" in joined
    assert "ExplicitVRLittleEndianis" not in joined


def test_at_100_columns_each_usual_kind_of_object_has_one_line(capsys):
    show_kinds([LONG[1], LONG[3]], 100)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split("  ")[-1] == "sent as ExplicitVRLittleEndian"
    assert lines[2].split("  ")[-1] == "asked when its file is read"


def test_sending_proposes_first_what_the_target_was_found_to_take(tmp_path):
    with NewPacs(tmp_path / "new").accept_only(MR) as target:
        job = planned_job(tmp_path, target)
        with closing(Ledger(load_job(job).ledger)) as ledger:
            assert [p[0] for p in pairs_to_propose(ledger, transcodes=False)] == [CT[0], MR[0]]
            pacslift("doctor", job)
            assert [p[0] for p in pairs_to_propose(ledger, transcodes=False)] == [MR[0], CT[0]]


# certificates


def of_server(hospital: Authority, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(hospital.folder / f"{name}.pem", hospital.folder / f"{name}.key")
    return context


def test_doctor_warns_of_certificates_that_end_soon_and_of_what_is_not_verified(tmp_path, hospital):
    soon = datetime.now(UTC) + timedelta(days=20, hours=1)
    hospital.issue("soon", end=soon.strftime("%Y%m%d%H%M%SZ"))
    client = hospital.folder / "client"
    access = ["--tls-ca", hospital.pem.certificate, "--tls-certificate", f"{client}.pem",
              "--tls-key", f"{client}.key"]  # fmt: skip
    with ScriptedArchive([CT], tls=of_server(hospital, "soon")) as target:
        job = planned_job(tmp_path, f"ARCHIVE@127.0.0.1:{target.address.port}", *access)
        lines = pacslift("doctor", job).stdout.splitlines()
        (warned,) = [line for line in lines if line.startswith("warn")]
        assert f"valid until {soon:%Y-%m-%d}, 20 more days" in warned
        assert any("client.pem is valid until 2099-12-31" in line for line in lines)
        assert any("over TLS" in line for line in lines)
        path = job / "job.toml"
        path.write_text(path.read_text().replace("[target.tls]", "[target.tls]\nverify = false"))
        told = json.loads(pacslift("doctor", job, "--json").stdout)["checks"]
        assert [c["name"] for c in told if c["warns"]] == ["certificate", "access"]


def test_a_certificate_that_has_ended_when_it_is_looked_at_fails(hospital):
    tls = Tls(ca=hospital.pem.certificate, certificate=hospital.folder / "client.pem",
              key=hospital.folder / "client.key")  # fmt: skip
    with ScriptedArchive([CT], tls=of_server(hospital, "server")) as target:
        address = replace(target.address, tls=tls)
        checks = [*certificates_last(address, datetime(2100, 1, 1, tzinfo=UTC))]
        assert [check.passed for check in checks] == [False, False]
        assert "has expired on 2099-12-31" in checks[1].sentence


@pytest.mark.parametrize("end", ["20491231235959Z", "20500101000000Z", "20210630120000Z"])
def test_the_end_of_a_certificate_is_read_as_openssl_wrote_it(hospital, end):
    made = hospital.issue(f"until{end}", end=end)
    wanted = datetime.strptime(end, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
    assert valid_until(first_certificate(made.certificate)) == wanted


@given(st.binary(max_size=400))
def test_what_is_no_certificate_has_no_end(content):
    assert valid_until(content) is None


@given(st.data())
def test_a_damaged_certificate_breaks_nothing(hospital, data):
    der = bytearray(first_certificate(hospital.folder / "server.pem"))
    for _ in range(data.draw(st.integers(1, 4))):
        der[data.draw(st.integers(0, len(der) - 1))] = data.draw(st.integers(0, 255))
    end = valid_until(bytes(der[: data.draw(st.integers(0, len(der)))]))
    assert end is None or end.tzinfo is UTC
