"""A writer's private view: its snapshot, and its own changes on top, seen at once.

New elements take provisional slots above the snapshot's. Writes stay columnar (a batch of new nodes is one chunk);
reads pay only where a key, label or type has changes of its own. In the end all of it becomes a changeset by id.
"""

from .overlay import Overlay

__all__ = ["Overlay"]
