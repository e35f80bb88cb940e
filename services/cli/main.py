"""The entry point of `kefu`: finds the command's module, and says every failure in one line.

Exit status: 0 done; 1 the answer is no (denied, not verified, not running); 2 wrong usage;
3 something on this machine is in the way; 4 a service refused or failed the call; 130 interrupted.
"""

import sys
from collections.abc import Sequence
from importlib import import_module

import typer

EXIT_PROBLEM = 3
EXIT_CALL_FAILED = 4
EXIT_INTERRUPTED = 130

MODULES = {
    "up": "lifecycle",
    "down": "lifecycle",
    "status": "lifecycle",
    "chat": "talk",
    "ask": "talk",
    "demo": "demo",
    "knowledge": "knowledge",
    "intent": "intent",
    "eval": "evaluation",
    "trace": "trace",
    "audit": "audit",
    "certs": "certs",
    "policy": "policy",
    "usage": "usage",
}
"""Module of each command. Only the one that is asked for is imported: grpc, the database client
and the rest cost most of a second together, and `kefu status` needs none of them."""


def build(arguments: Sequence[str]) -> typer.Typer:
    """Make the command line with the commands that the arguments ask for; with all for help."""
    app = typer.Typer(
        name="kefu",
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        help="Kefu, customer service as a mesh of services, on this machine.",
    )
    app.callback()(_kefu)
    asked = [MODULES[word] for word in arguments[:1] if word in MODULES]
    for module in asked or dict.fromkeys(MODULES.values()):
        import_module(f"services.cli.{module}").register(app)
    return app


def _kefu() -> None:
    """Keep commands as commands even where only one module is imported."""


def main() -> None:
    """Run the command of this process's arguments and exit."""
    arguments = sys.argv[1:]
    try:
        build(arguments)(args=arguments)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except Exception as error:
        status = explain(error)
        if status is None:
            raise
        sys.exit(status)


def explain(error: Exception) -> int | None:
    """Say what happened and what to do on standard error; return the exit status.

    None means that the error is none of those that a person can do something about.
    """
    from kefu.errors import KefuError

    from services.local.problem import Problem

    if isinstance(error, Problem):
        print(f"kefu: {error.what}\n      {error.remedy}", file=sys.stderr)
        return EXIT_PROBLEM
    if isinstance(error, KefuError):
        reason = error.reason or error.code.name
        retry = "\n      the same command may be tried again" if error.retryable else ""
        trace = f"\n      kefu trace {error.trace_id}" if error.trace_id else ""
        print(f"kefu: {error.message} ({reason}){retry}{trace}", file=sys.stderr)
        return EXIT_CALL_FAILED
    return None


if __name__ == "__main__":
    main()
