"""How the database is reached: HTTP, wire, MCP."""

if __name__ != "memoradb.server":
    raise ImportError("server/ is the package memoradb.server: write `import memoradb.server`")
