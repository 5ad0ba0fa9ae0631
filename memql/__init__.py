"""The query language: from text to rows."""

if __name__ != "memoradb.memql":
    raise ImportError("memql/ is the package memoradb.memql: write `import memoradb.memql`")
