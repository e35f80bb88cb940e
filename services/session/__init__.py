"""The conversation: turns, dialogue state machine, slots, who answers."""
