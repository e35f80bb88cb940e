"""How well models do, as a metric: of the one in service, and of the one that was trained last."""

from prometheus_client import Gauge

from services.intent.quality import Quality
from services.mesh import names

ALL_LANGUAGES = "all"
"""The label of the accuracy over all languages."""

LIVE_MODEL = "live"
"""The label of the model that answers here; the alert watches it."""

TRAINED_MODEL = "trained"
"""The label of the model that this process trained last, as `kefu intent evaluate` shows it."""

_ACCURACY = Gauge(
    names.INTENT_ACCURACY,
    "Cross-validated accuracy in [0, 1] of the model in service (live) and of the one that this "
    "process trained last (trained).",
    ["tenant", "model", "language"],
)
_told: dict[tuple[str, str], set[str]] = {}


def tell(tenant: str, model: str, quality: Quality) -> None:
    """Write a model's figures; languages that are gone leave no old figure.

    Args:
        tenant: Its id.
        model: `LIVE_MODEL` or `TRAINED_MODEL`.
        quality: The figures.
    """
    figures = {language: each.accuracy for language, each in quality.languages.items()}
    figures[ALL_LANGUAGES] = quality.best.accuracy
    for language in _told.get((tenant, model), set()) - figures.keys():
        _ACCURACY.remove(tenant, model, language)
    for language, accuracy in figures.items():
        _ACCURACY.labels(tenant, model, language).set(accuracy)
    _told[tenant, model] = set(figures)
