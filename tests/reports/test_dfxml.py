"""DFXML: its order is that of the schema, and it says of a disk what fiwalk says."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.case.content_walk import Scope
from forensics.case.reader import CaseReader
from forensics.evidence.stream import Allocation
from forensics.reports import dfxml
from forensics.reports.dfxml import NAMESPACE, OUR_NAMESPACE, DfxmlExporter
from forensics.reports.exporter import write_export
from forensics.reports.recipient import Recipient
from forensics.triage.scan import ScanResult
from tests.conftest import Evidence
from tests.reports.conftest import ISSUER_REFERENCE, MARKER, NOTABLE, PERCEPTUAL_VALUE, NewCase, match

SCHEMA_VARIABLE = "TAMIZ_DFXML_SCHEMA"
"""Names a copy of dfxml.xsd (github.com/dfxml-working-group/dfxml_schema, with its ref folder), which is not ours."""

ORDER = (
    "parent_object", "filename", "error", "partition", "id", "name_type", "filesize", "unalloc", "alloc", "alloc_inode",
    "alloc_name", "used", "unused", "orphan", "compressed", "inode", "meta_type", "mode", "nlink", "uid", "gid",
    "mtime", "ctime", "atime", "crtime", "seq", "dtime", "bkup_time", "link_target", "libmagic", "byte_runs",
    "hashdigest",
)  # fmt: skip
"""Children of a fileobject as the schema orders them."""

ALLOCATION = {
    Allocation.ALLOCATED: {"alloc": "1"},
    Allocation.DELETED: {"unalloc": "1"},
    Allocation.ORPHAN: {"unalloc": "1", "orphan": "1"},
    Allocation.CARVED: {},
}


def export(case: Path, recipient: Recipient = Recipient.LABORATORY, scope: Scope = Scope.HITS) -> Path:
    output = case.parent / f"{recipient}-{scope}.xml"
    with CaseReader.open(case) as reader:
        write_export(DfxmlExporter(), reader, output, recipient, scope)
    return output


def local(element: ET.Element) -> str:
    return element.tag.removeprefix(f"{{{NAMESPACE}}}")


def file_objects(file: Path) -> list[ET.Element]:
    return list(ET.parse(file).iter(f"{{{NAMESPACE}}}fileobject"))  # noqa: S314 - our own file


@pytest.mark.parametrize("recipient", [Recipient.LABORATORY, Recipient.PROSECUTOR, Recipient.DEFENCE])
def test_the_order_of_everything_is_that_of_the_schema(sample_case: Path, recipient: Recipient) -> None:
    root = ET.parse(export(sample_case, recipient)).getroot()  # noqa: S314
    assert [local(child) for child in root] == ["metadata", "creator", "source", "volume"]
    (volume,) = root.iter(f"{{{NAMESPACE}}}volume")
    assert [local(child) for child in volume][:3] == ["sector_size", "ftype_str", "fileobject"]
    for element in root.iter(f"{{{NAMESPACE}}}fileobject"):
        names = [local(child) for child in element]
        ours = [name for name in names if name.startswith(f"{{{OUR_NAMESPACE}}}")]
        assert names[len(names) - len(ours) :] == ours
        places = [ORDER.index(name) for name in names[: len(names) - len(ours)]]
        assert places == sorted(places)


def test_it_is_valid_by_a_copy_of_the_schema(sample_case: Path) -> None:
    etree = pytest.importorskip("lxml.etree")
    if SCHEMA_VARIABLE not in os.environ:
        pytest.skip(f"no copy of the schema: {SCHEMA_VARIABLE} names none")
    tree = etree.parse(export(sample_case, scope=Scope.ALL))
    for element in list(tree.iter(f"{{{OUR_NAMESPACE}}}*")):  # for which versions before 2.0 have no place
        element.getparent().remove(element)
    etree.XMLSchema(etree.parse(os.environ[SCHEMA_VARIABLE])).assertValid(tree)


def test_it_says_of_a_disk_what_fiwalk_says(
    run_scan: Callable[..., ScanResult], evidence: Evidence, tmp_path: Path
) -> None:
    if shutil.which("fiwalk") is None:
        pytest.skip("fiwalk is missing (Debian package sleuthkit)")
    run_scan("a.case", evidence.image)
    theirs = tmp_path / "fiwalk.xml"
    subprocess.run(["fiwalk", "-X", theirs, evidence.image], check=True, capture_output=True)
    assert told(export(tmp_path / "a.case", scope=Scope.ALL)) == {one for one in told(theirs) if one[0] in evidence.md5}


def told(file: Path) -> set[tuple[str | None, ...]]:
    """Of each allocated file: name, size, digests, times to the second."""
    found = set()
    for element in ET.parse(file).iter():  # noqa: S314
        if element.tag.rpartition("}")[2] == "fileobject":
            texts = {child.tag.rpartition("}")[2]: child.text for child in element}
            digests = {child.get("type"): child.text for child in element if child.tag.endswith("hashdigest")}
            # of empty files fiwalk gives no digests
            if "1" in {texts.get("alloc"), texts.get("alloc_name")} and texts["filesize"] != "0":
                times = tuple((texts.get(name) or "")[:19] for name in ("mtime", "ctime", "atime", "crtime"))
                found.add((texts["filename"], texts["filesize"], digests.get("md5"), digests.get("sha1"), *times))
    return found


@pytest.mark.parametrize("allocation", Allocation)
def test_allocation_is_said_as_dfxml_says_it(new_case: NewCase, allocation: Allocation) -> None:
    writer = new_case()
    writer.add(b"a.jpg", b"one", match(NOTABLE, 1), allocation=allocation)
    (element,) = file_objects(export(writer.finish()))
    said = {local(child): child.text for child in element if local(child) in {"alloc", "unalloc", "orphan"}}
    assert said == ALLOCATION[allocation]


def test_each_recipient_gets_what_the_table_says(sample_case: Path) -> None:
    texts = {
        recipient: export(sample_case, recipient).read_text("utf-8")
        for recipient in (Recipient.LABORATORY, Recipient.PROSECUTOR, Recipient.DEFENCE)
    }
    for recipient, text in texts.items():
        laboratory = recipient is Recipient.LABORATORY
        assert (MARKER in text) == (ISSUER_REFERENCE in text) == ("disco.E01" in text) == laboratory
        assert ("<hashdigest" in text) == (recipient is not Recipient.DEFENCE)
        assert PERCEPTUAL_VALUE not in text
        assert "byte_run" not in text


@given(st.text() | st.binary().map(lambda name: name.decode("utf-8", "surrogateescape")))
def test_any_text_is_well_formed_xml(text: str) -> None:
    made = dfxml._text(text.encode("utf-8", "replace").decode())
    assert ET.fromstring(f"<a>{made}</a>").tag == "a"  # noqa: S314
