"""Settings that must precede the first import of grpc."""

import services  # noqa: F401 (it limits grpc to TLS 1.3, which grpc reads once)
