"""Draws how long each way took: one bar for each, as long as the logarithm of its seconds, by setting."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape

WIDTH, ROW, LEFT, RIGHT = 760, 18, 190, 90
_COLOURS = {"fast": "#0b7a3b", "stock": "#4f9d69", "plain": "#8a8f98", "untuned": "#b4b8be"}
_OTHER = "#c8a24a"


def draw(machine: str, walls: Mapping[str, Mapping[str, float]]) -> str:
    """An SVG picture of the seconds of `walls`, which are those of each way in each setting."""
    every = [wall for ways in walls.values() for wall in ways.values()]
    least, most = math.log(min(every) / 2), math.log(max(every))
    parts, top = [], 46
    for setting, ways in walls.items():
        parts.append(f'<text x="8" y="{top}" class="setting">{escape(setting)}</text>')
        for way, wall in ways.items():
            top += ROW
            length = (math.log(wall) - least) / (most - least) * (WIDTH - LEFT - RIGHT)
            colour = _COLOURS.get(way, _OTHER)
            parts.append(f'<text x="{LEFT - 8}" y="{top}" class="way">{escape(way)}</text>')
            parts.append(f'<rect x="{LEFT}" y="{top - 11}" width="{length:.1f}" height="13" fill="{colour}"/>')
            parts.append(f'<text x="{LEFT + length + 6:.1f}" y="{top}">{wall:.2f} s</text>')
        top += 2 * ROW
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}">',
            "<style>text{font:12px sans-serif}.way{text-anchor:end}.setting{font-weight:bold}</style>",
            f'<rect width="{WIDTH}" height="{top}" fill="#ffffff"/>',
            f'<text x="8" y="18">Ten commands on each host, median seconds (logarithmic): {escape(machine)}</text>',
            *parts,
            "</svg>\n",
        ]
    )
