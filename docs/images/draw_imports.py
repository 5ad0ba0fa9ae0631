"""Draw ``asyncio-imports.svg``: the modules that reach ``asyncio`` within three imports.

    python docs/images/draw_imports.py [DATABASE]

DATABASE is a directory that ``memoradb sample python`` filled; without it the sample is loaded in memory first. The
answer, and so the picture, depends on the Python that read its own library.
"""

from __future__ import annotations

import sys
from pathlib import Path
from xml.sax.saxutils import escape

import memoradb

QUERY = """
MATCH p = allShortestPaths((m:Module)-[:IMPORTS*1..3]->(a:Module {name: $name}))
WHERE m <> a
UNWIND range(0, length(p) - 1) AS i
RETURN DISTINCT nodes(p)[i].name AS module, nodes(p)[i + 1].name AS imported, length(p) - i AS distance
ORDER BY distance, module, imported
"""
TARGET = "asyncio"
PAPER = "#fbfaf7"
COLOURS = {0: "#1f4e5f", 1: "#3a8fb7", 2: "#e0a458", 3: "#c8553d"}
WIDTH, TOP, ROW = 940, 76, 19
COLUMNS = {3: 150, 2: 370, 1: 640, 0: 850}
TITLES = {3: "three imports away", 2: "two", 1: "one", 0: ""}


def draw(edges: list[tuple[str, str, int]]) -> str:
    """The picture of (module, imported module, distance of the first) as SVG."""
    layers: dict[int, list[str]] = {0: [TARGET]}
    for module, _, distance in edges:
        names = layers.setdefault(distance, [])
        if module not in names:
            names.append(module)
    # Modules of the package itself stand together, below those that come from elsewhere.
    layers[1].sort(key=lambda name: (name.startswith(f"{TARGET}."), name))
    tallest = max(map(len, layers.values()))
    height = TOP + tallest * ROW + 24
    place: dict[str, tuple[float, float]] = {}
    for distance, names in layers.items():
        start = TOP + (tallest - len(names)) * ROW / 2
        if distance in (2, 3):
            start = TOP + (0 if distance == 3 else 3 * ROW)
        for i, name in enumerate(names):
            place[name] = (COLUMNS[distance], start + i * ROW + ROW / 2)
    version = ".".join(map(str, sys.version_info[:2]))
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'font-family="ui-sans-serif, Helvetica, Arial, sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" rx="10" fill="{PAPER}" stroke="#e4e0d8"/>',
        '<text x="24" y="32" font-size="15" font-weight="600" fill="#24313a">'
        f"The modules of Python {version} that reach asyncio within three imports</text>",
    ]
    for distance, title in TITLES.items():
        if title and distance in layers:
            lines.append(f'<text x="{COLUMNS[distance]}" y="60" text-anchor="middle" fill="#8a8478">{title}</text>')
    for module, imported, distance in edges:
        (x1, y1), (x2, y2) = place[module], place[imported]
        x1, x2 = x1 + 8, x2 - 8
        bend = (x2 - x1) / 2
        own = module.startswith(f"{TARGET}.")
        lines.append(
            f'<path d="M{x1:.0f} {y1:.1f} C{x1 + bend:.0f} {y1:.1f} {x2 - bend:.0f} {y2:.1f} {x2:.0f} {y2:.1f}" '
            f'fill="none" stroke="{COLOURS[distance]}" stroke-opacity="{0.28 if own else 0.75}" '
            f'stroke-width="{1 if own else 1.5}"/>'
        )
    for name, (x, y) in place.items():
        distance = next(d for d, names in layers.items() if name in names)
        radius = 7 if distance == 0 else 4
        lines.append(f'<circle cx="{x}" cy="{y:.1f}" r="{radius}" fill="{COLOURS[distance]}"/>')
        anchor, dx = ("start", 12) if distance == 0 else ("end", -10)
        weight = ' font-weight="600"' if distance == 0 else ""
        lines.append(
            f'<text x="{x + dx}" y="{y + 4:.1f}" text-anchor="{anchor}"{weight} fill="#24313a" '
            f'stroke="{PAPER}" stroke-width="5" paint-order="stroke" stroke-linejoin="round">{escape(name)}</text>'
        )
    return "\n".join([*lines, "</svg>", ""])


def main() -> None:
    """Ask, and draw."""
    if len(sys.argv) > 1:
        database = memoradb.open(sys.argv[1], create=False)
    else:
        from memoradb.sample.python_library import load

        database = memoradb.open()
        load(database)
    with database:
        edges = [tuple(row) for row in database.execute(QUERY, {"name": TARGET})]
    Path(__file__).with_name("asyncio-imports.svg").write_text(draw(edges), "utf-8")


if __name__ == "__main__":
    main()
