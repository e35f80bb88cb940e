"""`make bench-knowledge`: importing, indexing and searching of generated passages."""
