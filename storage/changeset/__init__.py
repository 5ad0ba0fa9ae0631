"""What a transaction becomes, and the two forms in which the log holds it."""

from .changeset import Changeset, NewNodes, NewRelationships, SetLabels, SetProperties
from .codec import FORMAT, decode, encode

__all__ = [
    "FORMAT",
    "Changeset",
    "NewNodes",
    "NewRelationships",
    "SetLabels",
    "SetProperties",
    "decode",
    "encode",
]
