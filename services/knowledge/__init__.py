"""The knowledge service: documents and FAQs in, the passages that answer a question out."""
