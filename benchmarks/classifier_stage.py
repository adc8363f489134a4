"""Stage two of the contrastive scheme: only the classifier learns."""

import dataclasses
from collections.abc import Iterator

import torch

from benchmarks import problem
from benchmarks.context import Context, Row
from benchmarks.timing import in_turns, timed
from benchmarks.trainer import make_network, make_task
from soundclr.audio.pipeline import Augment
from soundclr.losses import Loss
from soundclr.models.network import Network
from soundclr.training.evaluator import in_precision
from soundclr.training.loop import outputs_of, train
from soundclr.training.optimizers import make_optimizer
from soundclr.training.task import Task


def measure(context: Context) -> Iterator[Row]:
    """Two epochs over 6 batches and 2 held-out ones, checkpoints included, against the loop anyone would write."""
    size, device = context.batch_size, context.device
    settings = problem.run_settings(context.params, "supervised_contrastive", size, context.encoder)
    epochs = context.choose(2, 1)
    stage = settings.stages[-1]
    stage = stage.model_copy(update={"training": stage.training.model_copy(update={"epochs": epochs})})
    clips = problem.clips(16)
    task = make_task(settings, problem.waveforms(clips), device)
    task = dataclasses.replace(
        task,
        stages=(stage,),
        train=torch.arange(context.choose(6, 1) * size) % len(clips),
        val=torch.arange(context.choose(2, 1) * size) % len(clips),
    )
    network = make_network(settings, problem.CLASSES, device)
    checkpoint = context.folder / "classifier.resume"

    def ours() -> None:
        checkpoint.unlink(missing_ok=True)
        train(task, network, checkpoint)

    values = in_turns(
        [lambda: timed(ours, device) / epochs, lambda: timed(lambda: plain(task, network, context), device) / epochs],
        context.choose(5, 1),
    )
    yield Row(
        name="classifier_stage",
        what=f"an epoch of stage two, {len(task.train)} clips and {len(task.val)} held out",
        kind="speed-up",
        unit="s",
        ours_is="training.loop",
        ours=values[0],
        against_is="the whole network forward for every clip, the same batches and precision",
        against=values[1],
    )


def plain(task: Task, network: Network, context: Context) -> None:
    """The stage with an encoder that merely learns nothing; saves the network after each epoch."""
    stage = task.stages[0]
    augment, loss_of, optimizer = (
        Augment.from_choices(stage.augment),
        Loss.from_stage(stage),
        make_optimizer(network, stage),
    )
    generator = torch.Generator().manual_seed(0)

    def forward(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        with in_precision(task.device, stage):
            return network(images)

    size = stage.training.batch_size
    for _ in range(stage.training.epochs):
        network.set_training(stage.trains)
        for indices in task.train[torch.randperm(len(task.train), generator=generator)].split(size):
            embeddings, logits = forward(task.inputs.train_batch(indices, augment, generator))
            loss = loss_of(outputs_of(embeddings, logits, task.labels[indices], indices, 1))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        network.eval()
        with torch.inference_mode():
            for indices in task.val.split(size):
                forward(task.inputs.eval_batch(indices, generator))
        torch.save(network.state_dict(), context.folder / "plain.pt")
