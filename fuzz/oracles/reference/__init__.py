"""A second opinion: MemQL interpreted row by row over a plain Python graph.

Small, slow and direct from the openCypher specification. It shares with the engine what says what a statement *means*:
the grammar, the syntax tree, the binder (scopes, static types, compile-time errors), the scalar semantics of ``core``
and the declared scalar functions. It shares nothing of how the engine *finds* the answer: no logical plan, no rewrite
rule, no optimizer, no operator, no kernel, no storage. Where both agree on generated queries, a mistake must have been
made twice.

``interpreter`` is the entry; ``clauses``, ``projection``, ``matching``, ``updates`` and ``calls`` each interpret a
family of clauses, ``expressions`` and ``aggregates`` what stands in them; ``checks`` finds what is wrong before a row
is seen.
"""
