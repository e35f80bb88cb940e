"""Training: from utterances, with vectors or without, to a calibrated model of known quality."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from services.intent.learning.held_out import Evidence, HeldOut, judge_known, judge_novel, steps
from services.intent.learning.meaning import fit_meaning
from services.intent.learning.weighing import Sample, fit_calibration
from services.intent.learning.words import fit_vectoriser, fit_words, matrix_of
from services.intent.model.calibration import Calibration
from services.intent.model.decision import Thresholds, decide
from services.intent.model.features import features
from services.intent.model.words import KINDS, WordsModel
from services.intent.near_exact import near_table
from services.intent.noise import vocabulary
from services.intent.quality import Judged, Quality, assess
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


def train(
    data: TrainingData, vectors: Mapping[str, Floats], embedding_model: str, progress: Progress
) -> TrainedModel:
    """Train a model. The same data and vectors give the same model.

    Args:
        data: Training data without problems: at least two intents.
        vectors: L2-normalised, all of one length, of every utterance by its text; or none, for a
            model that knows no vectors.
        embedding_model: What made the vectors; empty where there are none.
        progress: Is told how far the work is.

    Raises:
        ValueError: Some utterances have a vector and others have none.
    """
    labelled = data.labelled()
    texts = [utterance.text for utterance, _ in labelled]
    if vectors and not all(text in vectors for text in texts):
        raise ValueError("vectors of some utterances are missing")
    classes = tuple(sorted({UNKNOWN, *(intent.name for intent in data.intents)}))
    places = {name: place for place, name in enumerate(classes)}
    labels = np.array([places[label] for _, label in labelled])
    types = {intent.name: intent.type for intent in data.intents} | {UNKNOWN: IntentType.UNKNOWN}

    progress(_READING, 0.0)
    counted = [features(fold(text)) for text in texts]
    vectoriser = fit_vectoriser(counted, len(classes))
    matrix = matrix_of(vectoriser, counted)
    stacked = np.stack([vectors[text] for text in texts]) if vectors else None
    evidence = Evidence(matrix, stacked, labels, len(classes))
    known, novel = _judge(evidence, places[UNKNOWN], progress)
    languages = np.array([str(detect(text)) for text in texts])
    lexical = _calibrate(known, novel, labels, languages, places[UNKNOWN], KINDS)
    combined = None
    if stacked is not None:
        combined = _calibrate(
            known, novel, labels, languages, places[UNKNOWN], known.scores.shape[2]
        )
    quality = _measure(known, labelled, languages, classes, types, (lexical, combined))

    progress(_LEARNING, 0.95)
    weights, bias = fit_words(matrix, labels, len(classes))
    return TrainedModel(
        classes=classes,
        types=types,
        entity_types=data.entity_types,
        exact={key(text): place for text, place in zip(texts, labels.tolist(), strict=True)},
        near=near_table(zip(texts, labels.tolist(), strict=True)),
        vocabulary=vocabulary(texts),
        words=WordsModel(vectoriser, weights, bias),
        lexical=lexical,
        meaning=None if stacked is None else fit_meaning(stacked, labels, len(classes)),
        combined=combined,
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


def _calibrate(
    known: HeldOut,
    novel: HeldOut,
    labels: npt.NDArray[np.int64],
    languages: npt.NDArray[np.str_],
    unknown: int,
    kinds: int,
) -> Calibration:
    """Fit on the first kinds of scores, the novel texts counting as `unknown`."""
    rows = np.concatenate([known.rows, novel.rows])
    right = np.concatenate([labels[known.rows], np.full(len(novel.rows), unknown)])
    share = _UNKNOWN_SHARE if len(novel.rows) else 0.0
    importance = np.concatenate(
        [
            np.full(len(known.rows), (1 - share) / len(known.rows)),
            np.full(len(novel.rows), share / max(len(novel.rows), 1)),
        ]
    )
    scores = np.concatenate([known.scores[:, :, :kinds], novel.scores[:, :, :kinds]])
    return fit_calibration(Sample(scores, right, languages[rows], importance), unknown)


def _measure(
    known: HeldOut,
    labelled: Sequence[tuple[Utterance, str]],
    languages: npt.NDArray[np.str_],
    classes: tuple[str, ...],
    types: Mapping[str, IntentType],
    calibrations: tuple[Calibration, Calibration | None],
) -> Quality:
    """Judge the held-out utterances on both paths as they will be judged in service."""
    unknown = classes.index(UNKNOWN)

    def judged(calibration: Calibration) -> list[Judged]:
        kinds = len(calibration.weights)
        verdicts = []
        for row, scores in zip(known.rows.tolist(), known.scores, strict=True):
            utterance, label = labelled[row]
            shares = calibration.probabilities(scores[None, :, :kinds], languages[row], unknown)[0]
            best, _ = decide(shares, unknown, Thresholds().unknown, 0)
            name = classes[best.place]
            predicted = Candidate(name, types[name], best.confidence)
            verdicts.append(Judged(utterance.text, label, utterance.language, predicted))
        return verdicts

    lexical, combined = calibrations
    return assess(judged(lexical), judged(combined) if combined else None)
