"""Trainings: operations that live in the database, and the process that does their work."""
