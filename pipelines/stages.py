"""Every stage, by the name it has in a configuration, in the order in which a build runs them.

A new stage is one module and one line here.
"""

from __future__ import annotations

from typing import Final

from pipelines.assign_splits import AssignSplits
from pipelines.base import Stage
from pipelines.deidentify import Deidentify
from pipelines.drop_contaminated import DropContaminated
from pipelines.drop_exact_duplicates import DropExactDuplicates
from pipelines.drop_held_out import DropHeldOut
from pipelines.drop_low_quality import DropLowQuality
from pipelines.drop_near_duplicates import DropNearDuplicates
from pipelines.drop_off_topic import DropOffTopic
from pipelines.drop_superseded import DropSuperseded
from pipelines.drop_surplus import DropSurplus
from pipelines.drop_unsupported import DropUnsupported
from pipelines.fill_assistant import FillAssistant
from pipelines.judge_unsupported import JudgeUnsupported
from pipelines.make_completions import MakeCompletions
from pipelines.make_instructions import MakeInstructions
from pipelines.make_preferences import MakePreferences
from pipelines.normalize import Normalize
from pipelines.reconstruct import Reconstruct

STAGE_KINDS: Final[dict[str, type[Stage]]] = {
    stage.kind: stage
    for stage in (
        Normalize,
        Deidentify,
        DropLowQuality,
        DropSuperseded,
        DropOffTopic,
        FillAssistant,
        DropExactDuplicates,
        DropNearDuplicates,
        Reconstruct,
        MakeInstructions,
        DropUnsupported,
        JudgeUnsupported,
        DropSurplus,
        MakePreferences,
        MakeCompletions,
        DropHeldOut,
        AssignSplits,
        DropContaminated,
    )
}
