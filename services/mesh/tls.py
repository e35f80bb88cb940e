"""Mutual TLS, version 1.3 only, for servers and clients, and the proof that it is so."""

import asyncio
import ssl
from dataclasses import dataclass
from pathlib import Path

import grpc


class TlsInvalid(Exception):
    """The certificates cannot be used, or the server speaks an old TLS version."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate with its key and the CA that it trusts, PEM files.

    Attributes:
        cert_file: the leaf, with intermediates where there are any.
        key_file: its private key.
        ca_file: the CA certificates that peers must chain to.
    """

    cert_file: Path
    key_file: Path
    ca_file: Path

    def problems(self) -> list[str]:
        """Every reason for which the files cannot be used; empty where they can."""
        missing = [
            f"{path}: no such file, or not readable"
            for path in (self.cert_file, self.key_file, self.ca_file)
            if not path.is_file()
        ]
        if missing:
            return missing
        try:
            self.ssl_context()
        except (ssl.SSLError, OSError) as error:
            return [f"{self.cert_file}: {error}"]
        return []

    def ssl_context(self) -> ssl.SSLContext:
        """A client context of the standard library with these files."""
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=self.ca_file)
        context.load_cert_chain(self.cert_file, self.key_file)
        return context

    def server_credentials(self) -> grpc.ServerCredentials:
        """For a server that lets in only clients with a certificate of its CA."""
        return grpc.ssl_server_credentials(
            [(self.key_file.read_bytes(), self.cert_file.read_bytes())],
            root_certificates=self.ca_file.read_bytes(),
            require_client_auth=True,
        )

    def channel_credentials(self) -> grpc.ChannelCredentials:
        """For a client that shows its certificate and trusts only its CA."""
        return grpc.ssl_channel_credentials(
            self.ca_file.read_bytes(), self.key_file.read_bytes(), self.cert_file.read_bytes()
        )


async def probe(host: str, port: int, keys: KeyPair) -> None:
    """Prove that a server takes TLS 1.3 and refuses TLS 1.2.

    Raises:
        TlsInvalid: it does otherwise; it must not serve. An RSA certificate is the usual reason.
    """
    if not await _connects(host, port, keys, ssl.TLSVersion.TLSv1_3):
        raise TlsInvalid(f"{host}:{port} does not complete a TLS 1.3 handshake with its own keys")
    if await _connects(host, port, keys, ssl.TLSVersion.TLSv1_2):
        raise TlsInvalid(f"{host}:{port} accepts TLS 1.2; use an ECDSA certificate")


async def _connects(host: str, port: int, keys: KeyPair, version: ssl.TLSVersion) -> bool:
    context = keys.ssl_context()
    context.check_hostname = False  # the probe dials an address, whatever names the leaf has
    context.set_alpn_protocols(["h2"])
    context.minimum_version = context.maximum_version = version
    try:
        _, writer = await asyncio.open_connection(host, port, ssl=context)
    except (ssl.SSLError, ConnectionError):
        return False
    # Not close(): gRPC sends no close_notify, and a drain would wait for this connection.
    writer.transport.abort()
    return True
