"""Prints what is wrong with a certificate, until when it is valid and for which names: of a server, or in a file."""

from __future__ import annotations

import json
import os
import socket
import ssl
import sys
import tempfile
import time
from typing import Any

NAME = os.environ.get("LOOK_NAME", "")
BEGIN, END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


def shown(address: str, context: ssl.SSLContext) -> tuple[bytes, str]:
    """The certificate that a server shows; or, where OpenSSL does not accept it, why."""
    host, _, port = address.rpartition(":")
    limit = float(os.environ["LOOK_LIMIT"])
    with socket.create_connection((host.strip("[]"), int(port)), timeout=limit) as connection:
        try:
            with context.wrap_socket(connection, server_hostname=NAME) as secure:
                return secure.getpeercert(binary_form=True) or b"", ""
        except ssl.SSLCertVerificationError as error:
            return b"", error.verify_message


def of_server(address: str) -> tuple[str, str]:
    """The certificate of a server in PEM, and why a client does not accept it."""
    context = ssl.create_default_context(cafile=os.environ.get("LOOK_CA"))
    certificate, fault = shown(address, context)
    if fault:
        # Shown once more to a client that accepts everything: what it is says what is wrong with it.
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        certificate, _ = shown(address, context)
    return ssl.DER_cert_to_PEM_cert(certificate), fault


def of_file(path: str) -> str:
    """The first certificate in a file."""
    with open(path, encoding="ascii", errors="replace") as file:
        body, end, _ = file.read().partition(BEGIN)[2].partition(END)
    if not end:
        raise ValueError("there is none in PEM")
    return BEGIN + body + END + "\n"


def decoded(pem: str) -> Any:
    """The parts of a certificate, whether it is trusted or not; for that Python has nothing but this."""
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(pem)
        file.flush()
        return ssl._ssl._test_decode_cert(file.name)  # type: ignore[attr-defined]


def is_for(pattern: str, name: str) -> bool:
    """Whether a certificate for `pattern` is one for `name`, see RFC 9525, section 6.3."""
    pattern, name = pattern.lower(), name.lower()
    return pattern == name or (pattern.startswith("*.") and pattern[2:] == name.partition(".")[2])


def fault_of(names: list[str], begin: float, end: float) -> str:
    """What is wrong by the names and the dates; empty where nothing is."""
    if time.time() < begin:
        return f"not valid before {day(begin)}"
    if time.time() > end:
        return f"expired on {day(end)}"
    if NAME and not any(is_for(name, NAME) for name in names):
        return f"for {', '.join(names) or 'no name'}, not for {NAME}"
    return ""


def day(moment: float) -> str:
    """A moment in words."""
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(moment))


def look(address: str, path: str) -> dict[str, Any]:
    """What is known of the certificate at an address, or in a file."""
    pem, refusal = of_server(address) if address else (of_file(path), "")
    parts = decoded(pem)
    names = [value for kind, value in parts.get("subjectAltName", ()) if kind in ("DNS", "IP Address")]
    begin, end = (ssl.cert_time_to_seconds(parts[key]) for key in ("notBefore", "notAfter"))
    # Of a server everything has been checked by OpenSSL; of a file the dates and the name are all that can be.
    fault = (fault_of(names, begin, end) or refusal) if refusal or path else ""
    days_left = int((end - time.time()) / 864) / 100
    return {"fault": fault or "none", "days_left": days_left, "expires": day(end), "names": names}


if __name__ == "__main__":
    where = os.environ.get("LOOK_ADDRESS", ""), os.environ.get("LOOK_FILE", "")
    try:
        print(json.dumps(look(*where)))
    except (OSError, ValueError) as error:
        sys.exit(f"no certificate from {''.join(where)}: {getattr(error, 'strerror', None) or error}")
