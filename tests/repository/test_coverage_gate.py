import json
from pathlib import Path

import pytest

from tests.coverage_gate import main


@pytest.mark.parametrize(("percent", "code"), [(94.9, 1), (95.0, 0), (100.0, 0)])
def test_a_module_below_the_gate_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], percent: float, code: int
) -> None:
    report = tmp_path / "coverage.json"
    files = {"a.py": {"summary": {"percent_covered": 100.0}}, "b.py": {"summary": {"percent_covered": percent}}}
    report.write_text(json.dumps({"files": files}))
    assert main([str(report)]) == code
    assert ("b.py" in capsys.readouterr().out) is bool(code)
