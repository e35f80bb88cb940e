"""What every service shares: TLS, identity, policy, interceptors, errors, telemetry, server, client."""
