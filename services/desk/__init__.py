"""The desk service: tickets, what people have to do for customers."""
