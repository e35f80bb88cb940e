"""Sentiment: polarity of utterances and the mood of a conversation, Chinese, English and mixed."""
