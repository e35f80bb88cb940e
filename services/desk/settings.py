"""The desk service's settings, from the environment (`KEFU_...`)."""

from services.mesh.settings import ServiceSettings


class Settings(ServiceSettings):
    """What the desk service needs beside what every service has."""

    database_url: str
    """libpq URL of the database that holds the tickets."""
