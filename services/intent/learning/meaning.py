"""Fits the model over embeddings: a small network, and typical examples of each class."""

import warnings

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from services.intent.model.meaning import LEAST_LOG_SHARE, MeaningModel, centred_on

Labels = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

# Centred vectors are of length 1, their values about 0.05: enlarged, the network learns from the
# start. All of these lie on a plateau of cross-validation.
_SCALE = 8.0
_UNITS = 256
_DECAY = 0.1
_EPOCHS = 25

# Several networks that began otherwise, averaged, are steadier where utterances are few; where
# they are many, one network sees enough, and larger steps are as good and quicker.
_MANY_UTTERANCES = 5_000
_NETWORKS = 3

# Typical examples of all classes together: 6 MB, read once an answer. Where the utterances are no
# more than that, all of them are kept.
_MOST_PROTOTYPES = 4_000
_ROUNDS = 8

_SEED = 7


def fit_meaning(vectors: Floats, labels: Labels, classes: int) -> MeaningModel:
    """Train on the vectors of utterances.

    Args:
        vectors: L2-normalised, shape (n, dimensions).
        labels: Number of each row's class.
        classes: How many there are, those without a row included.
    """
    centre = vectors.mean(axis=0)
    centred = centred_on(centre, vectors)
    many = len(labels) > _MANY_UTTERANCES
    networks = [_network(centred, labels, many, seed) for seed in range(1 if many else _NETWORKS)]
    # The average of the networks' logits is one network with all their units side by side.
    weights = np.vstack([each.coefs_[1] for each in networks]) / len(networks)
    bias = np.mean([each.intercepts_[1] for each in networks], axis=0)
    present = networks[0].classes_[-len(bias) :]  # of two, the first has no output: it is 0
    output = np.zeros((len(weights), classes), np.float32)
    output_bias = np.full(classes, LEAST_LOG_SHARE, np.float32)
    output_bias[networks[0].classes_] = 0
    output[:, present] = weights
    output_bias[present] = bias
    most = _most_of_a_class(np.bincount(labels, minlength=classes))
    prototypes = [_typical(centred[labels == each], most) for each in range(classes)]
    return MeaningModel(
        centre=centre,
        hidden=np.hstack([each.coefs_[0] for each in networks]) * np.float32(_SCALE),
        hidden_bias=np.hstack([each.intercepts_[0] for each in networks]),
        output=output,
        output_bias=output_bias,
        prototypes=np.vstack(prototypes),
        starts=np.cumsum([0, *map(len, prototypes)]),
    )


def _network(centred: Floats, labels: Labels, many: bool, seed: int) -> MLPClassifier:
    network = MLPClassifier(
        (_UNITS,),
        alpha=_DECAY,
        batch_size=min(len(labels), 256 if many else 64),
        learning_rate_init=0.002 if many else 0.001,
        max_iter=_EPOCHS,
        random_state=_SEED + seed,
    )
    with warnings.catch_warnings():
        # It stops while still learning: the early stop is part of the regularisation.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return network.fit(centred * np.float32(_SCALE), labels)


def _most_of_a_class(sizes: Labels) -> int:
    """Find how many prototypes of a class keep all together within the limit."""
    most = int(sizes.max())
    while most > 1 and np.minimum(sizes, most).sum() > _MOST_PROTOTYPES:
        most -= max(1, most // 20)
    return most


def _typical(members: Floats, most: int) -> Floats:
    """Find the centres of a class by spherical k-means (Dhillon and Modha 2001)."""
    if len(members) <= most:
        return members
    centres = members[np.random.default_rng(_SEED).permutation(len(members))[:most]]
    for _ in range(_ROUNDS):
        nearest = (members @ centres.T).argmax(axis=1)
        sums = np.zeros_like(centres)
        np.add.at(sums, nearest, members)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.where(lengths > 0, sums / np.maximum(lengths, 1e-12), centres)
    return centres
