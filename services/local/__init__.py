"""The one-machine default: embedded PostgreSQL and Valkey, throwaway CA, process supervisor."""
