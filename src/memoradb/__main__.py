"""``python -m memoradb`` is the command ``memoradb``."""

from memoradb.cli.main import main

if __name__ == "__main__":
    main()
