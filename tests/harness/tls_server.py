"""A certificate authority of one's own, and a server on loopback that shows a certificate of it."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Authority:
    """Whoever signs certificates; its own is in the file `path`."""

    def __init__(self, directory, name="An authority"):
        self.name, self.directory, self.key, self.number = name, directory, ec.generate_private_key(ec.SECP256R1()), 0
        self.path = directory / "ca.pem"
        made = self._signed(name, self.key, (-40, 400), x509.BasicConstraints(ca=True, path_length=0))
        self.path.write_bytes(made.public_bytes(serialization.Encoding.PEM))

    def certificate(self, *names, days):
        """A file with a certificate and its key: for `names`, valid between two days, counted from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._signed(names[0], key, days, x509.SubjectAlternativeName([_general(name) for name in names]))
        self.number += 1
        path = self.directory / f"{self.number}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
        return path

    def _signed(self, name, key, days, extension):
        subject, issuer = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each)]) for each in (name, self.name))
        begin, end = (datetime.now(UTC) + timedelta(days=day) for day in days)
        builder = x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number(), begin, end)
        return builder.add_extension(extension, critical=False).sign(self.key, hashes.SHA256())


def _general(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


@contextlib.contextmanager
def tls_server(certificate):
    """The port of a server that shows the certificate in a file to whoever comes."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_serve, args=(server, context), daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def _serve(server, context):
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return  # it is closed
        with connection, contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as secure:
            secure.recv(1)
