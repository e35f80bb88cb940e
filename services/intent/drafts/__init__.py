"""Drafts: what a company's training data is until a model is made of it."""
