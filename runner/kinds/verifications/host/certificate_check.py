"""`certificate`: whether a certificate is good, for how long, and for which name: of a server, or in a file."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from runner.core import duration
from runner.core.fields import Limit, Model
from runner.core.identifiers import OneHost
from runner.core.templates import Template, has_template
from runner.kinds.invocation import Invocation
from runner.kinds.verifications.base import VerificationKind
from runner.kinds.verifications.host.look import LOOK_FROM, AbsolutePath, limit, look


def _address(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not has_template(text) and not (host and port.isdecimal()):
        raise ValueError(f"must be a host and a port, like shop.example:443, not {text[:64]!r}")
    return text


class CertificateQuery(Model):
    """Which certificate, and what must hold of it."""

    address: Annotated[Template, AfterValidator(_address)] | None = Field(
        default=None, description="The server that shows it: shop.example:443"
    )
    file: AbsolutePath | None = Field(default=None, description="The file that holds it, in PEM, in its place")
    valid_for: Limit = Field(default=timedelta(days=1), description="How long from now it must be valid; 1d by default")
    name: Template | None = Field(
        default=None, description="The name that it must be for; that of the `address` by default"
    )
    ca: AbsolutePath | None = Field(
        default=None, description="The file with the authorities that are trusted; those of the machine by default"
    )
    from_: OneHost | None = Field(default=None, alias="from", description=LOOK_FROM)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.address is None) == (self.file is None):
            raise ValueError("needs an `address` or a `file`, and not both")
        if self.file and (self.ca or self.from_):
            raise ValueError("looks at a file on the host, for which there is no `ca` and no `from`")
        return self


class Certificate(VerificationKind):
    """A real TLS handshake, or a file: `facts.fault` is `none` or what is wrong, besides `days_left` and `names`."""

    key = "certificate"
    example = "- {certificate: {address: shop.example:443, valid_for: 30d, from: localhost}}"

    certificate: CertificateQuery

    def probe(self, timeout: timedelta) -> Invocation:
        """The look, in which a server is spoken to once, or twice if the certificate is not good."""
        query = self.certificate
        name = query.name or (_host(query.address) if query.address else None)
        values = {"address": query.address, "file": query.file, "name": name, "ca": query.ca}
        values |= {"limit": limit(timeout)} if query.address else {}
        return look("look_at_certificate", values, timeout=timeout, machine=query.from_)

    def conditions(self, text: str | None) -> Sequence[str]:
        """Nothing is wrong, and nothing will be for so long."""
        return ("facts.fault == 'none'", f"facts.days_left >= {self.certificate.valid_for / timedelta(days=1):g}")

    def describe(self) -> str:
        """In words."""
        query = self.certificate
        name = f" for {query.name}" if query.name else ""
        return f"The certificate of {query.address or query.file} is valid for {duration.show(query.valid_for)}{name}"


def _host(address: str) -> str:
    """The host in an address, which may be a template as a whole."""
    if "{{" not in address.rpartition(":")[2]:
        return address.rpartition(":")[0].strip("[]")
    return f"{{% filter regex_replace(':[0-9]+$', '') %}}{address}{{% endfilter %}}"
