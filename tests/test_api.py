"""The API as its OpenAPI document says: Schemathesis asks what is allowed, and much that is not."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hashing.extract import REFERENCE, extract
from hashing.reference import Policy, Reference
from service import issuing
from service.callers import Scope
from service.store.sqlite import SqliteStore
from tests.service import calls
from tests.service.calls import clip, serving

HERE = Path(__file__).parent / "api"
EXAMPLES = 10  # made-up requests an operation, after each bound and each wrong type has been tried


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Lists as in the examples of the document, so that their names are found."""
    path = tmp_path / "lists.sqlite3"
    store = SqliteStore(path)
    known = extract(clip(1), REFERENCE).fingerprint
    store.add("incident-x", [Reference("r1", "main video", "2026-03 example", known)])
    store.create_list("harmless", policy=Policy.ALLOW)
    store.close()
    return path


@pytest.fixture
def key(database: Path) -> str:
    """A key that may do everything."""
    store = SqliteStore(database)
    issued = issuing.create(store, "the tests", Scope.ADMIN)
    store.close()
    return issued.key


def test_every_answer_is_as_documented(database: Path, key: str) -> None:
    """No 5xx, no undocumented status or content type, no answer unlike its schema; what breaks the
    schema is refused, what fits it is taken; wrong methods get the right ``Allow``, and without the
    key nothing is answered that needs one."""
    bearer = f"Bearer {key}"
    with serving(database) as address:
        ran = subprocess.run(  # noqa: S603  # the developers' tool, in this environment
            [
                str(Path(sys.executable).with_name("schemathesis")),
                "--config-file=schemathesis.toml",
                "run",
                f"{address}/openapi.json",
                f"--max-examples={EXAMPLES}",
                "--generation-deterministic",
                "--no-color",
                f"--header=Authorization: {bearer}",
            ],
            cwd=HERE,
            env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        # Else all would have been one long 401: keys are made and revoked on the way, too.
        still = calls.get(f"{address}/v1/lists", headers={"Authorization": bearer})

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert still.status_code == 200
    selected, tested = (
        re.findall(rf"{word}: +(\d+)", ran.stdout) for word in ("Selected", "Tested")
    )
    assert int(tested[0]) == int(selected[0].split("/")[0]) >= 16
