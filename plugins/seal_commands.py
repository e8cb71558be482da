"""``tamiz seal``, ``verify``, ``key`` and ``timestamp``: a case made final, and checked."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plugins.command import CASE, EXAMINER, FAILED, TamizCommand, TamizGroup, print_json, writing_to_case

if TYPE_CHECKING:
    from forensics.seal.certificates import CertificateSigner
    from forensics.seal.keys import SigningKey

FILE = click.Path(path_type=Path, dir_okay=False)

PASSPHRASE_FILE = click.option("--passphrase-file", type=FILE, help="A file with the passphrase of the key.")


@click.command("seal", cls=TamizCommand)
@click.argument("case", type=CASE)
@click.option("--output", required=True, type=FILE, help="The sealed file to write; others are written beside it.")
@click.option("--key", "key_file", type=FILE, help="Key to sign with (see 'tamiz key new').")
@PASSPHRASE_FILE
@click.option("--certificate", type=FILE, help="X.509 certificate to sign with as CMS too.")
@click.option("--certificate-key", type=FILE, help="Private key of the certificate.")
@click.option("--certificate-passphrase-file", type=FILE, help="A file with the passphrase of that key.")
@EXAMINER
@click.option("--json", "as_json", is_flag=True, help="Print the manifest as JSON.")
def seal_command(
    case: Path, output: Path, key_file: Path | None, passphrase_file: Path | None, certificate: Path | None,
    certificate_key: Path | None, certificate_passphrase_file: Path | None, examiner: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Seal a case: check it, and write a final copy with manifest, signatures and a program that verifies it.

    The copy is never changed; the case itself can be worked on, and sealed again under another name.
    """
    from forensics.seal.sealing import seal

    key = _signing_key(key_file, passphrase_file)
    signer = _certificate_signer(certificate, certificate_key, certificate_passphrase_file)
    with writing_to_case(case, examiner) as (store, actor):
        sealed = seal(store, actor, output, key, signer)
    if as_json:
        print_json(sealed.manifest)
        return
    for path in sealed.files:
        click.echo(str(path))
    click.echo(f"sha256 of the sealed file  {sealed.manifest['file']['sha256']}")
    click.echo(f"head of the ledger         {sealed.manifest['ledger']['head']}")
    if key is None:
        click.echo("NOT SIGNED: whoever can write these files could make them anew; sign with --key", err=True)


@click.command("verify", cls=TamizCommand)
@click.argument("file", type=FILE)
@click.option("--key", "key_file", type=FILE, help="Public key whose signature there must be.")
@click.option("--head", help="A head of the ledger that a report printed: it must be that of a row.")
@click.option("--certificate", "certificates", type=FILE, multiple=True,
              help="Certificate of the time-stamping authority or its issuer: checks its signature.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify_command(
    file: Path, key_file: Path | None, head: str | None, certificates: tuple[Path, ...], as_json: bool
) -> None:
    """Say in Spanish and English whether a sealed case is as it was sealed, and if not, what was changed.

    Exit code 0: it is as it was sealed; 1: it is not.
    """
    from forensics.seal import verify
    from forensics.seal.certificates import read_certificate
    from forensics.seal.keys import read_public_key
    from forensics.seal.verification import PHRASES, document, verify_sealed

    key = read_public_key(key_file) if key_file else None
    answer = verify_sealed(file, key, head, [read_certificate(path) for path in certificates])
    if as_json:
        print_json(document(answer))
    else:
        click.echo(verify.text(answer, PHRASES), nl=False)
    if answer.findings:
        sys.exit(FAILED)


@click.group("key", cls=TamizGroup)
def key_group() -> None:
    """Keys to sign sealed cases with."""


@key_group.command("new")
@click.option("--output", required=True, type=FILE, help="File for the private key; the public one is FILE.pub.")
@PASSPHRASE_FILE
def key_new(output: Path, passphrase_file: Path | None) -> None:
    """Make an Ed25519 key. Give the public half, or its fingerprint, to those who are to check what you seal."""
    from forensics.seal.keys import new_key, public_key_path, read_passphrase

    public = new_key(output, read_passphrase(passphrase_file) if passphrase_file else None)
    click.echo(f"{output}: private key, keep it\n{public_key_path(output)}: public key, give it out")
    click.echo(f"fingerprint {public.fingerprint}")
    if passphrase_file is None:
        click.echo("not encrypted: whoever reads the file can sign with it; see --passphrase-file", err=True)


@key_group.command("show")
@click.argument("file", type=FILE)
@PASSPHRASE_FILE
def key_show(file: Path, passphrase_file: Path | None) -> None:
    """Show the fingerprint of a key, private or public."""
    from forensics.seal.keys import read_public_key, read_small_file

    if b"PUBLIC KEY" in read_small_file(file):
        click.echo(f"public ed25519 {read_public_key(file).fingerprint}")
        return
    key = _signing_key(file, passphrase_file)
    if key is not None:
        click.echo(f"private ed25519 {key.public.fingerprint}")


@click.group("timestamp", cls=TamizGroup)
def timestamp_group() -> None:
    """Time stamps of an outside authority (RFC 3161), carried by hand."""


@timestamp_group.command("request")
@click.argument("file", type=FILE)
@click.option("--output", required=True, type=FILE, help="The request to write, such as FILE.tsq.")
def timestamp_request(file: Path, output: Path) -> None:
    """Write the request for a time stamp over a sealed case's manifest, or over any other file. Needs no network.

    Send it to an authority, such as with: curl --data-binary @FILE.tsq -H "Content-Type: application/timestamp-query"
    """
    from forensics.seal.time_stamps import write_request

    write_request(_stamped(file), output)
    click.echo(f"{output}: over {_stamped(file)}")


@timestamp_group.command("attach")
@click.argument("file", type=FILE)
@click.argument("answer", type=FILE)
@click.option("--request", "request_file", type=FILE,
              help="The request that was sent; if left out, FILE.tsq or the .tsq beside the answer.")  # fmt: skip
@click.option("--certificate", "certificates", type=FILE, multiple=True,
              help="Certificate of the authority or its issuer: its signature is checked. Repeatable.")  # fmt: skip
def timestamp_attach(file: Path, answer: Path, request_file: Path | None, certificates: tuple[Path, ...]) -> None:
    """Check the answer of a time-stamping authority and put it beside the file."""
    from forensics.seal.certificates import read_certificate
    from forensics.seal.files import answer_path
    from forensics.seal.time_stamps import attach_answer, check_answer

    stamped = _stamped(file)
    place = answer_path(stamped)
    beside = (path for path in (file.with_name(file.name + ".tsq"), answer.with_suffix(".tsq")) if path.exists())
    request_file = request_file or next(beside, None)
    stamp = check_answer(answer, stamped, request_file, [read_certificate(path) for path in certificates])
    attach_answer(answer, place)
    click.echo(f"{place}: {stamped.name} existed at {stamp.at.isoformat()}, by time stamp {stamp.serial_number}")
    if request_file is None:
        click.echo("not compared with the request that was sent; see --request", err=True)
    if not stamp.checked:
        click.echo("the authority's signature was NOT checked; see --certificate", err=True)


def _stamped(file: Path) -> Path:
    """What a time stamp is over: the manifest of a sealed case; of anything else, the file itself."""
    from forensics.seal.files import manifest_path

    manifest = manifest_path(file)
    return manifest if manifest.exists() else file


def _signing_key(key: Path | None, passphrase_file: Path | None) -> SigningKey | None:
    from forensics.seal.keys import read_passphrase, read_signing_key

    if key is None:
        if passphrase_file is not None:
            raise click.UsageError("--passphrase-file is of a --key")
        return None
    return read_signing_key(key, read_passphrase(passphrase_file) if passphrase_file else None)


def _certificate_signer(
    certificate: Path | None, key: Path | None, passphrase_file: Path | None
) -> CertificateSigner | None:
    from forensics.seal.certificates import CertificateSigner
    from forensics.seal.keys import read_passphrase

    if (certificate is None) != (key is None) or (passphrase_file is not None and key is None):
        raise click.UsageError("--certificate and --certificate-key go together")
    if certificate is None or key is None:
        return None
    return CertificateSigner.read(certificate, key, read_passphrase(passphrase_file) if passphrase_file else None)
