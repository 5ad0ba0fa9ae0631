"""The past: any state that is still kept, and what led from one to the next."""

from .history import History
from .records import Commit
from .versions import Version

__all__ = ["Commit", "History", "Version"]
