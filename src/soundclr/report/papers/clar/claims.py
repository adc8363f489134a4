"""What the paper's abstract and its code's README claim, to be held against a study's runs, without its numbers."""

from soundclr.report.claim import ACCURACY, WHILE_TRAINED, Claim, Claims, Reported
from soundclr.report.papers import PAPERS

SCHEMES, SHARES, CONVERGENCE, GRID = "clar_schemes", "label_fractions", "convergence", "augmentation_grid"


def claim(id: str, text: str, ahead: str, behind: str | None, choice: str, source: str = "abstract") -> Claim:
    """One of accuracy, by recipes of one of the artefacts' choices."""
    return Claim(id, text, ACCURACY, ahead, behind, choice=choice, paper={"": Reported("", source)})


CLAIMS = Claims(
    PAPERS["clar"],
    (
        claim(
            "joint_representation",
            "a probe of the encoder that CLAR trained beats one of self-supervised training",
            "clar_probe",
            "linear_probe",
            SCHEMES,
        ),
        claim(
            "tenth_of_labels",
            "from a tenth of the labels CLAR beats supervised training",
            "clar_10",
            "clar_supervised_10",
            SHARES,
        ),
        claim(
            "hundredth_of_labels",
            "from a hundredth of the labels CLAR beats supervised training",
            "clar_1",
            "clar_supervised_1",
            SHARES,
        ),
        Claim(
            "convergence",
            "CLAR converges faster than self-supervised training: mean accuracy of the probes during training",
            WHILE_TRAINED,
            "clar",
            "clar_self_supervised",
            choice=CONVERGENCE,
            paper={"": Reported("", "abstract")},
        ),
        claim("spectrograms", "spectrograms beat waveforms (CLAR's own classifier)", "clar", "clar_1d", SCHEMES),
        claim(
            "spectrograms_narrow",
            "spectrograms beat waveforms, with an encoder as narrow (CLAR's own classifier)",
            "clar_narrow",
            "clar_1d",
            SCHEMES,
        ),
        claim(
            "best_augmentations",
            "fade and time mask are the best augmentations",
            "views_by_fade_and_mask",
            None,
            GRID,
            "README of its code",
        ),
    ),
)
