"""The search index of the site: what `runbook find` looks at, small enough to stand in a page."""

from __future__ import annotations

from typing import Any

from runner.library.links.link_mentions import leaves
from runner.library.search.subjects import leading, passages_by_subject, subjects
from runner.render.site.site_content import Material

_LEAST = 1.0
"""The weight below which a passage is left out."""
_LONGEST = 200


def index(material: Material) -> list[dict[str, Any]]:
    """Each runbook and entry with its address, its passages as `[where, text, weight]`, and what means it alone.

    What is deprecated is found by what it says, and by its id, but an alert does not lead to it.
    """
    found = []
    known = subjects(material.snapshot)
    spoken = passages_by_subject(leading(known), material.snapshot.index.passages())
    for subject in known.values():
        if where := material.href(subject.id):
            passages = {(each.where, each.text[:_LONGEST], each.weight) for each in spoken.get(subject.id, ())}
            texts = [list(each) for each in sorted(passages, key=lambda each: (-each[2], each)) if each[2] >= _LEAST]
            found.append(
                {
                    "id": subject.id,
                    "title": f"{subject.title} (deprecated)" if subject.deprecated else subject.title,
                    "url": where,
                    "names": [] if subject.deprecated else sorted(subject.names),
                    "texts": texts,
                }
            )
    seen = {item["id"] for item in found}
    for name, reference in material.snapshot.references.items():
        if name not in seen:
            leaf = leaves(reference.document.at((name,)))
            texts = [
                [" ".join(map(str, place[:1])), text[:_LONGEST], _LEAST]
                for place, text in leaf
                if isinstance(text, str)
            ]
            found.append(
                {"id": name, "title": reference.entry.title, "url": material.href(name), "names": [], "texts": texts}
            )
    return found
