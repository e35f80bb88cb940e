"""`python -m services.encoder`: convert the embedding model now, and not at the first start."""

import sys

from services.encoder.conversion import NAME, ConversionFailed, directory, ensure


def main() -> None:
    """Make the model's files, or find them intact; exit status 1 with the reason if that fails."""
    try:
        folder = ensure(directory())
    except ConversionFailed as error:
        sys.exit(f"{NAME} cannot be made: {error}")
    sys.stdout.write(f"{NAME} is in {folder}\n")


if __name__ == "__main__":
    main()
