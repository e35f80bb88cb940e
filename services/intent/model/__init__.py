"""The trained model as plain arrays, quick enough for the middle of a conversation."""
