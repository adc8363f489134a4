"""The losses: supervised contrastive, cross-entropy, and their weighted sum."""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from soundclr.params import LossSettings


def supcon(embeddings: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """Supervised contrastive loss (Khosla et al. 2020, the sum over positives outside the log).

    ``embeddings`` (batch, size) of length 1, ``labels`` (batch,) -> scalar, in float32. The positives of an
    anchor are the other clips of its label. An anchor without one contributes 0 and still counts in the mean.
    """
    similarity = embeddings.float() @ embeddings.float().T / temperature
    itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    # The lowest finite number, not -inf: in a batch of one clip nothing else is left, and inf - inf is not 0.
    others = similarity.masked_fill(itself, torch.finfo(similarity.dtype).min)
    log_probability = similarity - others.logsumexp(dim=1, keepdim=True)
    positive = (labels[:, None] == labels) & ~itself
    positives = positive.sum(dim=1)
    per_anchor = torch.where(positive, log_probability, 0).sum(dim=1) / positives.clamp(min=1)
    return -per_anchor.mean()


def combined(embeddings: Tensor, logits: Tensor, labels: Tensor, settings: LossSettings) -> Tensor:
    """alpha * SupCon(z) + (1 - alpha) * cross-entropy (paper, equation 4); a loss of weight 0 is not computed.

    ``embeddings`` (batch, size) of length 1, ``logits`` (batch, classes), ``labels`` (batch,) -> scalar.
    """
    alpha = settings.alpha
    total = embeddings.new_zeros(())
    if alpha > 0:
        total = total + alpha * supcon(embeddings, labels, settings.temperature)
    if alpha < 1:
        total = total + (1 - alpha) * cross_entropy(logits.float(), labels)
    return total
