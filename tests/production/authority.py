"""A private certificate authority: one certificate that vouches for servers of a test."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

_DAY = timedelta(days=1)


class Certified(NamedTuple):
    """The files of a server: its certificate and its private key, both PEM."""

    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


class Authority:
    """
    An authority whose files are in `folder`.

    :param name: what it is called, in its certificate and in the names of its files
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        own = _begin(self._name, self._name, self._key.public_key())
        own = own.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        own = own.add_extension(_usage(signs_certificates=True), critical=True)
        self.path = folder / f"{name}.pem"
        self.path.write_bytes(self._sign(own).public_bytes(Encoding.PEM))

    def issue(self, *names: str) -> Certified:
        """Return files for a server that is called by these host names and addresses."""
        secret = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
        builder = _begin(subject, self._name, secret.public_key())
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_alternative(name) for name in names]), critical=False
        )
        builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
        files = Certified(self._folder / f"{names[0]}.pem", self._folder / f"{names[0]}.key")
        files.certificate.write_bytes(self._sign(builder).public_bytes(Encoding.PEM))
        files.key.touch(mode=0o600)
        files.key.write_bytes(
            secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        return files

    def context(self) -> ssl.SSLContext:
        """Return how a client trusts this authority and no other."""
        return ssl.create_default_context(cafile=str(self.path))

    def _sign(self, builder: x509.CertificateBuilder) -> x509.Certificate:
        own = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return builder.add_extension(own, critical=False).sign(self._key, hashes.SHA256())


def _begin(subject, issuer, public_key) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY / 24)
        .not_valid_after(now + _DAY)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
