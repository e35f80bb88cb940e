"""The services of Kefu, one folder and one process each.

grpcio has no switch for the lowest TLS version. Our leaves are ECDSA, so a list of ECDHE-RSA suites
leaves TLS 1.2 without a shared cipher, while the suites of TLS 1.3 are not governed by the list.
grpc reads the variables once, when it is imported, hence they are set here, in the first module
that any process of ours imports; `services.mesh.tls.probe` proves at every start that it worked.
"""

import os

os.environ["GRPC_SSL_CIPHER_SUITES"] = "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256"
# A fork after grpc's threads have started hangs sooner or later; nothing here forks.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"
# Refused handshakes are reported by our own metrics; grpc would print each to standard error.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
