"""A model's quality as people read it: figures by path and language, confusions with examples."""

from kefu.intent.v1 import model_pb2 as pb
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.cli.tables import columns

SHOWN_CONFUSIONS = 15
"""The worst; behind them come pairs that happened once."""

SHOWN_EXAMPLES = 3
"""Of each confusion."""


def best_figures(quality: pb.ModelQuality) -> pb.QualityFigures:
    """Return the figures of the path on which the model answers best: with vectors if it can."""
    if quality.HasField("with_embedding"):
        return quality.with_embedding
    return quality.lexical


def show_quality(model: pb.IntentModel, console: Console) -> None:
    """Print what cross-validation found, and where to write more utterances."""
    quality = model.quality
    state = " (in service)" if model.live else ""
    console.print(
        f"{model.name}{state}: {model.intent_count} intents, {model.utterance_count} utterances,"
        f" trained in {model.train_seconds:.1f} s",
        markup=False,
    )
    shown = columns(
        "", "utterances", "accuracy", "macro F1", "unknown recall", "unknown precision", "ECE"
    )
    if quality.HasField("with_embedding"):
        _add(shown, "with vectors", quality.with_embedding)
    _add(shown, "words only", quality.lexical)
    for each in quality.languages:
        _add(shown, each.language_code, each.figures)
    console.print(shown)
    if not quality.confusions:
        return
    console.print("\nWorth fixing: add utterances that tell these apart", style="bold")
    confused = columns("meant", "taken for", "times", "language", "such as")
    for pair in quality.confusions[:SHOWN_CONFUSIONS]:
        examples = Text(" | ".join(pair.examples[:SHOWN_EXAMPLES]))
        confused.add_row(pair.intent, pair.predicted, str(pair.count), pair.language_code, examples)
    console.print(confused)


def _add(table: Table, name: str, figures: pb.QualityFigures) -> None:
    table.add_row(
        name,
        str(figures.utterances),
        f"{figures.accuracy:.1%}",
        f"{figures.macro_f1:.1%}",
        f"{figures.unknown_recall:.1%}" if figures.HasField("unknown_recall") else "-",
        f"{figures.unknown_precision:.1%}" if figures.HasField("unknown_precision") else "-",
        f"{figures.calibration_error:.3f}",
    )
