"""What EXPLAIN and PROFILE say of a plan: gathered (``report``), as text (``text``), as plain maps (``tree``)."""
