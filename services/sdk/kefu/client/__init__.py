"""The thin client: a conversation with Kefu in ten lines.

    async with connect("127.0.0.1:4433", cert="cert.pem", key="key.pem", ca="ca.pem") as kefu:
        session = await kefu.create_session("tenants/shop")
        async for event in kefu.converse(session.name, "我的订单到哪了？"):
            print(event.delta.text, end="")

It adds to the generated stubs what every caller needs: TLS, a deadline, the retry table, typed
errors, and a stream that goes on after the connection breaks.
"""

from kefu.client.client import Client, connect

__all__ = ["Client", "connect"]
