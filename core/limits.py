"""Every limit of the system: its name, unit and reason. Reaching one is a clear error, never a crash."""

from typing import Final

# --- text --------------------------------------------------------------------

QUERY_TEXT_MAX: Final = 1 << 20
"""Characters of one statement: the largest hand-written ones have a few thousand; data belongs in parameters."""

NESTING_DEPTH_MAX: Final = 100
"""Brackets and prefix operators open at once: keeps recursive passes far from Python's own limit."""

PATTERN_ELEMENTS_MAX: Final = 2_000
"""Nodes and relationships of one pattern that CREATE or MERGE makes."""

MATCH_RELATIONSHIPS_MAX: Final = 200
"""Relationships in one MATCH: planning their order takes about a second for so many, and grows with the cube."""

STATEMENT_RELATIONSHIPS_MAX: Final = 400
"""Relationships in all MATCH clauses of one statement: its plan is about as deep, and Python's calls are bounded."""

TOKENS_MAX: Final = 200_000
"""Tokens of one statement: bounds parse time to some hundreds of milliseconds."""

PARAMETERS_MAX: Final = 100_000
"""Parameters of one statement."""

# --- values ------------------------------------------------------------------

VALUE_DEPTH_MAX: Final = 100
"""Lists and maps inside each other, in parameters, stored values and on the wire."""

LIST_LENGTH_MAX: Final = 50_000_000
"""Elements that ``range()`` and list arithmetic may make."""

STRING_LENGTH_MAX: Final = 256 << 20
"""Characters that string functions may make."""

PROPERTY_KEY_MAX: Final = 65_535
"""Bytes of a label, type or property key."""

VECTOR_DIMENSIONS_MAX: Final = 4_096
"""As in Neo4j."""

KNN_K_MAX: Final = 10_000
"""Neighbours one vector search may be asked for."""

# --- execution ---------------------------------------------------------------

BATCH_ROWS: Final = 16_384
"""Rows in a batch: its columns stay in the second-level cache."""

EXPAND_ROWS_MAX: Final = 32_768
"""Rows that one expand step may make before it hands them on."""

KERNEL_ROWS_MIN: Final = 64
"""Below this many rows a list of Python values is faster than an array (measured crossover)."""

QUERY_MEMORY_BYTES: Final = 4 << 30
"""What one statement may hold in sorts, groups, joins and barriers, in bytes of arrays and Python objects."""

SPILL_SHARE: Final = 4
"""A sort, aggregation, DISTINCT or join that holds more than this part (a fourth) of the memory that the rest of its
statement leaves goes on in a temporary file: sorting what it holds takes that much twice more."""

QUERY_DISK_BYTES: Final = 64 << 30
"""What one statement may have in temporary files."""

SORT_RUN_ROWS: Final = 65_536
"""Rows that one step of a sort or grouping handles: some 10 ms, so that a cancelled statement stops soon."""

VAR_LENGTH_HOPS_MAX: Final = 10_000
"""Upper bound of a variable length that may be written."""

CHEAPEST_PATHS_MAX: Final = 1_000
"""Paths that ``db.path.kCheapest`` may be asked for: each takes a search for every relationship of the one before."""

PLAN_CACHE_ENTRIES: Final = 1_000
"""Plans kept at each level."""

PLAN_CACHE_TEXT_BYTES: Final = 100_000
"""Longer texts are planned anew each time."""

# --- storage -----------------------------------------------------------------

SEGMENT_BYTES: Final = 16 << 20
"""A log segment is full before it would grow beyond this; a record that is larger gets a segment of its own."""

SEGMENT_BYTES_FIRST: Final = 256 << 10
"""The first log segment's size; each is twice as large as the one before, up to the size above."""

RECORD_BYTES_MAX: Final = 1 << 30
"""Payload of one log record."""

DISK_RESERVE_BYTES: Final = 64 << 20
"""Free bytes of the disk, or an eighth of a small one, that only deletes may use: below them all other writes fail."""

CHECKPOINT_LOG_BYTES: Final = 256 << 20
"""Log written since the last checkpoint that makes the next one due."""

CHECKPOINT_LOG_RECORDS: Final = 131_072
"""Positions of the log since the last checkpoint that make the next one due. Replaying small transactions takes 5 to 6
us each, so that any state of the past, and opening after a crash, is at most about 0.8 s of replay away."""

HISTORY_VIEW_BYTES: Final = 256 << 20
"""States of the past that are kept for the next who asks: the bytes of their own, beyond what is mapped from files."""

DECODED_CACHE_BYTES: Final = 128 << 20
"""Values of an opened database that have no array of their own (long strings, lists, maps), decoded from its files."""

COLD_CACHE_BYTES: Final = 64 << 20
"""Parts of compressed checkpoint files that stay decompressed for the next who reads them."""

HISTORY_MEMORY_BYTES: Final = 64 << 20
"""Changesets that a database without a path keeps, so that its past can be read."""

HISTORY_MARK_RECORDS: Final = 1_024
"""Records of the log from one remembered place to the next: what a look-up by transaction or time reads at most."""

DELTA_EDGES_MAX: Final = 262_144
"""Relationships in the chained delta before it is folded into the base."""

UNDO_BYTES_MAX: Final = 512 << 20
"""Undo kept for old snapshots; a reader older than that fails with SnapshotTooOld."""

UNDO_AGE_MS_MAX: Final = 60 * 60 * 1000
"""Likewise by age: who reads at one snapshot for longer than an hour has most likely forgotten about it."""

MISFIT_FRACTION: Final = 0.01
"""Share of a typed column that may be of another type before the column becomes a list column."""

HNSW_ROWS_MIN: Final = 8_192
"""Vectors a segment needs before a graph pays; fewer are scanned exactly."""

IMPORT_RECORD_BYTES_MAX: Final = 64 << 20
"""One line, record or element of an imported file: what is longer is rather a quote that nobody closed."""

# --- server ------------------------------------------------------------------

HTTP_BODY_BYTES_MAX: Final = 64 << 20
"""Body of one HTTP request."""

FRAME_BYTES_MAX: Final = 64 << 20
"""Payload of one frame of the wire protocol."""

CONNECTIONS_MAX: Final = 4_096
"""Open connections of one server."""

QUERY_TIMEOUT_MS: Final = 120_000
"""Default time limit of a served statement."""

MCP_ROWS_MAX: Final = 1_000
"""Rows that the MCP query tool returns at most."""
