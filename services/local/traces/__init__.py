"""A small OTLP sink: keeps the spans of one machine's mesh, for `kefu trace`."""
