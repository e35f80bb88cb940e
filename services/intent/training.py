"""Training: from utterances, with vectors or without, to a calibrated model of known quality."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.intent.learning.held_out import (
    FOLDS,
    Evidence,
    HeldOut,
    judge_known,
    judge_novel,
    steps,
)
from services.intent.learning.meaning import fit_meaning
from services.intent.learning.weighing import Sample, fit_calibration
from services.intent.learning.words import fit_vectoriser, fit_words, matrix_of
from services.intent.model.calibration import Calibration, Shares
from services.intent.model.decision import UNKNOWN_THRESHOLD, decide
from services.intent.model.features import features
from services.intent.model.words import KINDS, WordsModel
from services.intent.near_exact import near_table
from services.intent.noise import vocabulary
from services.intent.quality import Judged, assess
from services.intent.trained_model import TrainedModel
from services.intent.training_data import TrainingData, Utterance, key
from services.intent.values import UNKNOWN, Candidate, IntentType
from services.language import detect, fold

Floats = npt.NDArray[np.float32]
Progress = Callable[[str, float], None]
"""Takes what is being done and the share of the whole that is, in [0, 1]."""

# How much texts of held-out intents weigh in calibration. They are nearer to the known intents than
# most of what customers ask for outside them, so they weigh less than such messages are frequent
# (5-15 %). By cross-validation one in 200 known texts is then called unknown, at 0.05 one in 80.
_UNKNOWN_SHARE = 0.025

_READING = "reading the utterances"
_MEASURING = "judging held-out utterances"
_LEARNING = "learning from all utterances"


@dataclass(frozen=True, slots=True)
class _Texts:
    """What calibration has to know of the utterances beside their scores."""

    labels: npt.NDArray[np.int64]
    """Place of each one's class."""
    languages: npt.NDArray[np.str_]
    """Of each."""
    unknown: int
    """Place of the unknown class."""


def train(
    data: TrainingData,
    vectors: Mapping[str, Floats],
    embedding_model: str,
    progress: Progress,
    unknown_threshold: float = UNKNOWN_THRESHOLD,
) -> TrainedModel:
    """Train a model. The same data and vectors give the same model.

    Args:
        data: Training data without problems: at least two intents.
        vectors: L2-normalised, all of one length, of every utterance by its text; or none, for a
            model that knows no vectors.
        embedding_model: What made the vectors; empty where there are none.
        progress: Is told how far the work is.
        unknown_threshold: `Thresholds.unknown` of the service, with which quality is measured.

    Raises:
        ValueError: Some utterances have a vector and others have none.
    """
    labelled = data.labelled()
    texts = [utterance.text for utterance, _ in labelled]
    if vectors and not all(text in vectors for text in texts):
        raise ValueError("vectors of some utterances are missing")
    types = {intent.name: intent.type for intent in data.intents} | {UNKNOWN: IntentType.UNKNOWN}
    classes = tuple(sorted(types))
    places = {name: place for place, name in enumerate(classes)}
    labels = np.array([places[label] for _, label in labelled])

    progress(_READING, 0.0)
    counted = [features(fold(text)) for text in texts]
    vectoriser = fit_vectoriser(counted, len(classes))
    matrix = matrix_of(vectoriser, counted)
    stacked = np.stack([vectors[text] for text in texts]) if vectors else None
    evidence = Evidence(matrix, stacked, labels, len(classes))
    known, novel = _judge(evidence, places[UNKNOWN], progress)
    about = _Texts(labels, np.array([str(detect(text)) for text in texts]), places[UNKNOWN])
    # The scores of the words alone, and those of words and vector together.
    paths = [KINDS] if stacked is None else [KINDS, known.scores.shape[2]]
    lexical, *combined = [_calibrate(known, novel, about, kinds) for kinds in paths]
    said = [labelled[row] for row in known.rows.tolist()]
    shares = [_shares(known, novel, about, kinds) for kinds in paths]
    by_class = [(name, types[name]) for name in classes]
    quality = assess(*(_judged(each, said, by_class, unknown_threshold) for each in shares))

    progress(_LEARNING, 0.95)
    return TrainedModel(
        classes=classes,
        types=types,
        entity_types=data.entity_types,
        exact={key(text): place for text, place in zip(texts, labels.tolist(), strict=True)},
        near=near_table(zip(texts, labels.tolist(), strict=True)),
        vocabulary=vocabulary(texts),
        words=WordsModel(vectoriser, *fit_words(matrix, labels, len(classes))),
        lexical=lexical,
        meaning=None if stacked is None else fit_meaning(stacked, labels, len(classes)),
        combined=combined[0] if combined else None,
        embedding_model=embedding_model if vectors else "",
        quality=quality,
    )


def _judge(evidence: Evidence, unknown: int, progress: Progress) -> tuple[HeldOut, HeldOut]:
    """Score held-out utterances and those of held-out intents, telling how far the work is."""
    models = steps(len(evidence.labels)) + 1
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        progress(_MEASURING, 0.05 + 0.9 * done / models)

    return judge_known(evidence, step), judge_novel(evidence, unknown, step)


def _calibrate(known: HeldOut, novel: HeldOut, texts: _Texts, kinds: int) -> Calibration:
    """Fit on the first kinds of scores, the novel texts counting as unknown."""
    rows = np.concatenate([known.rows, novel.rows])
    right = np.concatenate([texts.labels[known.rows], np.full(len(novel.rows), texts.unknown)])
    share = _UNKNOWN_SHARE if len(novel.rows) else 0.0
    importance = np.concatenate(
        [
            np.full(len(known.rows), (1 - share) / len(known.rows)),
            np.full(len(novel.rows), share / max(len(novel.rows), 1)),
        ]
    )
    scores = np.concatenate([known.scores[:, :, :kinds], novel.scores[:, :, :kinds]])
    return fit_calibration(Sample(scores, right, texts.languages[rows], importance), texts.unknown)


def _shares(known: HeldOut, novel: HeldOut, texts: _Texts, kinds: int) -> Iterator[Shares]:
    """Yield the probabilities of each known text, shape (classes,), on the first kinds of scores.

    By a calibration that was fitted on four fifths of the others, or confidence would be measured
    on the texts that it was made to fit.
    """
    folds = np.arange(len(known.rows)) % FOLDS
    fitted = [
        _calibrate(known.take(folds != fold), novel, texts, kinds)
        for fold in range(min(FOLDS, len(folds)))
    ]
    languages = texts.languages[known.rows]
    for own, scores, language in zip(folds, known.scores, languages, strict=True):
        yield fitted[own].probabilities(scores[None, :, :kinds], language, texts.unknown)[0]


def _judged(
    shares: Iterable[Shares],
    said: Iterable[tuple[Utterance, str]],
    classes: Sequence[tuple[str, IntentType]],
    threshold: float,
) -> list[Judged]:
    """Decide on texts as it will be done in service."""
    unknown = classes.index((UNKNOWN, IntentType.UNKNOWN))
    verdicts = []
    for each, (utterance, label) in zip(shares, said, strict=True):
        best, _ = decide(each, unknown, threshold, 0)
        predicted = Candidate(*classes[best.place], best.confidence)
        verdicts.append(Judged(utterance.text, label, utterance.language, predicted))
    return verdicts
