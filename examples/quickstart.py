"""The smallest useful program: remember two facts in memory, and ask how they hang together.

python examples/quickstart.py
"""

import memoradb


def main() -> None:
    """Make a graph, and ask it."""
    with memoradb.open() as db:
        db.execute("CREATE (:Person {name: 'Ada'})-[:KNOWS]->(:Person {name: 'Bo'})-[:KNOWS]->(:Person {name: 'Cy'})")
        for name, hops in db.execute(
            "MATCH path = (:Person {name: $name})-[:KNOWS*]->(p) RETURN p.name, length(path) ORDER BY length(path)",
            {"name": "Ada"},
        ):
            print(f"Ada reaches {name} in {hops} step{'' if hops == 1 else 's'}")


if __name__ == "__main__":
    main()
