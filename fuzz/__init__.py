"""Campaigns that try to break the database."""

if __name__ != "memoradb.fuzz":
    raise ImportError("fuzz/ is the package memoradb.fuzz: write `import memoradb.fuzz`")
