"""Reads params.yaml into typed settings; an unknown key, recipe or fold is an error of one line."""

from soundclr.params.file import Params, check_studies, load
from soundclr.params.including import read_params
from soundclr.params.merging import known, merge, validated
from soundclr.params.schema import (
    AudioSettings,
    Choice,
    Count,
    CropSettings,
    DatasetSettings,
    Fraction,
    GridSettings,
    HeadSettings,
    Name,
    Positive,
    RunSettings,
    Section,
    StageSettings,
    TrainingSettings,
)
from soundclr.params.studies import EvaluationSettings, Selection, StudySettings
from soundclr.params.weights import MappingSettings, WeightsFile

__all__ = [
    "AudioSettings",
    "Choice",
    "Count",
    "CropSettings",
    "DatasetSettings",
    "EvaluationSettings",
    "Fraction",
    "GridSettings",
    "HeadSettings",
    "MappingSettings",
    "Name",
    "Params",
    "Positive",
    "RunSettings",
    "Section",
    "Selection",
    "StageSettings",
    "StudySettings",
    "TrainingSettings",
    "WeightsFile",
    "check_studies",
    "known",
    "load",
    "merge",
    "read_params",
    "validated",
]
