"""How many model calls the mesh saves where customers ask the same things again and again."""
