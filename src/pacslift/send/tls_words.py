"""What goes wrong with TLS, in sentences: what was met, what to do in [target.tls] or there.

OpenSSL's names of reasons (openssl/sslerr.h), and its codes of X509_verify_cert (x509_vfy.h).
"""

import ssl
from collections.abc import Mapping

from pacslift.access import Tls

_NOT_TRUSTED = (
    "its certificate comes from an authority that is not trusted here; give the file of that "
    "authority's certificate, or of the target's own, as `ca` in [target.tls]"
)
_VERIFY: Mapping[int, str] = {
    9: "its certificate is not valid yet; look at the clocks here and there",
    10: "its certificate has expired; have it renewed at the target",
    18: _NOT_TRUSTED,
    19: _NOT_TRUSTED,
    20: _NOT_TRUSTED,
    21: _NOT_TRUSTED,
    23: "its certificate was revoked; have a new one made for the target",
    26: "its certificate is not made for servers; have one with that purpose made for the target",
    66: "its certificate has a key too short for BCP 195; have one with 2048 bits or more made",
    67: "its authority has a key too short for BCP 195; have one with 2048 bits or more made",
    68: "its certificate is signed with a digest too weak for BCP 195; have a new one made",
}
_OTHER_NAME = frozenset({62, 64})  # of host, of IP address

_NO_TLS = frozenset(
    {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "UNEXPECTED_MESSAGE",
     "RECORD_LAYER_FAILURE", "BAD_RECORD_TYPE"}
)  # fmt: skip
_NOTHING_IN_COMMON = frozenset(
    {"TLSV1_ALERT_PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "NO_SHARED_CIPHER",
     "TLSV1_ALERT_INSUFFICIENT_SECURITY", "WRONG_SSL_VERSION", "NO_CIPHERS_AVAILABLE",
     "DH_KEY_TOO_SMALL", "VERSION_TOO_LOW"}
)  # fmt: skip
_EITHER = "SSLV3_ALERT_HANDSHAKE_FAILURE"  # TLS 1.2 says no more of both
_OF_CERTIFICATE: Mapping[str, str] = {
    _EITHER: "",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "it got no certificate that it can use",
    "TLSV1_ALERT_UNKNOWN_CA": "it does not know the authority of our certificate",
    "SSLV3_ALERT_BAD_CERTIFICATE": "it finds our certificate wrong",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "it does not accept our certificate",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "our certificate has expired",
    "SSLV3_ALERT_CERTIFICATE_REVOKED": "our certificate was revoked",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": "it does not take certificates like ours",
    "TLSV1_ALERT_ACCESS_DENIED": "it denies access to the holder of our certificate",
    "TLSV1_ALERT_DECRYPT_ERROR": "it cannot verify our certificate's signature",
}
_ASK_FOR_ONE = "set `certificate` and `key` in [target.tls] to one that the target accepts"
_CHECK_PORT = "check the port, or leave [target.tls] out of job.toml"
_PROFILES = "look at what the target offers: TLS 1.2 or later is needed, and `profile` says more"


def fault_words(tls: Tls, name: str, fault: ssl.SSLError) -> str:
    """What TLS found wrong, as the end of a sentence on the target; *name* was expected there."""
    if isinstance(fault, ssl.SSLCertVerificationError):
        return verification_words(name, fault)
    if isinstance(fault, ssl.SSLEOFError):
        return closed_words(tls)
    reason = fault.reason or fault.strerror or ""
    if reason in _NO_TLS:
        return f"it does not speak TLS on this port; {_CHECK_PORT}"
    if reason in _OF_CERTIFICATE:
        return certificate_words(tls, reason)
    if reason in _NOTHING_IN_COMMON:
        return f"it has no TLS version or cipher suite in common with us; {_PROFILES}"
    return f"TLS failed with {reason}; look into the target's log"


def certificate_words(tls: Tls, reason: str) -> str:
    """What the target has against our certificate, or against there being none."""
    if reason == _EITHER and tls.certificate:
        return f"it refuses {tls.certificate}, or has no cipher suite in common; {_PROFILES}"
    if reason == _EITHER:
        also = f"or has no cipher suite in common; {_PROFILES}"
        return f"it demands a client certificate ({_ASK_FOR_ONE}), {also}"
    if tls.certificate is None:
        return f"it demands a client certificate; {_ASK_FOR_ONE}"
    return f"{_OF_CERTIFICATE[reason]} ({tls.certificate}); {_ASK_FOR_ONE}"


def closed_words(tls: Tls) -> str:
    """A connection that ended in the middle of the handshake."""
    more = "" if tls.certificate else ", and whether it demands a client certificate"
    return (
        "it closed the connection during the TLS handshake; check that it speaks TLS on this "
        f"port{more}"
    )


def verification_words(name: str, fault: ssl.SSLCertVerificationError) -> str:
    """Why the target's certificate was not believed."""
    if fault.verify_code in _OTHER_NAME:
        return (
            f"its certificate is not for {name}; set `name` in [target.tls] to a name that it "
            "carries, if it is the right one"
        )
    said = f"its certificate was not verified: {fault.verify_message}"
    return _VERIFY.get(fault.verify_code, said)


def key_words(tls: Tls, fault: ssl.SSLError, *, encrypted: bool) -> str:
    """Why our own certificate and key cannot be used."""
    if fault.reason == "KEY_VALUES_MISMATCH":
        return f"the key {tls.key or tls.certificate} is not the one of {tls.certificate}"
    if encrypted and tls.key_password is None:
        return (
            f"the key {tls.key or tls.certificate} has a password; say where it is kept with "
            "key_password_env or key_password_file"
        )
    if encrypted:
        return f"the password does not open the key {tls.key}, or the key is damaged"
    return (
        f"the certificate {tls.certificate} or its key {tls.key or ''} cannot be used: "
        f"{fault.reason or 'not in PEM form'}"
    )
