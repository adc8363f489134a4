"""The losses against a double loop written from the paper's formula, and against cases known in closed form."""

import math

import pytest
import torch
from torch.nn.functional import cross_entropy, normalize

from soundclr import losses
from soundclr.losses import UNLABELLED, CrossEntropy, Loss, NTXent, Outputs, SupCon


def by_loops(embeddings, labels, temperature):
    """-1/|P(i)| sum over p in P(i) of [z_i·z_p/t - log sum over k≠i of exp(z_i·z_k/t)], averaged over all i."""
    embeddings = normalize(embeddings, dim=1)
    total = embeddings.new_zeros(())
    clips = range(len(labels))
    for i in clips:
        positives = [p for p in clips if p != i and labels[p] == labels[i]]
        if not positives:
            continue
        others = torch.stack([embeddings[i] @ embeddings[k] / temperature for k in clips if k != i])
        denominator = torch.logsumexp(others, dim=0)
        terms = [embeddings[i] @ embeddings[p] / temperature - denominator for p in positives]
        total = total - sum(terms) / len(positives)
    return total / len(labels)


def outputs(embeddings=None, labels=None, logits=None, clips=None):
    """A network's outputs; arguments that are not given have values that would show if they were used."""
    rows = len(next(value for value in (embeddings, labels, logits, clips) if value is not None))
    nothing = torch.full((rows, 2), torch.nan)
    return Outputs(
        nothing if embeddings is None else embeddings,
        nothing if logits is None else logits,
        torch.full((rows,), UNLABELLED) if labels is None else labels,
        torch.arange(rows) if clips is None else clips,
    )


def supcon(embeddings, labels, temperature):
    return SupCon(temperature=temperature)(outputs(embeddings, labels))


def batch(clips, classes, size=8, seed=0, dtype=torch.float32):
    """Unit-length embeddings and labels."""
    random = torch.Generator().manual_seed(seed)
    embeddings = normalize(torch.randn(clips, size, generator=random, dtype=torch.float64), dim=1)
    return embeddings.to(dtype), torch.randint(classes, (clips,), generator=random)


@pytest.mark.parametrize("temperature", [0.01, 0.05, 0.5, 1.0, 10.0])
@pytest.mark.parametrize(("clips", "classes", "size"), [(2, 1, 3), (3, 2, 1), (5, 9, 4), (12, 3, 8), (17, 5, 64)])
def test_agrees_with_the_double_loop(clips, classes, size, temperature):
    embeddings, labels = batch(clips, classes, size, seed=clips)
    expected = by_loops(embeddings.double(), labels, temperature)
    torch.testing.assert_close(supcon(embeddings, labels, temperature).double(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
def test_computes_in_float32_whatever_comes_in(dtype):
    embeddings, labels = batch(14, 4, dtype=dtype)
    loss = supcon(embeddings, labels, 0.05)
    assert loss.dtype == torch.float32
    assert loss.shape == ()
    # The loop gets the same rounded numbers: bfloat16 may cost digits before the loss, not in it.
    torch.testing.assert_close(loss.double(), by_loops(embeddings.double(), labels, 0.05), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("temperature", [0.01, 0.05, 10.0])
def test_gradient_is_the_double_loops(temperature, dtype):
    embeddings, labels = batch(11, 3, dtype=dtype)
    ours, loops = embeddings.clone().requires_grad_(), embeddings.double().requires_grad_()
    supcon(ours, labels, temperature).backward()
    by_loops(loops, labels, temperature).backward()
    tolerance = 1e-4 if dtype == torch.float32 else 1e-2
    scale = float(loops.grad.abs().max())
    torch.testing.assert_close(ours.grad.double(), loops.grad, rtol=tolerance, atol=tolerance * scale)


@pytest.mark.parametrize("temperature", [1e-4, 0.01, 10.0, 1e4])
@pytest.mark.parametrize("case", ["random", "identical", "opposite", "one clip", "no positive"])
def test_extremes_stay_finite(case, temperature):
    embeddings, labels = batch(10, 3)
    if case == "identical":
        embeddings = embeddings[:1].expand(10, -1).clone()
    elif case == "opposite":
        embeddings = torch.cat([embeddings[:1].expand(5, -1), -embeddings[:1].expand(5, -1)])
    elif case == "one clip":
        embeddings, labels = embeddings[:1], labels[:1]
    elif case == "no positive":
        labels = torch.arange(10)
    embeddings.requires_grad_()
    loss = supcon(embeddings, labels, temperature)
    loss.backward()
    assert loss.isfinite()
    assert embeddings.grad.isfinite().all()


@pytest.mark.parametrize("clips", [1, 2, 7])
def test_no_positive_costs_nothing_and_teaches_nothing(clips):
    embeddings, _ = batch(clips, 1)
    embeddings.requires_grad_()
    loss = supcon(embeddings, torch.arange(clips), 0.05)
    loss.backward()
    assert loss == 0
    assert not embeddings.grad.any()


@pytest.mark.parametrize("clips", [2, 3, 8])
def test_one_class_in_one_place_is_the_log_of_the_others(clips):
    embeddings = normalize(torch.ones(clips, 4), dim=1)
    loss = supcon(embeddings, torch.zeros(clips, dtype=torch.int64), 0.05)
    assert float(loss) == pytest.approx(math.log(clips - 1), abs=1e-5)


@pytest.mark.parametrize("temperature", [0.1, 1.0, 10.0])
def test_one_pair_among_strangers_counts_in_the_mean_of_all(temperature):
    strangers = 4
    embeddings = torch.eye(strangers + 1)[[0, 0, 1, 2, 3, 4]]  # two equal clips, the rest at right angles
    labels = torch.tensor([0, 0, 1, 2, 3, 4])
    anchor = math.log(math.exp(1 / temperature) + strangers) - 1 / temperature
    assert float(supcon(embeddings, labels, temperature)) == pytest.approx(2 * anchor / 6, rel=1e-4, abs=1e-6)


def test_knows_neither_the_clips_order_nor_the_labels_names():
    embeddings, labels = batch(16, 4)
    loss = supcon(embeddings, labels, 0.05)
    order = torch.randperm(16, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(supcon(embeddings[order], labels[order], 0.05), loss)
    torch.testing.assert_close(supcon(embeddings, 100 - 3 * labels, 0.05), loss)


def test_prefers_classes_that_are_together():
    labels = torch.tensor([0, 0, 0, 1, 1, 1])
    together, mixed = torch.eye(2)[labels], torch.eye(2)[[0, 1, 0, 1, 0, 1]]
    assert supcon(together, labels, 0.05) < supcon(mixed, labels, 0.05) - 1


def test_lengths_do_not_matter():
    embeddings, labels = batch(9, 3)
    torch.testing.assert_close(
        supcon(embeddings * torch.arange(1, 10)[:, None], labels, 0.05), supcon(embeddings, labels, 0.05)
    )


def test_clips_without_a_label_take_no_part():
    embeddings, labels = batch(12, 3)
    logits = torch.randn(12, 3, generator=torch.Generator().manual_seed(2))
    some = torch.where(torch.arange(12) % 3 == 0, UNLABELLED, labels)
    kept = some != UNLABELLED
    given = outputs(embeddings, some, logits)
    torch.testing.assert_close(SupCon(temperature=0.05)(given), supcon(embeddings[kept], labels[kept], 0.05))
    torch.testing.assert_close(CrossEntropy()(given), cross_entropy(logits[kept], labels[kept]))


@pytest.mark.parametrize("term", [CrossEntropy(), SupCon(temperature=0.05)])
def test_a_batch_without_labels_costs_nothing_and_teaches_nothing(term):
    embeddings, _ = batch(5, 3)
    logits = torch.randn(5, 3, generator=torch.Generator().manual_seed(2))
    embeddings.requires_grad_()
    logits.requires_grad_()
    loss = term(outputs(embeddings, None, logits))
    loss.backward()
    assert loss == 0
    used = logits if term.reads == "classifier" else embeddings
    assert not used.grad.any()


def nt_xent_by_loops(views, temperature):
    """The mean over the 2N anchors of -log(exp(z_i·z_j/t) / sum over k≠i of exp(z_i·z_k/t)), j the other view of i."""
    clips = len(views) // 2
    total = 0.0
    for i in range(2 * clips):
        j = (i + clips) % (2 * clips)
        others = sum(math.exp(float(views[i] @ views[k]) / temperature) for k in range(2 * clips) if k != i)
        total -= math.log(math.exp(float(views[i] @ views[j]) / temperature) / others)
    return total / (2 * clips)


@pytest.mark.parametrize("temperature", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("clips", [2, 3, 16])
def test_nt_xent_agrees_with_its_double_loop(clips, temperature):
    views, labels = batch(2 * clips, 2)
    given = outputs(views, labels, clips=torch.arange(clips).repeat(2))
    loss = NTXent(temperature=temperature)(given)
    assert float(loss) == pytest.approx(nt_xent_by_loops(views.double(), temperature), rel=1e-5)


@pytest.mark.parametrize("clips", [2, 64])
def test_nt_xent_of_perfect_views_among_strangers_at_right_angles(clips):
    """log(e^(1/t) + 2N - 2) - 1/t: 2.89 for 64 clips at t = 0.5."""
    views = torch.eye(clips).repeat(2, 1)
    loss = NTXent(temperature=0.5)(outputs(views, clips=torch.arange(clips).repeat(2)))
    assert float(loss) == pytest.approx(math.log(math.exp(2) + 2 * clips - 2) - 2, rel=1e-5)


def test_nt_xent_of_one_clip_costs_nothing_and_teaches_nothing():
    """Its other view is all that there is to tell it from."""
    views, _ = batch(2, 1)
    views.requires_grad_()
    loss = NTXent(temperature=0.5)(outputs(views, clips=torch.zeros(2, dtype=torch.int64)))
    loss.backward()
    assert loss.detach().abs() < 1e-6 and views.grad.abs().max() < 1e-6


def test_twice_the_cross_entropy_of_two_views_is_that_of_each_added():
    """CLAR's sum, NT-Xent + CE(view 1) + CE(view 2) over the labelled clips, by weights."""
    embeddings, _ = batch(12, 3)
    logits = torch.randn(12, 3, generator=torch.Generator().manual_seed(2))
    clips = torch.arange(6).repeat(2)
    labels = torch.tensor([0, -1, 2, 1, -1, 1]).repeat(2)
    loss = Loss([(2.0, CrossEntropy()), (1.0, NTXent(temperature=0.5))])(outputs(embeddings, labels, logits, clips))
    some = labels[:6] != UNLABELLED
    apart = [cross_entropy(view[some], labels[:6][some]) for view in logits.split(6)]
    torch.testing.assert_close(loss, NTXent(temperature=0.5)(outputs(embeddings, clips=clips)) + sum(apart))


def test_nt_xent_knows_no_labels_and_is_supcon_with_a_label_a_clip():
    views, labels = batch(20, 3)
    clips = torch.arange(10).repeat(2)
    loss = NTXent(temperature=0.5)(outputs(views, clips=clips))
    torch.testing.assert_close(NTXent(temperature=0.5)(outputs(views, labels, clips=clips)), loss)
    torch.testing.assert_close(supcon(views, clips, 0.5), loss)


@pytest.mark.parametrize("alpha", [0.25, 0.5, 0.99])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_loss_is_the_weighted_sum_of_its_terms(alpha, dtype):
    embeddings, labels = batch(9, 3, dtype=dtype)
    logits = torch.randn(9, 3, generator=torch.Generator().manual_seed(2)).to(dtype)
    loss = Loss([(alpha, SupCon(temperature=0.05)), (1 - alpha, CrossEntropy())])(outputs(embeddings, labels, logits))
    expected = alpha * by_loops(embeddings.double(), labels, 0.05)
    expected += (1 - alpha) * cross_entropy(logits.double(), labels)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss.double(), expected, rtol=1e-4, atol=1e-5)


def test_what_a_loss_wants():
    both = Loss([(0.5, SupCon(temperature=0.05)), (0.5, CrossEntropy())])
    assert both.reads == {"projection", "classifier"} and both.least_views == 1
    joint = Loss([(1.0, NTXent(temperature=0.5))])
    assert joint.reads == {"projection"} and joint.least_views == 2


@pytest.mark.parametrize("most", [1, 3, 5, 11])
def test_anchors_of_a_large_batch_are_taken_a_few_at_a_time(monkeypatch, most):
    rows, labels = batch(12, 4)
    labels[3] = UNLABELLED
    whole, parts = (rows.clone().requires_grad_() for _ in range(2))
    expected = supcon(whole, labels, 0.1)
    monkeypatch.setattr(losses, "ANCHORS_AT_ONCE", most)
    found = supcon(parts, labels, 0.1)
    torch.testing.assert_close(found, expected)
    expected.backward()
    found.backward()
    torch.testing.assert_close(parts.grad, whole.grad)
