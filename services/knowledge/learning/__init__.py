"""What the ranking's scores are worth, learnt from questions to invented companies."""
