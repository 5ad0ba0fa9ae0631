"""What MemQL looks like: the grammar, its words and its saved tables. Text, no code."""

if __name__ != "memoradb.grammar":
    raise ImportError("grammar/ is the package memoradb.grammar: write `import memoradb.grammar`")
