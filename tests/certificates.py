"""Certificates for tests, made by the openssl command: authorities, servers, clients, bad ones."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from servers import program

_CONFIG = """\
[ca]
default_ca = own
[own]
database = {folder}/index.txt
serial = {folder}/serial
new_certs_dir = {folder}
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
"""


@dataclass(frozen=True)
class Pem:
    """A certificate and its key, each in a PEM file."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class Authority:
    """One that signs certificates; its own is `pem`."""

    folder: Path
    pem: Pem

    def issue(
        self,
        name: str,
        *,
        alternative: str = "DNS:localhost,IP:127.0.0.1",
        begin: str = "20200101000000Z",
        end: str = "20991231000000Z",
        password: str = "",
    ) -> Pem:
        """A certificate of RSA with 2048 bits for CN=*name*, valid from *begin* to *end*."""
        made = Pem(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        request = self.folder / f"{name}.csr"
        secrecy = ["-passout", f"pass:{password}"] if password else ["-nodes"]
        more = ["-addext", f"subjectAltName={alternative}"] if alternative else []
        config = self.folder / "openssl.cnf"
        openssl("req", "-new", "-config", config, "-newkey", "rsa:2048", "-keyout", made.key,
                "-out", request, "-subj", f"/CN={name}", *secrecy, *more)  # fmt: skip
        openssl("ca", "-batch", "-notext", "-config", config, "-in", request,
                "-out", made.certificate, "-startdate", begin, "-enddate", end,
                "-cert", self.pem.certificate, "-keyfile", self.pem.key)  # fmt: skip
        return made


def openssl(*arguments: object) -> None:
    command = [program("openssl"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def authority(folder: Path) -> Authority:
    """A new authority below *folder*."""
    folder.mkdir(parents=True)
    (folder / "openssl.cnf").write_text(_CONFIG.format(folder=folder))
    (folder / "index.txt").touch()
    (folder / "serial").write_text("01")
    pem = Pem(folder / "ca.pem", folder / "ca.key")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-keyout", pem.key,
            "-out", pem.certificate, "-subj", f"/CN=Authority {folder.name}")  # fmt: skip
    return Authority(folder, pem)


@pytest.fixture(scope="session")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The authority of a hospital, with `server` and `client` issued."""
    made = authority(tmp_path_factory.mktemp("tls") / "hospital")
    made.issue("server")
    made.issue("client", alternative="")
    return made


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that nobody here trusts, with `server` and `client` issued."""
    made = authority(tmp_path_factory.mktemp("tls") / "stranger")
    made.issue("server")
    made.issue("client", alternative="")
    return made
