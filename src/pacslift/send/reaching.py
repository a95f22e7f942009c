"""Reaching the target: the TCP connection, and TLS over it where the job asks for it.

Settings of TLS follow BCP 195 (RFC 9325) whatever the profile: TLS 1.2 or later, keys of 2048 bits
or more, no compression, no renegotiation. The profiles of PS3.15 differ in the cipher suites of
TLS 1.2; those of TLS 1.3 all have forward secrecy and authenticated encryption.
"""

import socket
import ssl
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from time import monotonic

from pacslift.access import Tls
from pacslift.errors import JobFileError, TargetUnreachableError
from pacslift.job import TargetAddress
from pacslift.send import tls_words, wording
from pacslift.send.link import Link
from pacslift.send.tlslink import TlsLink

_REQUIRED = (  # of B.10 and B.11
    "ECDHE-RSA-AES128-GCM-SHA256",
    "DHE-RSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "DHE-RSA-AES256-GCM-SHA384",
)
_ELLIPTIC = ("ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256")
_CHACHA = ("ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305")
SUITES: Mapping[str, tuple[str, ...]] = {
    "non-downgrading": (*_ELLIPTIC, *_REQUIRED, *_CHACHA),  # B.10
    "bcp195": (*_ELLIPTIC, *_REQUIRED, *_CHACHA, "AES128-SHA"),  # B.9: for targets with B.3 alone
    "extended": (*_ELLIPTIC, *_REQUIRED),  # B.11
}
_LEVEL = "@SECLEVEL=2"  # keys of 2048 bits (RSA, DH) or 224 (EC), no SHA-1 in signatures


def reach(address: TargetAddress, timeout: float) -> Link:
    """A connection to *address*, secured as it says, within *timeout* seconds.

    Raises TargetUnreachableError when there is none, JobFileError when our own files are wrong.
    """
    tls = address.tls
    context = context_of(tls) if tls else None
    until = monotonic() + timeout
    connected = connect(address, timeout)
    if tls is None or context is None:
        return Link(connected)
    name = name_expected(address)
    words = partial(tls_words.fault_words, tls, name)
    try:
        link = TlsLink(connected, context, name, words)
    except (ValueError, OSError) as fault:
        connected.close()
        raise JobFileError(f"[target.tls] name {name!r} can be in no certificate") from fault
    try:
        link.shake_hands(until)
    except OSError as fault:
        Link.close(link)
        raise TargetUnreachableError(
            f"no TLS with {address}: {handshake_words(tls, name, fault)}"
        ) from fault
    return link


def connect(address: TargetAddress, timeout: float) -> socket.socket:
    """A TCP connection. Raises TargetUnreachableError."""
    try:
        return socket.create_connection((address.host, address.port), timeout)
    except UnicodeError as fault:  # what Python says of a host name that cannot be one
        unknown = socket.gaierror(socket.EAI_NONAME, "no host name")
        raise TargetUnreachableError(wording.unreachable(address, unknown)) from fault
    except OSError as fault:
        raise TargetUnreachableError(wording.unreachable(address, fault)) from fault


def handshake_words(tls: Tls, name: str, fault: OSError) -> str:
    """Why the handshake failed."""
    if isinstance(fault, ssl.SSLError):
        return tls_words.fault_words(tls, name, fault)
    if isinstance(fault, TimeoutError):
        return "no answer to the TLS handshake in time; check that it speaks TLS on this port"
    return tls_words.closed_words(tls)


def name_expected(address: TargetAddress) -> str:
    """What the target's certificate must carry."""
    return (address.tls.name if address.tls else "") or address.host


def context_of(tls: Tls) -> ssl.SSLContext:
    """TLS as *tls* says. Raises JobFileError when a file or the password is wrong."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_ciphers(":".join((*SUITES[tls.profile], _LEVEL)))
    if tls.verify:
        trust(context, tls.ca)
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.certificate:
        show(context, tls, tls.certificate)
    return context


def trust(context: ssl.SSLContext, ca: Path | None) -> None:
    """Trust the authorities of *ca*, or those of the system.

    A certificate that is no authority's but stands in *ca* is trusted as the target's own: PACS
    often bring one that signed itself, or whose authority nobody has any more.
    """
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    if ca is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
        return
    try:
        context.load_verify_locations(cafile=ca)
    except ssl.SSLError as fault:
        raise JobFileError(f"[target.tls] ca: {ca} holds no certificate in PEM form") from fault
    except OSError as fault:
        raise JobFileError(f"[target.tls] ca: {ca} cannot be read: {fault.strerror}") from fault


def show(context: ssl.SSLContext, tls: Tls, certificate: Path) -> None:
    """Have our own certificate shown where the target asks for it."""
    password = tls.key_password.read() if tls.key_password else b""
    encrypted = any(is_encrypted(path) for path in (certificate, tls.key) if path)
    try:
        # with a callback OpenSSL never asks at the terminal
        context.load_cert_chain(certificate, tls.key, lambda: password)
    except ssl.SSLError as fault:
        words = tls_words.key_words(tls, fault, encrypted=encrypted)
        raise JobFileError(f"[target.tls] {words}") from fault


def is_encrypted(path: Path) -> bool:
    """Whether a PEM file holds a key with a password (RFC 5958, RFC 1421). JobFileError."""
    try:
        content = path.read_bytes()
    except OSError as fault:
        raise JobFileError(f"[target.tls] {path} cannot be read: {fault.strerror}") from fault
    return b"BEGIN ENCRYPTED PRIVATE KEY" in content or b"Proc-Type: 4,ENCRYPTED" in content
