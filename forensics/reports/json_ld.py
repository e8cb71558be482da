"""Nodes of a JSON-LD graph of CASE and UCO: how they are identified, named and written."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from typing import Any, TypeAlias
from uuid import UUID

Node: TypeAlias = dict[str, Any]
"""A node, a reference to one, or a typed value, as JSON has it."""


class NodeMaker:
    """Makes the nodes of one graph.

    Args:
        namespace: Nodes are identified by version 5 UUIDs under this one.
    """

    def __init__(self, namespace: UUID) -> None:
        self._namespace = namespace.bytes

    def identify(self, kind: str, *key: object) -> str:
        """Name a node by what it stands for; the same gives the same name.

        Args:
            kind: What sort of thing it is.
            key: Which of them.
        """
        # as uuid.uuid5 does in twice the time, of which there are many (RFC 9562, 5.5)
        name = "/".join((kind, *map(str, key))).encode()
        digest = bytearray(hashlib.sha1(self._namespace + name, usedforsecurity=False).digest()[:16])
        digest[6] = digest[6] & 0x0F | 0x50
        digest[8] = digest[8] & 0x3F | 0x80
        text = digest.hex()
        return f"urn:uuid:{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def reference(self, kind: str, *key: object) -> Node:
        """Point at a node."""
        return {"@id": self.identify(kind, *key)}

    def node(self, node_type: str, kind: str, *key: object, **members: Any) -> Node:  # noqa: ANN401 - JSON values
        """Make a node.

        Args:
            node_type: Its class, as in the ontologies.
            kind: As in :meth:`identify`.
            key: As in :meth:`identify`.
            members: Its properties: ``uco_core__name`` is ``uco-core:name``. Those that are empty are left out.
        """
        node: Node = {"@id": self.identify(kind, *key), "@type": node_type}
        for name, value in members.items():
            if value not in (None, [], ""):
                node[_term(name)] = value
        return node


def time_value(text: str | None) -> Node | None:
    """A point in time of the case as a typed value."""
    return None if text is None else {"@type": "xsd:dateTime", "@value": text}


def integer_value(number: int) -> Node:
    """A whole number; JSON-LD would make a double of a large one that is not typed."""
    return {"@type": "xsd:integer", "@value": str(number)}


def json_line(value: Node) -> bytes:
    """A node as JSON in one line."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


@cache
def _term(name: str) -> str:
    return name.replace("__", ":").replace("_", "-")
