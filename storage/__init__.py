"""Graph, vectors, text and log on one disk."""

if __name__ != "memoradb.storage":
    raise ImportError("storage/ is the package memoradb.storage: write `import memoradb.storage`")
