"""The intent service: what the customer wants, and what she names while saying it."""
