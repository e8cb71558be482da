"""A case as CASE 1.4 / UCO 1.4: JSON-LD that other tools of digital forensics can take in.

Ontologies: https://ontology.caseontology.org/ and https://ontology.unifiedcyberontology.org/. The graph has the
investigation with its authorisation, an exhibit as provenance record, its source as image with its digests, the tool
and how it was configured, one action a scan and one for the matching as a whole, each stream that was hit as a file
with its digests, and each hit content as an analytic result whose classifications are pairs of scheme and code
(``vics-2.0-us/1``) as the lists state them. A classification is what a list says of a known file, not what this content
is: its description says how firmly the content matches.

Nodes are identified by version 5 UUIDs under the UUID of the case, so that the same case gives the same graph. The file
is written node by node.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

from forensics import __version__
from forensics.case.content_walk import ContentMatch, HoldingStream, Scope, WalkedContent, walk_contents
from forensics.case.reader import CaseReader
from forensics.new_file import new_file, refuse_existing
from forensics.reports.exporter import Exporter
from forensics.reports.json_ld import Node, NodeMaker, integer_value, json_line, time_value
from forensics.reports.printable import printable
from forensics.reports.pseudonym import StreamNames
from forensics.reports.recipient import Disclosure, Recipient, require

_UCO = "https://ontology.unifiedcyberontology.org/uco"
_CONTEXT = {
    "case-investigation": "https://ontology.caseontology.org/case/investigation/",
    **{
        f"uco-{part}": f"{_UCO}/{part}/"
        for part in (
            "action",
            "analysis",
            "configuration",
            "core",
            "identity",
            "marking",
            "observable",
            "tool",
            "types",
        )
    },
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_DIGESTS = {"md5": "MD5", "sha1": "SHA1", "sha256": "SHA256"}
_TIMES = {
    "observableCreatedTime": "created",
    "modifiedTime": "modified",
    "accessedTime": "accessed",
    "metadataChangeTime": "changed",
}
_HANDLING = (
    "Controlled: digests of content that lists of known material name. A match is a fact about digests, "
    "not a statement on what the content shows."
)


class CaseUcoExporter(Exporter):
    """CASE 1.4 / UCO 1.4 as JSON-LD."""

    name: ClassVar[str] = "case-uco"

    def export(self, case: CaseReader, output: Path, recipient: Recipient, scope: Scope = Scope.HITS) -> None:
        """Write the graph.

        Raises:
            ReportError: The file exists or cannot be written, the case's key is missing, or the recipient gets no rows.
        """
        allowed = require(recipient, "rows", "CASE graph")
        refuse_existing(output)
        graph = _Graph(case, StreamNames(case.path, allowed), allowed)
        with new_file(output) as file:
            file.write(b'{"@context":' + json_line(_CONTEXT) + b',\n"@graph":[')
            for number, node in enumerate(graph.nodes(scope)):
                file.write((b",\n" if number else b"\n") + json_line(node))
            file.write(b"\n]}\n")


class _Graph(NodeMaker):
    """The nodes of one case.

    Args:
        case: The case.
        names: What is read for a path.
        allowed: What the recipient may see.
    """

    def __init__(self, case: CaseReader, names: StreamNames, allowed: Disclosure) -> None:
        self._case, self._names, self._allowed = case, names, allowed
        self._info = case.case_info()
        super().__init__(UUID(self._info["uuid"]))
        self._sources = case.sources()
        self._scans = case.scans()

    def nodes(self, scope: Scope) -> Iterator[Node]:
        """Every node, the general ones first."""
        yield self._investigation()
        yield from self._marking()
        yield from self._tool()
        yield from self._people()
        yield from self._evidence()
        yield from self._actions()
        for content in walk_contents(self._case.query, scope):
            yield from self._content(content)

    def _investigation(self) -> Node:
        authority = self._info["authority"]
        objects = [
            self.reference("matching"),
            *(self.reference("exhibit", row["label"]) for row in self._case.exhibits()),
        ]
        node = self.node(
            "case-investigation:Investigation",
            "investigation",
            uco_core__name=printable(self._info["number"]),
            uco_core__objectMarking=self.reference("marking"),
            uco_core__object=objects,
        )
        if authority:
            node["case-investigation:relevantAuthorization"] = self.node(
                "case-investigation:Authorization",
                "authorization",
                case_investigation__authorizationType="request",
                case_investigation__authorizationIdentifier=printable(authority),
            )
        return node

    def _marking(self) -> Iterator[Node]:
        yield self.node(
            "uco-marking:MarkingDefinition",
            "marking",
            uco_marking__definitionType="statement",
            uco_marking__definition=self.node(
                "uco-marking:StatementMarking",
                "statement",
                uco_marking__definitionType="statement",
                uco_marking__statement=_HANDLING,
            ),
        )

    def _tool(self) -> Iterator[Node]:
        entries = [self._entry("list", row["uuid"], text=text) for row, text in self._lists()]
        if self._allowed.configuration:
            entries += [
                self._entry(f"scan {scan['id']} {name}", scan["id"], text=value)
                for scan in self._scans
                for name, value in _environment(scan)
            ]
        yield self.node(
            "uco-tool:ConfiguredTool",
            "tool",
            uco_core__name="tamiz",
            uco_tool__version=__version__,
            uco_tool__toolType="known-hash matching",
            uco_configuration__usesConfiguration=self.reference("configuration"),
        )
        yield self.node(
            "uco-configuration:Configuration",
            "configuration",
            uco_configuration__configurationEntry=entries or [self._entry("list", "none", text="none was used")],
        )

    def _lists(self) -> Iterator[tuple[dict[str, Any], str]]:
        """The lists used, in words: named for those who may know them, by digest and size for all."""
        for row in self._case.sets_used():
            parts = [f"{row['disposition']} list", f"SHA-256 {row['file_sha256']}", f"{row['entries']} entries"]
            if self._allowed.set_names:
                parts.insert(0, f"'{row['name']}'")
            yield row, ", ".join(parts)

    def _entry(self, name: str, *key: object, text: str) -> Node:
        return self.node(
            "uco-configuration:ConfigurationEntry",
            "configuration entry",
            name,
            *key,
            uco_configuration__itemName=printable(name),
            uco_configuration__itemValue=printable(text),
        )

    def _people(self) -> Iterator[Node]:
        for name in self._case.examiners():
            yield self.node("uco-identity:Person", "person", name, uco_core__name=printable(name))

    def _evidence(self) -> Iterator[Node]:
        for exhibit in self._case.exhibits():
            images = [
                self.reference("image", row["label"]) for row in self._sources if row["exhibit"] == exhibit["label"]
            ]
            yield self.node(
                "case-investigation:ProvenanceRecord",
                "exhibit",
                exhibit["label"],
                uco_core__name=f"exhibit {exhibit['label']}",
                case_investigation__exhibitNumber=exhibit["label"],
                uco_core__object=images,
            )
        for source in self._sources:
            yield self._image(source)

    def _image(self, source: dict[str, Any]) -> Node:
        label = source["label"]
        digests = {
            (row["algorithm"], row["value"])
            for row in source["digests"]
            if row["phase"] in {"before", "after"} and row["algorithm"] in _DIGESTS
        }
        hashes = [self._hash(*digest, "image", label) for digest in sorted(digests)]
        name = source["file_name"] if self._allowed.source_names else label
        return self.node(
            "uco-observable:Image",
            "image",
            label,
            uco_core__name=printable(name),
            uco_core__hasFacet=[
                self.node(
                    "uco-observable:ImageFacet", "image facet", label, uco_observable__imageType=source["format"]
                ),
                self.node(
                    "uco-observable:ContentDataFacet",
                    "image content",
                    label,
                    uco_observable__hash=hashes,
                    uco_observable__sizeInBytes=integer_value(sum(part["size"] for part in source["segments"])),
                ),
            ],
        )

    def _actions(self) -> Iterator[Node]:
        images = [self.reference("image", row["label"]) for row in self._sources]
        ends = [scan["ended"] for scan in self._scans]
        for scan in self._scans:
            yield self._action(f"{scan['kind']} {scan['id']}", scan, images, "scan", scan["id"])
        if self._scans:
            whole = self._scans[0] | {"ended": None if None in ends else max(ends)}
            node = self._action("known-hash matching", whole, images, "matching")
            node["uco-action:performer"] = self.reference("person", self._scans[-1]["examiner"])
            node["case-investigation:wasInformedBy"] = [self.reference("scan", scan["id"]) for scan in self._scans]
            yield node
        else:
            yield self.node("case-investigation:InvestigativeAction", "matching", uco_core__name="known-hash matching")

    def _action(self, name: str, scan: dict[str, Any], images: list[Node], *key: object) -> Node:
        return self.node(
            "case-investigation:InvestigativeAction",
            *map(str, key),
            uco_core__name=name,
            uco_action__performer=self.reference("person", scan["examiner"]),
            uco_action__instrument=self.reference("tool"),
            uco_action__object=images,
            uco_action__startTime=time_value(scan["started"]),
            uco_action__endTime=time_value(scan["ended"]),
        )

    def _content(self, content: WalkedContent) -> Iterator[Node]:
        """The files that hold a content, the result for it, and what ties them together."""
        key = self._names.pseudonyms.of_content(content.sha256)
        by_source: dict[str, list[Node]] = {}
        for stream in content.streams:
            # never by the path itself: whoever has the graph could try guesses of it
            stream_key = (stream.locator, self._names.pseudonyms.of_path(stream.stored_path))
            yield self._file(content, stream, stream_key)
            by_source.setdefault(stream.source, []).append(self.reference("file", *stream_key))
        for source, files in by_source.items():
            yield self.node(
                "uco-observable:ObservableRelationship",
                "contained",
                key,
                source,
                uco_core__source=files,
                uco_core__target=self.reference("image", source),
                uco_core__kindOfRelationship="Contained_Within",
                uco_core__isDirectional=True,
            )
        yield self._result(content, key)
        yield self.node(
            "uco-core:Relationship",
            "classified",
            key,
            uco_core__source=[file for files in by_source.values() for file in files],
            uco_core__target=self.reference("result", key),
            uco_core__kindOfRelationship="Matched_By",
            uco_core__isDirectional=True,
        )

    def _file(self, content: WalkedContent, stream: HoldingStream, key: tuple[str, str]) -> Node:
        name = self._names.of(stream.path, stream.stored_path)
        times = {name: time_value(getattr(stream, field)) for name, field in _TIMES.items()}
        facet = self.node(
            "uco-observable:FileFacet",
            "file facet",
            *key,
            uco_observable__fileName=name.rpartition("/")[2],
            uco_observable__filePath=name,
            uco_observable__sizeInBytes=integer_value(content.size),
            uco_observable__allocationStatus=stream.allocation,
            **{f"uco_observable__{name}": time for name, time in times.items()},
        )
        digests = [self._hash(name, getattr(content, name), *key) for name in _DIGESTS] if self._allowed.digests else []
        data = self.node(
            "uco-observable:ContentDataFacet",
            "content facet",
            *key,
            uco_observable__hash=digests,
            uco_observable__mimeType=printable(content.media_type),
            uco_observable__sizeInBytes=integer_value(content.size),
        )
        return self.node(
            "uco-observable:File",
            "file",
            *key,
            uco_core__name=stream.locator,
            uco_core__objectMarking=self.reference("marking"),
            uco_core__hasFacet=[facet, data],
        )

    def _hash(self, algorithm: str, value: str, *key: object) -> Node:
        return self.node(
            "uco-types:Hash",
            "hash",
            *key,
            algorithm,
            value,
            uco_types__hashMethod=_DIGESTS[algorithm],
            uco_types__hashValue={"@type": "xsd:hexBinary", "@value": value},
        )

    def _result(self, content: WalkedContent, key: str) -> Node:
        classes = [
            self.node(
                "uco-analysis:ArtifactClassification",
                "classification",
                key,
                match.set_uuid,
                match.position,
                uco_analysis__class=printable(f"{match.scheme or 'no-scheme'}/{match.category or 'no-category'}"),
                uco_core__description=printable(self._in_words(match)),
            )
            for match in content.matches
        ]
        facet = self.node(
            "uco-analysis:ArtifactClassificationResultFacet",
            "classification facet",
            key,
            uco_analysis__classification=classes,
        )
        node = self.node(
            "uco-analysis:AnalyticResult",
            "result",
            key,
            uco_core__name=f"content {key}",
            uco_core__hasFacet=facet,
        )
        # the action of the matching has every result; said here, so that no node grows with the case
        node["@reverse"] = {"uco-action:result": self.reference("matching")}
        return node

    def _in_words(self, match: ContentMatch) -> str:
        parts = [f"{match.tier} match by {match.basis}", f"distance {match.distance}"]
        if match.probe is not None:
            parts.append(f"seen as {match.probe}")
        parts.append(f"entry of the {match.disposition} list" + (f" '{match.set}'" if self._allowed.set_names else ""))
        if match.reference is not None and self._allowed.references:
            parts.append(f"reference {match.reference}")
        if match.disagreeing:
            parts.append(f"the entry states another {' and '.join(match.disagreeing)}")
        if match.retracted:
            parts.append("retracted by its issuer")
        if match.disputed is not None:
            parts.append(f"disputed: {match.disputed}")
        return ", ".join(parts)


def _environment(scan: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name in ("python", "sqlite", "system", "machine"):
        if name in scan["environment"]:
            yield name, str(scan["environment"][name])
    for name, version in scan["environment"].get("packages", {}).items():
        yield f"package {name}", str(version)
