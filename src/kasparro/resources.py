"""Where the files shipped beside the code are: inside an installed wheel, or in the checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent
_CHECKOUT = _PACKAGE.parents[1]


def folder(name: str) -> Path:
    """The shipped folder `name` ("sql" or "fixtures").

    A wheel holds it inside the package; an editable install leaves it at the top of the checkout.
    """
    packaged = _PACKAGE / name
    return packaged if packaged.is_dir() else _CHECKOUT / name
