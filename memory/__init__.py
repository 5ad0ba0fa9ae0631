"""An LLM's memory: so far the embedders that turn text into vectors."""

if __name__ != "memoradb.memory":
    raise ImportError("memory/ is the package memoradb.memory: write `import memoradb.memory`")
