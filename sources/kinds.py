"""Every kind of source, by the name it has in a configuration.

A new kind is one module, one line here and one fixture.
"""

from __future__ import annotations

from typing import Final

from sources.base import Source
from sources.dialogue import Dialogue
from sources.distilled import Distilled
from sources.guideline import Guideline
from sources.knowledge_graph import KnowledgeGraph
from sources.plain import Plain
from sources.seeds import Seeds
from sources.textbook import Textbook

SOURCE_KINDS: Final[dict[str, type[Source]]] = {
    kind.kind: kind for kind in (Textbook, Guideline, KnowledgeGraph, Dialogue, Distilled, Plain, Seeds)
}
