"""A certificate authority of one's own, and servers on loopback that show a certificate of it, one of them nginx."""

from __future__ import annotations

import contextlib
import ipaddress
import shutil
import socket
import ssl
import subprocess
import threading
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from harness.bench import wait_until
from harness.monitoring import free_port


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


_NGINX = """\
daemon off; pid nginx.pid; error_log error.log;
events {{}}
http {{
    access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {file}; ssl_certificate_key {file}; return 200; }}
}}
"""


@contextlib.contextmanager
def nginx(directory, certificate):
    """The port of an nginx that shows the certificate in a file; without nginx the test is skipped, and says so."""
    if (program := shutil.which("nginx")) is None:
        pytest.skip("nginx is not installed")
    port = free_port()
    directory.mkdir()
    (directory / "nginx.conf").write_text(_NGINX.format(port=port, file=certificate))
    command = [program, "-e", "error.log", "-p", directory, "-c", "nginx.conf"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: _listens(port), "nginx listens")
            yield port
        finally:
            process.terminate()


def _listens(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False
