"""What services share: TLS, identity, policy, interceptors, errors, telemetry, server, client."""
