"""Repair of what was typed in haste: pinyin, slips of the hand, joined and broken words, emoji."""

from services.intent.noise.restorer import MAX_VOCABULARY, Restorer, vocabulary

__all__ = ["MAX_VOCABULARY", "Restorer", "vocabulary"]
