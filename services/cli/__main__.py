"""`python -m services.cli` is `kefu`."""

from services.cli.main import main

main()
