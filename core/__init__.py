"""Values, semantics, ids, errors, clocks and codecs: what storage and language share."""

if __name__ != "memoradb.core":
    raise ImportError("core/ is the package memoradb.core: write `import memoradb.core`")
