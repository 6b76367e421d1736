"""The search index of the site: what `runbook find` looks at, small enough to stand in a page."""

from __future__ import annotations

from typing import Any

from runner.definition.links import leaves
from runner.definition.passages import subjects
from runner.site.material import Material

_LEAST = 1.0
"""The weight below which a passage is left out."""
_LONGEST = 200


def index(material: Material) -> list[dict[str, Any]]:
    """Each runbook and entry with its address, and its passages as `[where, text, weight]`."""
    found = []
    for subject in subjects(material.collection).values():
        if where := material.href(subject.id):
            passages = {(each.where, each.text[:_LONGEST], each.weight) for each in subject.passages}
            told = [list(each) for each in sorted(passages, key=lambda each: (-each[2], each)) if each[2] >= _LEAST]
            found.append({"id": subject.id, "title": subject.title, "url": where, "texts": told})
    seen = {item["id"] for item in found}
    for name, reference in material.collection.references.items():
        if name not in seen:
            leaf = leaves(reference.document.at((name,)))
            said = [
                [" ".join(map(str, place[:1])), text[:_LONGEST], _LEAST]
                for place, text in leaf
                if isinstance(text, str)
            ]
            found.append({"id": name, "title": reference.entry.title, "url": material.href(name), "texts": said})
    return found
