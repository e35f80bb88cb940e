"""A real PostgreSQL for what is shared about storage."""

from tests.support.postgres import database_url

__all__ = ["database_url"]
