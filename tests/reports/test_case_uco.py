"""The CASE graph, by the ontology's own validator and against the case."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import pytest

from forensics.case.reader import CaseReader
from forensics.reports.case_uco import CaseUcoExporter
from forensics.reports.exporter import write_export
from forensics.reports.pseudonym import Pseudonyms
from forensics.reports.recipient import Recipient
from tests.reports.conftest import (
    EXAMINER,
    ISSUER_REFERENCE,
    MARKER,
    NOTABLE,
    PARTITION_NAME,
    PERCEPTUAL_VALUE,
    NewCase,
    match,
)

ROWS = [Recipient.LABORATORY, Recipient.PROSECUTOR, Recipient.DEFENCE]
SUFFIXES = {"md5": "MD5", "sha1": "SHA1", "sha256": "SHA256"}


def export(case: Path, recipient: Recipient = Recipient.LABORATORY) -> Path:
    output = case.parent / f"{recipient}.jsonld"
    with CaseReader.open(case) as reader:
        write_export(CaseUcoExporter(), reader, output, recipient)
    return output


def nodes(file: Path) -> list[dict[str, Any]]:
    graph: list[dict[str, Any]] = json.loads(file.read_text("utf-8"))["@graph"]
    return graph


def of_type(graph: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [node for node in graph if node["@type"] == name]


def identified(value: object) -> list[dict[str, Any]]:
    """Every node, however deep."""
    if isinstance(value, list):
        return [node for each in value for node in identified(each)]
    if not isinstance(value, dict):
        return []
    own = [value] if "@id" in value and len(value) > 1 else []
    return own + [node for each in value.values() for node in identified(each)]


@pytest.mark.parametrize("recipient", ROWS)
def test_it_conforms_to_case_1_4(new_case: NewCase, recipient: Recipient) -> None:
    program = shutil.which("case_validate")
    if program is None:
        pytest.skip("case_validate is missing (pip install case-utils)")
    writer = new_case()
    writer.add(b"x/a.jpg", b"one", match(NOTABLE, 1))
    file = export(writer.finish(), recipient)
    told = subprocess.run([program, "--built-version", "case-1.4.0", file], check=False, capture_output=True, text=True)
    assert told.returncode == 0, told.stdout
    assert "Conforms: True" in told.stdout


def test_every_node_has_one_identity_and_every_reference_leads_to_one(sample_case: Path) -> None:
    graph = nodes(export(sample_case))
    known = [node["@id"] for node in identified(graph)]
    assert len(known) == len(set(known))
    for name in known:
        assert UUID(name.removeprefix("urn:uuid:")).version == 5
    with CaseReader.open(sample_case) as case:
        uuid = UUID(case.case_info()["uuid"])
    assert {f"urn:uuid:{uuid5(uuid, 'tool')}", f"urn:uuid:{uuid5(uuid, 'image/E1')}"} <= set(known)
    references = set()

    def gather(value: object) -> None:
        if isinstance(value, list):
            for each in value:
                gather(each)
        elif isinstance(value, dict):
            if set(value) == {"@id"}:
                references.add(value["@id"])
            for each in value.values():
                gather(each)

    gather(graph)
    assert references <= set(known)


def test_files_and_classifications_are_those_of_the_case(sample_case: Path) -> None:
    graph = nodes(export(sample_case))
    with CaseReader.open(sample_case) as case:
        hits = list(case.hits())
    files = {
        (node["uco-core:name"], facet["uco-observable:filePath"], facet["uco-observable:allocationStatus"])
        for node in of_type(graph, "uco-observable:File")
        for facet in node["uco-core:hasFacet"][:1]
    }
    assert files == {(hit.locator, hit.path, hit.allocation) for hit in hits}
    digests = {
        tuple(
            sorted(
                (each["uco-types:hashMethod"], each["uco-types:hashValue"]["@value"])
                for each in facet["uco-observable:hash"]
            )
        )
        for node in of_type(graph, "uco-observable:File")
        for facet in node["uco-core:hasFacet"][1:]
    }
    assert digests == {tuple(sorted((suffix, getattr(hit, name)) for name, suffix in SUFFIXES.items())) for hit in hits}
    pseudonyms = Pseudonyms.of_case(sample_case)
    classes = {
        (node["uco-core:name"], one["uco-analysis:class"])
        for node in of_type(graph, "uco-analysis:AnalyticResult")
        for one in node["uco-core:hasFacet"]["uco-analysis:classification"]
    }
    assert classes == {
        (
            f"content {pseudonyms.of_content(hit.sha256)}",
            f"{hit.scheme or 'no-scheme'}/{hit.category or 'no-category'}",
        )
        for hit in hits
    }


def test_who_did_what_with_what_to_what(sample_case: Path) -> None:
    graph = nodes(export(sample_case))
    (investigation,) = of_type(graph, "case-investigation:Investigation")
    assert investigation["uco-core:name"] == "CI/FE/017/2026"
    authority = investigation["case-investigation:relevantAuthorization"]
    assert authority["case-investigation:authorizationIdentifier"] == "Oficio 42/2026"
    exhibits = of_type(graph, "case-investigation:ProvenanceRecord")
    assert {node["case-investigation:exhibitNumber"] for node in exhibits} == {"E1", "IND-02"}
    (person,) = of_type(graph, "uco-identity:Person")
    assert person["uco-core:name"] == EXAMINER.name
    (tool,) = of_type(graph, "uco-tool:ConfiguredTool")
    (image,) = of_type(graph, "uco-observable:Image")
    for action in of_type(graph, "case-investigation:InvestigativeAction"):
        assert action["uco-action:performer"] == {"@id": person["@id"]}
        assert action["uco-action:instrument"] == {"@id": tool["@id"]}
        assert action["uco-action:object"] == [{"@id": image["@id"]}]


@pytest.mark.parametrize("recipient", ROWS)
def test_each_recipient_gets_what_the_table_says(sample_case: Path, recipient: Recipient) -> None:
    text = export(sample_case, recipient).read_text("utf-8")
    laboratory = recipient is Recipient.LABORATORY
    assert (MARKER in text) == (ISSUER_REFERENCE in text) == ("disco.E01" in text) == laboratory
    with CaseReader.open(sample_case) as case:
        digests = [digest for hit in case.hits() for digest in (hit.md5, hit.sha1, hit.sha256)]
    assert all((digest in text) == (recipient is not Recipient.DEFENCE) for digest in digests)
    assert PERCEPTUAL_VALUE not in text
    assert PARTITION_NAME not in text
    assert "lista nacional" in text


def test_identities_are_the_same_for_everyone_and_do_not_give_a_path_away(sample_case: Path) -> None:
    graphs = [nodes(export(sample_case, recipient)) for recipient in ROWS]
    names = [{node["@id"] for node in of_type(graph, "uco-observable:File")} for graph in graphs]
    assert names[0] == names[1] == names[2]
    # whoever knows the case's UUID and guesses a path must not be able to try the guess
    sample_case.with_name(sample_case.name + ".key").write_text("ab" * 32)
    (sample_case.parent / "laboratory.jsonld").unlink()
    other = {node["@id"] for node in of_type(nodes(export(sample_case)), "uco-observable:File")}
    assert not other & names[0]


def test_a_case_that_was_never_scanned_has_a_graph(tmp_path: Path) -> None:
    from forensics.case.store import CaseStore

    CaseStore.create(tmp_path / "a.case", "1", EXAMINER, None, ["E1"]).close()
    graph = nodes(export(tmp_path / "a.case"))
    assert of_type(graph, "uco-observable:File") == []
