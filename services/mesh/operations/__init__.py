"""Work that takes longer than a call: it lives in the database and goes on without its caller.

`operation` is what everybody knows of such work, `runner` does it, `operation_store` keeps it in
the table `operations` of a service's own database, `messages` writes it as the contract has it.
"""
