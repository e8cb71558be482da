"""Authorities made with the ``openssl`` command: one that issues certificates, one that stamps time."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

_SETTINGS = """
[req]
distinguished_name = name
[name]
[tsa]
default_tsa = here
[here]
serial = {folder}/serial
default_policy = 1.2.3.4.1
signer_digest = sha256
digests = sha256, sha384, sha512
ess_cert_id_alg = sha256
ess_cert_id_chain = no
ordering = no
tsa_name = no
[stamping]
extendedKeyUsage = critical,timeStamping
"""


def openssl(*arguments: str | Path) -> bytes:
    """Run it; raise if it fails."""
    return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True).stdout


@dataclass(frozen=True)
class Authority:
    """An issuer with ``ca.pem``, and below it a time-stamping authority ``tsa.pem`` and a person ``ana.pem``."""

    folder: Path

    def stamp(self, request: Path, answer: Path, *options: str | Path) -> Path:
        """Answer a request."""
        signer = ("-signer", self.folder / "tsa.pem", "-inkey", self.folder / "tsa.key")
        settings = ("-config", self.folder / "openssl.cnf", "-section", "here")
        openssl("ts", "-reply", "-queryfile", request, *signer, *settings, "-out", answer, *options)
        return answer


def make_authority(folder: Path, name: str = "Autoridad de ejemplo") -> Authority:
    """Make one. Its keys are RSA, as most authorities' are."""
    folder.mkdir()
    (folder / "serial").write_text("01\n")
    settings = folder / "openssl.cnf"
    settings.write_text(_SETTINGS.format(folder=folder))
    new = ("req", "-new", "-newkey", "rsa:2048", "-nodes", "-config", settings)
    openssl(*new, "-x509", "-days", "30", "-subj", f"/CN={name}", "-keyout", folder / "ca.key", "-out",
            folder / "ca.pem", "-addext", "basicConstraints=critical,CA:TRUE")  # fmt: skip
    for person, extension in (("tsa", ("-extfile", settings, "-extensions", "stamping")), ("ana", ())):
        openssl(*new, "-subj", f"/CN={person} de {name}", "-keyout", folder / f"{person}.key", "-out", folder / "csr")
        signed = ("-CA", folder / "ca.pem", "-CAkey", folder / "ca.key", "-CAcreateserial", "-days", "20")
        openssl("x509", "-req", "-in", folder / "csr", *signed, *extension, "-out", folder / f"{person}.pem")
    return Authority(folder)
