"""Between the contract's messages about models and operations and the domain's values."""

from collections.abc import Sequence

from kefu.errors import InvalidRequest
from kefu.intent.v1 import model_pb2, training_pb2

from services.intent.data_messages import candidate_to, tenant_from
from services.intent.quality import Confusion, Figures, Quality
from services.intent.trainings.operation import Wish
from services.intent.versions.comparison import Change, Changed, Comparison
from services.intent.versions.models import Compared
from services.intent.versions.version import ModelVersion

_CHANGES = {each: model_pb2.ChangedUtterance.Change.Value(f"CHANGE_{each.name}") for each in Change}


def id_from(name: str) -> str:
    """Return the last part of a resource name."""
    return name.rpartition("/")[2]


def wish_from(request: training_pb2.TrainModelRequest) -> Wish:
    """Read how to train."""
    return Wish(activate=request.activate, lexical_only=request.lexical_only)


def model_to(version: ModelVersion) -> model_pb2.IntentModel:
    """Write a model version."""
    message = model_pb2.IntentModel(
        name=version.name, data_hash=version.data_hash, embedding_model=version.embedding_model,
        intent_count=len(version.intents), utterance_count=version.utterance_count,
        live=version.live, quality=quality_to(version.quality),
        train_seconds=version.train_seconds, size_bytes=version.size_bytes,
    )  # fmt: skip
    message.create_time.FromDatetime(version.create_time)
    return message


def quality_to(quality: Quality) -> model_pb2.ModelQuality:
    """Write how good a model is."""
    both = quality.with_embedding
    return model_pb2.ModelQuality(
        with_embedding=figures_to(both) if both else None,
        lexical=figures_to(quality.lexical),
        languages=[
            model_pb2.LanguageQuality(language_code=language, figures=figures_to(figures))
            for language, figures in sorted(quality.languages.items())
        ],
        confusions=map(_confusion_to, quality.confusions),
    )


def figures_to(figures: Figures) -> model_pb2.QualityFigures:
    """Write the figures of one path or language; what there was nothing to measure on is absent."""
    return model_pb2.QualityFigures(
        utterances=figures.utterances, accuracy=figures.accuracy, macro_f1=figures.macro_f1,
        unknown_recall=figures.unknown_recall, unknown_precision=figures.unknown_precision,
        calibration_error=figures.calibration_error,
    )  # fmt: skip


def changed_to(changed: Changed) -> model_pb2.ChangedUtterance:
    """Write an utterance on which two models disagree."""
    pair = changed.pair
    return model_pb2.ChangedUtterance(
        text=pair.text, intent=pair.intent, before=candidate_to(pair.before),
        after=candidate_to(pair.after), change=_CHANGES[changed.change],
    )  # fmt: skip


def _confusion_to(confusion: Confusion) -> model_pb2.Confusion:
    return model_pb2.Confusion(
        intent=confusion.intent, predicted=confusion.predicted, count=confusion.count,
        language_code=confusion.language, examples=confusion.examples,
    )  # fmt: skip


def compared_from(request: training_pb2.CompareModelsRequest) -> Compared:
    """Read what is compared.

    Raises:
        InvalidRequest: the versions belong to different tenants.
    """
    if tenant_from(request.base_name) != tenant_from(request.name):
        raise InvalidRequest(violations=[("base_name", "must be of the same tenant as name")])
    return Compared(
        tenant_from(request.name), id_from(request.base_name), id_from(request.name),
        tuple(request.texts),
    )  # fmt: skip


def comparison_to(
    comparison: Comparison, page: Sequence[Changed], next_page_token: str
) -> training_pb2.CompareModelsResponse:
    """Write a page of what differs."""
    return training_pb2.CompareModelsResponse(
        changes=map(changed_to, page), next_page_token=next_page_token,
        compared_count=comparison.compared, total_count=comparison.of,
        fixed_count=comparison.count(Change.FIXED),
        broken_count=comparison.count(Change.BROKEN), other_count=comparison.count(Change.OTHER),
    )  # fmt: skip
