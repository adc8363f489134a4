"""Loss terms by name; a stage's loss is a weighted sum of them (SoundCLR, equation 4: alpha and 1 - alpha).

A new term is a class here, entered in :data:`TERMS`, and a line of params.yaml's ``defaults.loss``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from soundclr.params import RunSettings, StageSettings
from soundclr.params.entries import Entry, entry_of

if TYPE_CHECKING:  # params.yaml is checked without torch, which takes seconds to import
    import torch
    from torch import Tensor, nn

UNLABELLED = -1
ANCHORS_AT_ONCE = 2048  # that are compared with all rows: of 10,000 held-out clips in two views 0.2 GB a matrix

Temperature = Annotated[float, Field(gt=0)]


@dataclass(frozen=True)
class Outputs:
    """What a network makes of a batch: a row for each view of each clip, all clips' first views, then their second ...

    ``embeddings`` (rows, size), ``logits`` (rows, classes); ``labels`` (rows,) from 0, or -1 for a clip without one;
    ``clips`` (rows,): which clip a row is a view of. A clip may come twice, so rows are paired by :meth:`by_view`.
    ``class_clips`` (classes,): how many labelled training clips each class has.
    """

    embeddings: Tensor
    logits: Tensor
    labels: Tensor
    clips: Tensor
    views: int = 1
    class_clips: Tensor | None = None

    def by_view(self, rows: Tensor) -> Tensor:
        """One of the tensors, (rows, ...), as (views, clips, ...): ``first, second = outputs.by_view(embeddings)``."""
        return rows.unflatten(0, (self.views, -1))

    @classmethod
    def joined(cls, batches: Sequence[Outputs]) -> Outputs:
        """Several batches of the same number of views as one."""
        import torch

        def rows(name: str) -> Tensor:
            return torch.cat([batch.by_view(getattr(batch, name)) for batch in batches], dim=1).flatten(0, 1)

        of_rows = {name: rows(name) for name in ("embeddings", "logits", "labels", "clips")}
        return cls(**of_rows, views=batches[0].views, class_clips=batches[0].class_clips)


class Term(Entry):
    """A loss of a batch: a scalar in float32. ``reads`` is the head that it learns through, of ``least_views``."""

    reads: ClassVar[Literal["projection", "classifier"]]
    least_views: ClassVar[int] = 1
    needs_labels: ClassVar[bool] = True

    def __call__(self, outputs: Outputs) -> Tensor:
        """The loss of ``outputs``."""
        raise NotImplementedError

    def module(self, size: int, classes: int) -> nn.Module | None:
        """For a loss with parameters, as ArcFace or proxies: what is called on outputs in its place, and learns.

        ``size`` is that of an embedding, ``classes`` how many classes there are. It learns at the heads' rate and is in
        the checkpoint; it belongs to one stage of training, and is not in the trained model.
        """
        return None


class CrossEntropy(Term):
    """Cross-entropy of the logits, the mean over the rows with a label; 0 where there is none.

    With balanced class weights each row counts in inverse proportion to its class's training clips, so that rare
    classes weigh as much as common ones (scikit-learn's ``class_weight="balanced"``).
    """

    reads = "classifier"
    class_weights: Literal["balanced"] | None = None

    def __call__(self, outputs: Outputs) -> Tensor:
        """The loss of ``outputs``."""
        import torch
        from torch.nn.functional import cross_entropy

        labels, labelled = outputs.labels, outputs.labels != UNLABELLED
        logits = outputs.logits.float()
        if self.class_weights is None:
            return cross_entropy(logits, labels, ignore_index=UNLABELLED, reduction="sum") / labelled.sum().clamp(min=1)
        assert outputs.class_clips is not None
        weights = balanced_weights(outputs.class_clips)
        total = cross_entropy(logits, labels, weights, ignore_index=UNLABELLED, reduction="sum")
        return total / (weights[labels.clamp(min=0)] * labelled).sum().clamp(min=torch.finfo(torch.float32).tiny)


def balanced_weights(class_clips: Tensor) -> Tensor:
    """Balanced weights (classes,) of classes with so many clips: clips / (classes * clips of the class); 0 without any.

    >>> import torch
    >>> balanced_weights(torch.tensor([6, 2, 0]))
    tensor([0.4444, 1.3333, 0.0000])
    """
    counts = class_clips.float()
    return (counts.sum() / (len(counts) * counts)).masked_fill(counts == 0, 0.0)


class SupCon(Term):
    """Supervised contrastive loss (Khosla et al. 2020, the sum over positives outside the log) of the labelled rows."""

    reads = "projection"
    temperature: Temperature

    def __call__(self, outputs: Outputs) -> Tensor:
        """The loss of ``outputs``."""
        return contrastive(outputs.embeddings, outputs.labels, self.temperature)


class NTXent(Term):
    """Normalised temperature-scaled cross-entropy (Chen et al. 2020): SupCon with each clip a label of its own."""

    reads = "projection"
    least_views = 2
    needs_labels = False
    temperature: Temperature

    def __call__(self, outputs: Outputs) -> Tensor:
        """The loss of ``outputs``."""
        return contrastive(outputs.embeddings, outputs.clips, self.temperature)


def contrastive(embeddings: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """``embeddings`` (rows, size), ``labels`` (rows,) -> scalar, in float32; similarity is the cosine / temperature.

    An anchor's positives are the other rows of its label. An anchor without one contributes 0 and still counts in the
    mean, as in SoundCLR's reference code. Rows without a label are neither anchors nor others. They are masked and not
    left out: how many they are is not to be waited for on a GPU.
    """
    import torch
    from torch.nn.functional import normalize

    directions = normalize(embeddings.float(), dim=1)
    parts = torch.arange(len(labels), device=labels.device).split(ANCHORS_AT_ONCE)
    per_anchor = torch.cat([of_anchors(part, directions, labels, temperature) for part in parts])
    return -per_anchor.sum() / (labels != UNLABELLED).sum().clamp(min=1)


def of_anchors(part: Tensor, directions: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """What :func:`contrastive` adds up, of the anchors at the rows ``part``, which follow one another: (part,)."""
    import torch

    rows = torch.arange(len(labels), device=labels.device)
    mine = directions if len(part) == len(rows) else directions.index_select(0, part)
    similarity = mine @ directions.T / temperature
    itself = part[:, None] == rows
    # The lowest finite number, not -inf: in a batch of one clip nothing else is left, and inf - inf is not 0.
    labelled = labels != UNLABELLED
    others = similarity.masked_fill(itself | ~labelled, torch.finfo(similarity.dtype).min)
    log_probability = similarity - others.logsumexp(dim=1, keepdim=True)
    positive = (labels.index_select(0, part)[:, None] == labels) & ~itself & labelled
    positives = positive.sum(dim=1)
    return torch.where(positive, log_probability, 0).sum(dim=1) / positives.clamp(min=1)


TERMS: dict[str, type[Term]] = {"cross_entropy": CrossEntropy, "supcon": SupCon, "nt_xent": NTXent}


@dataclass(frozen=True)
class Loss:
    """A stage's loss: its terms, each with its weight; ``modules`` are those of terms that have parameters."""

    terms: Sequence[tuple[float, Term]]
    modules: Mapping[str, nn.Module] = field(default_factory=dict)  # by the term's place

    @classmethod
    def of(cls, stage: StageSettings, place: str = "a stage's settings") -> Loss:
        """The loss that a stage's settings name; UserError, naming ``place``, for one that does not exist or fit."""
        return cls([(term.weight, entry_of(TERMS, term, "loss", place)) for term in stage.loss])

    def with_modules(self, size: int, classes: int, device: torch.device) -> Loss:
        """The same with its terms' modules, on ``device``: see :meth:`Term.module`."""
        made = {str(place): term.module(size, classes) for place, (_, term) in enumerate(self.terms)}
        return Loss(self.terms, {place: module.to(device) for place, module in made.items() if module is not None})

    @property
    def parameters(self) -> list[nn.Parameter]:
        """The parameters of its modules."""
        return [parameter for module in self.modules.values() for parameter in module.parameters()]

    @property
    def reads(self) -> set[str]:
        """The heads that it learns through."""
        return {term.reads for _, term in self.terms}

    @property
    def needs_labels(self) -> bool:
        """Whether clips without a label are of no use to it."""
        return all(term.needs_labels for _, term in self.terms)

    @property
    def least_views(self) -> int:
        """How many views of each clip it takes at least."""
        return max(term.least_views for _, term in self.terms)

    def __call__(self, outputs: Outputs) -> Tensor:
        """The weighted sum of the terms: a scalar."""
        called = [self.modules.get(str(place), term) for place, (_, term) in enumerate(self.terms)]
        first, *others = (weight * each(outputs) for (weight, _), each in zip(self.terms, called, strict=True))
        return sum(others, first)


def classifies(settings: RunSettings) -> bool:
    """Whether a run's classifier learns in one of its stages; else what it says of a clip, as its accuracy, is chance.

    A run that only teaches an encoder, from which others may start, has none.
    """
    return any("classifier" in Loss.of(stage).reads for stage in settings.stages)
