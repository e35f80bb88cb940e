"""Review: what customers said that the live model was unsure of, for people to label."""
