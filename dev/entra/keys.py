"""The stand-in's signing key and certificate authority, made once and kept readable by their owner only."""

import os
import ssl
import tempfile
from collections.abc import Callable
from pathlib import Path

import trustme
from joserfc.jwk import RSAKey

_SIGNING_KEY = "signing-key.pem"
_AUTHORITY_KEY = "ca-key.pem"
_AUTHORITY = "ca.pem"


def signing_key(data: Path) -> RSAKey:
    """The key that signs tokens; the same one after a restart, with a `kid` that follows from it."""
    pem = _keep_once(data, _SIGNING_KEY, lambda: RSAKey.generate_key(2048).as_pem(private=True))
    key = RSAKey.import_key(pem)
    key.ensure_kid()
    return key


def ca_file(data: Path) -> Path:
    """The certificate to trust, made when it is first asked for; the same one after a restart."""
    authority = _authority(data)
    _keep_once(data, _AUTHORITY, authority.cert_pem.bytes)
    return data / _AUTHORITY


def server_tls(data: Path) -> ssl.SSLContext:
    """A TLS context with a fresh certificate for this machine's own names."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _authority(data).issue_cert("localhost", "127.0.0.1", "::1").configure_cert(context)
    return context


def _authority(data: Path) -> trustme.CA:
    def fresh() -> bytes:
        made = trustme.CA()
        return made.private_key_pem.bytes() + made.cert_pem.bytes()

    # Key and certificate share a file so that they can never be of two different authorities.
    both = _keep_once(data, _AUTHORITY_KEY, fresh)
    key, certificate = both.split(b"-----BEGIN CERTIFICATE-----")
    return trustme.CA.from_pem(b"-----BEGIN CERTIFICATE-----" + certificate, key)


def _keep_once(data: Path, name: str, make: Callable[[], bytes]) -> bytes:
    """The file's content; of several that make it at once, all get what the first one wrote."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = data / name
    if not kept.exists():
        handle, draft = tempfile.mkstemp(dir=data)  # mkstemp: readable by the owner only
        with os.fdopen(handle, "wb") as file:
            file.write(make())
        try:
            os.link(draft, kept)
        except FileExistsError:
            pass
        finally:
            Path(draft).unlink()
    return kept.read_bytes()
