"""The examples and documents of the stream contract; needs no service. The live records of the other suites are held
against the same schemas."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "schemas"))

from validate_examples import AsyncApi, Examples, Judge  # noqa: E402,F401
