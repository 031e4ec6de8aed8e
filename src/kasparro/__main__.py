"""`python -m kasparro` is the `kasparro` command."""

from kasparro.cli import main

main()
