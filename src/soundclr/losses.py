"""Loss terms by name; a stage's loss is a weighted sum of them (SoundCLR, equation 4: alpha and 1 - alpha).

To add a term, write a class here, enter it in :data:`TERMS` and add a line to params.yaml's ``defaults.losses``.
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
ANCHORS_AT_ONCE = 2048  # compared with all rows: 0.2 GB a matrix for 10,000 held-out clips in two views

Temperature = Annotated[float, Field(ge=1e-4, le=1e4)]


@dataclass(frozen=True)
class Outputs:
    """A network's outputs for a batch: one row per view, all first views before all second views, and so on.

    Attributes:
        embeddings: (rows, size), the projection head's output.
        logits: (rows, classes).
        labels: (rows,), from 0; -1 for a clip without a label.
        clips: (rows,), the number of each row's clip. A batch may hold a clip twice: pair rows with :meth:`by_view`.
        views: how many views each clip has.
        class_clips: (classes,), how many labelled training clips each class has.
    """

    embeddings: Tensor
    logits: Tensor
    labels: Tensor
    clips: Tensor
    views: int = 1
    class_clips: Tensor | None = None

    def by_view(self, rows: Tensor) -> Tensor:
        """Reshape (rows, ...) to (views, clips, ...): ``first, second = outputs.by_view(outputs.embeddings)``."""
        return rows.unflatten(0, (self.views, -1))

    @classmethod
    def joined(cls, batches: Sequence[Outputs]) -> Outputs:
        """Join batches that have the same number of views."""
        import torch

        def rows(name: str) -> Tensor:
            return torch.cat([batch.by_view(getattr(batch, name)) for batch in batches], dim=1).flatten(0, 1)

        of_rows = {name: rows(name) for name in ("embeddings", "logits", "labels", "clips")}
        return cls(**of_rows, views=batches[0].views, class_clips=batches[0].class_clips)


class Term(Entry):
    """A loss term. Its fields are its parameters in params.yaml.

    ``reads`` is the head whose output it uses. ``least_views`` is how many views of each clip it needs.
    ``needs_labels`` is False for a term that also learns from clips without a label.

        >>> class Alignment(Term):
        ...     reads = "projection"
        ...     least_views = 2
        ...
        ...     def __call__(self, outputs):
        ...         first, second = outputs.by_view(outputs.embeddings)  # (clips, size) each
        ...         return (first - second).square().sum(dim=1).mean()
        >>> embeddings = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 0.0]])  # two clips in two views
        >>> clips = torch.tensor([0, 1, 0, 1])
        >>> Alignment()(Outputs(embeddings, logits=torch.zeros(4, 3), labels=clips, clips=clips, views=2)).item()
        0.5
    """

    reads: ClassVar[Literal["projection", "classifier"]]
    least_views: ClassVar[int] = 1
    needs_labels: ClassVar[bool] = True

    def __call__(self, outputs: Outputs) -> Tensor:
        """Return the loss of a batch: a scalar in float32."""
        raise NotImplementedError

    def module(self, size: int, classes: int) -> nn.Module | None:
        """Return a module to call on the outputs instead, for a loss with learnt parameters such as ArcFace.

        ``size`` is the embedding's size. The module learns at the heads' learning rate and is saved in the checkpoint.
        It belongs to one stage and is not part of the trained model.
        """
        return None


class CrossEntropy(Term):
    """Cross-entropy of the logits, averaged over the labelled rows; 0 if no row has a label.

    Balanced class weights weigh each row in inverse proportion to its class's training clips, so that rare classes
    count as much as common ones (scikit-learn's ``class_weight="balanced"``).
    """

    reads = "classifier"
    class_weights: Literal["balanced"] | None = None

    def __call__(self, outputs: Outputs) -> Tensor:
        """Return the loss of a batch."""
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
    """Return a weight per class: all clips / (classes * clips of the class), or 0 for a class without clips.

    >>> import torch
    >>> balanced_weights(torch.tensor([6, 2, 0]))
    tensor([0.4444, 1.3333, 0.0000])
    """
    counts = class_clips.float()
    return (counts.sum() / (len(counts) * counts)).masked_fill(counts == 0, 0.0)


class SupCon(Term):
    """Supervised contrastive loss of the labelled rows (Khosla et al. 2020, positives summed outside the log)."""

    reads = "projection"
    temperature: Temperature

    def __call__(self, outputs: Outputs) -> Tensor:
        """Return the loss of a batch."""
        return contrastive(outputs.embeddings, outputs.labels, self.temperature)


class NTXent(Term):
    """Normalised temperature-scaled cross-entropy (Chen et al. 2020): SupCon with every clip as its own class."""

    reads = "projection"
    least_views = 2
    needs_labels = False
    temperature: Temperature

    def __call__(self, outputs: Outputs) -> Tensor:
        """Return the loss of a batch."""
        return contrastive(outputs.embeddings, outputs.clips, self.temperature)


def contrastive(embeddings: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """Contrastive loss of ``embeddings`` (rows, size) with ``labels`` (rows,): a scalar in float32.

    Similarity is the cosine divided by the temperature. An anchor's positives are the other rows with its label. An
    anchor without positives contributes 0 but counts in the mean, as in SoundCLR's reference code. Rows without a label
    take no part. They are masked, not removed: counting them would make the CPU wait for the GPU.
    """
    import torch
    from torch.nn.functional import normalize

    directions = normalize(embeddings.float(), dim=1)
    parts = torch.arange(len(labels), device=labels.device).split(ANCHORS_AT_ONCE)
    per_anchor = torch.cat([anchor_terms(part, directions, labels, temperature) for part in parts])
    return -per_anchor.sum() / (labels != UNLABELLED).sum().clamp(min=1)


def anchor_terms(part: Tensor, directions: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """The summands of :func:`contrastive` for the anchors in the consecutive rows ``part``: (part,)."""
    import torch

    rows = torch.arange(len(labels), device=labels.device)
    mine = directions if len(part) == len(rows) else directions.index_select(0, part)
    similarity = mine @ directions.T / temperature
    itself = part[:, None] == rows
    # The lowest finite number, not -inf: in a batch of one clip every entry is masked, and inf - inf is NaN.
    labelled = labels != UNLABELLED
    others = similarity.masked_fill(itself | ~labelled, torch.finfo(similarity.dtype).min)
    log_probability = similarity - others.logsumexp(dim=1, keepdim=True)
    positive = (labels.index_select(0, part)[:, None] == labels) & ~itself & labelled
    positives = positive.sum(dim=1)
    return torch.where(positive, log_probability, 0).sum(dim=1) / positives.clamp(min=1)


TERMS: dict[str, type[Term]] = {"cross_entropy": CrossEntropy, "supcon": SupCon, "nt_xent": NTXent}


@dataclass(frozen=True)
class Loss:
    """A stage's loss: terms with their weights. ``modules`` holds the modules of terms with learnt parameters."""

    terms: Sequence[tuple[float, Term]]
    modules: Mapping[str, nn.Module] = field(default_factory=dict)  # keyed by the term's index

    @classmethod
    def from_stage(cls, stage: StageSettings, place: str = "a stage's settings") -> Loss:
        """Build the loss in a stage's settings. UserError, with ``place``, if a term is unknown or invalid."""
        return cls([(term.weight, entry_of(TERMS, term, "loss", place)) for term in stage.loss])

    def with_modules(self, size: int, classes: int, device: torch.device) -> Loss:
        """A copy with the modules of its terms on ``device``: see :meth:`Term.module`."""
        made = {str(place): term.module(size, classes) for place, (_, term) in enumerate(self.terms)}
        return Loss(self.terms, {place: module.to(device) for place, module in made.items() if module is not None})

    @property
    def parameters(self) -> list[nn.Parameter]:
        """The learnt parameters of all modules."""
        return [parameter for module in self.modules.values() for parameter in module.parameters()]

    @property
    def reads(self) -> set[str]:
        """The heads whose outputs the terms use."""
        return {term.reads for _, term in self.terms}

    @property
    def needs_labels(self) -> bool:
        """Whether every term needs labels, so that it learns nothing from unlabelled clips."""
        return all(term.needs_labels for _, term in self.terms)

    @property
    def least_views(self) -> int:
        """How many views of each clip the terms need."""
        return max(term.least_views for _, term in self.terms)

    def __call__(self, outputs: Outputs) -> Tensor:
        """The weighted sum of the terms: a scalar."""
        called = [self.modules.get(str(place), term) for place, (_, term) in enumerate(self.terms)]
        first, *others = (weight * each(outputs) for (weight, _), each in zip(self.terms, called, strict=True))
        return sum(others, first)


def classifies(settings: RunSettings) -> bool:
    """Whether one of a run's stages trains the classifier. If none does, predictions and accuracy are chance.

    A run that only trains an encoder for other runs to start from has no trained classifier.
    """
    return any("classifier" in Loss.from_stage(stage).reads for stage in settings.stages)
