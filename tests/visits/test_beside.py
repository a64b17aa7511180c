"""Dating beside the rest of a plan: the same dates as in one process, and no process left whatever happens."""

from __future__ import annotations

import pandas as pd
import pytest
from dated import Dated

from allocator.crew import Crew
from allocator.errors import EngineError
from allocator.visits.beside import MODULES, Dating, dating_crew


def test_the_schedule_is_that_of_one_process(telecom: Dated) -> None:
    """Proves that dates found beside other work, by a crew that is there already, are those of a schedule by itself."""
    with Crew(2, MODULES) as crew, Dating(telecom.model, None, crew) as dating:
        dating.begin(telecom.tables)
        found = dating.schedule(telecom.tables)
        assert crew.processes
    pd.testing.assert_frame_equal(found.visits, telecom.schedule.visits)
    pd.testing.assert_frame_equal(found.unplaced, telecom.schedule.unplaced)
    assert found.figures == telecom.schedule.figures


def test_a_plan_that_is_given_up_waits_for_nothing(telecom: Dated) -> None:
    """Proves that dating which nobody asks for any more ends with its crew."""
    crew = Crew(2, MODULES)
    with Dating(telecom.model, None, crew) as dating:
        dating.begin(telecom.tables)
        crew.close()
    assert not crew.processes
    with pytest.raises(EngineError, match="stopped"):
        dating.schedule(telecom.tables)


def test_few_reps_need_no_crew() -> None:
    """Proves that a small team is dated without processes, and a large one by as many as are asked for."""
    assert dating_crew(30, None) is None
    assert dating_crew(30, 4) is None
    assert dating_crew(100, 1) is None
    crew = dating_crew(100, 3)
    assert crew is not None
    assert crew.size == 3
