"""Model versions: kept, put into service on every replica, gone back to, compared."""
