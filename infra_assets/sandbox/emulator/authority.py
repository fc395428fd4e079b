"""The emulator's own certificate authority: one per sandbox folder, its key private to it; hosts' certificates made in memory."""

import datetime
import os
import ssl
import tempfile
import threading
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

BUNDLE = "ca.pem"
KEY = "ca.key"
LIFETIME = datetime.timedelta(days=3650)
# TLS clients refuse a certificate whose validity begins in the future of a clock that is a little behind.
BACKDATE = datetime.timedelta(days=1)


class Authority:
    """Makes the TLS context for a host; one certificate for all hosts that differ in their first label only."""

    def __init__(self, folder: Path) -> None:
        self.bundle = folder / BUNDLE
        self._key, self._certificate = _load_or_make(self.bundle, folder / KEY)
        # One key for all hosts: making keys costs more than signing, and all of them live in this process.
        self._host_key = ec.generate_private_key(ec.SECP256R1())
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._lock = threading.Lock()

    def context(self, host: str) -> ssl.SSLContext:
        """Return the server side's TLS context for `host`, made at the first request for it and kept."""
        family = host.split(".", 1)[-1]
        # A wildcard stands for one label, and never directly below a top level such as com.
        names = [f"*.{family}", family] if "." in family else [host]
        with self._lock:
            context = self._contexts.get(names[0])
            if context is None:
                context = self._contexts[names[0]] = self._make_context(names)
            return context

    def _make_context(self, names: list[str]) -> ssl.SSLContext:
        pem = self._sign(names).public_bytes(serialization.Encoding.PEM) + _private_pem(self._host_key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # The ssl module takes certificates from files only; this one is readable by us alone and gone at once.
        with tempfile.NamedTemporaryFile(suffix=".pem") as file:
            file.write(pem)
            file.flush()
            context.load_cert_chain(file.name)
        context.set_alpn_protocols(["http/1.1"])
        return context

    def _sign(self, names: list[str]) -> x509.Certificate:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
        alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        return (
            _builder(subject, self._certificate.subject, self._host_key.public_key())
            .add_extension(alternatives, critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )


def _builder(subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATE)
        .not_valid_after(now + LIFETIME)
    )


def _load_or_make(bundle: Path, key_file: Path) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    """Return the folder's authority; kept over restarts, so that a bundle that a process has already read stays good."""
    if bundle.is_file() and key_file.is_file():
        key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
        if isinstance(key, ec.EllipticCurvePrivateKey):
            return key, x509.load_pem_x509_certificate(bundle.read_bytes())
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _self_signed(key)
    _write_private(key_file, _private_pem(key))
    bundle.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return key, certificate


def _self_signed(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "infra sandbox")])
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        _builder(name, name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _write_private(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
