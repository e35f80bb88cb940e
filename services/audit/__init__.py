"""The audit service: the tamper-evident record of who did what, kept 180 days."""
