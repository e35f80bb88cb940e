"""How a model is trained; needed by the process that trains, not by the one that answers."""
