"""``tamiz approve``: a second person lets a report or export leave the laboratory."""

from __future__ import annotations

import hashlib
from pathlib import Path

import click

from forensics.errors import ApprovalError
from plugins.case_commands import AS_JSON
from plugins.command import CASE, EXAMINER_VARIABLE, TamizCommand, actor_named, show, writing_to_case

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("approve", cls=TamizCommand)
@click.argument("case", type=CASE)
@click.option("--document", type=FILE, help="The report or export that you have read.")
@click.option("--action", type=click.Choice(("report", "export")), default="report", show_default=True,
              help="What may be given out.")  # fmt: skip
@click.option("--recipient", type=click.Choice(("prosecutor", "court", "defence")), default="prosecutor",
              show_default=True, help="For whom.")  # fmt: skip
@click.option("--variant", default="es", show_default=True, help="Language of the report, or format of the export.")
@click.option("--key", "key_file", type=FILE, help="Your private key (see 'tamiz key new').")
@click.option("--passphrase-file", type=FILE, help="A file with the passphrase of the key.")
@click.option("--examiner", "approver", envvar=EXAMINER_VARIABLE, help="Your name.")
@click.option("--list", "as_list", is_flag=True, help="List the approvals instead, and whether their signatures hold.")
@AS_JSON
def approve_command(
    case: Path, document: Path | None, action: str, recipient: str, variant: str, key_file: Path | None,
    passphrase_file: Path | None, approver: str | None, as_list: bool, as_json: bool,
) -> None:  # fmt: skip
    """Approve, as a second person and with your key, that a report or export is given out.

    Read what the laboratory wrote for itself first, and name that file with --document.
    """
    from forensics.release.approvals import Kind, approve
    from forensics.reports.recipient import Recipient
    from forensics.seal.keys import read_passphrase, read_signing_key

    if as_list:
        _list_approvals(case, as_json)
        return
    if document is None or key_file is None or not approver:
        raise click.UsageError("give --document, --key and --examiner; or --list")
    key = read_signing_key(key_file, read_passphrase(passphrase_file) if passphrase_file else None)
    kind = Kind(action, Recipient(recipient), variant)
    with writing_to_case(case, approver) as (store, _):
        number = approve(store, actor_named(approver), kind, (document.name, _sha256(document)), key)
    click.echo(f"approval {number}: {kind}, signed with key {key.public.fingerprint}")


def _list_approvals(case: Path, as_json: bool) -> None:
    from forensics.case.store import CaseStore
    from forensics.release.approvals import approvals

    with CaseStore.open(case, read_only=True) as store:
        rows = [
            {
                "row": each.number,
                "action": each.kind.action,
                "recipient": str(each.kind.recipient),
                "variant": each.kind.variant,
                "approver": each.approver.name,
                "system_user": each.approver.system_user,
                "at": each.at,
                "document": each.document_name,
                "document_sha256": each.document_sha256,
                "ledger_sequence": each.ledger_sequence,
                "ledger_hash": each.ledger_hash,
                "key": each.public_key.fingerprint,
                "valid": each.valid,
            }
            for each in approvals(store.connection)
        ]
    show(rows, ("row", "action", "recipient", "variant", "approver", "at", "valid", "key"), as_json, "no approval")


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ApprovalError(f"cannot be read ({error.strerror})", str(path), "check the name") from error
