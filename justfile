# `just` lists the recipes, `just up` starts the service. What they need is installed into .venv.

set positional-arguments

_list:
    @'{{ just_executable() }}' --justfile '{{ justfile() }}' --list --unsorted

# Start the service in the background
up: _install
    @.venv/bin/kasparro up

# Stop the service; the data stays
down: _install
    @.venv/bin/kasparro down

# Stop the service and start it again
restart: down up

# Follow the log of the service
logs: _install
    @.venv/bin/kasparro logs

# Stop the service, and delete the embedded database and the log
[confirm("Delete the embedded database and the log? [y/N]")]
clean: down
    @.venv/bin/kasparro clean

# How the service and its sources are
health: _install
    @.venv/bin/kasparro get /health

# What the sources have delivered so far
stats: _install
    @.venv/bin/kasparro get /stats

# The first page of the market data
data: _install
    @.venv/bin/kasparro get /data

# Run the tests, in a process for each core; arguments go to pytest, `-n 0` stays in one process
test *args: (_install "[test]")
    @.venv/bin/python -m pytest --numprocesses auto --maxprocesses 4 "$@"

# Ask every route of the API for what schemathesis makes up, so many examples of each; anew each time
fuzz examples="200": (_install "[test]")
    @FUZZ_EXAMPLES={{ examples }} .venv/bin/python -m pytest --capture no tests/api/test_fuzz.py

# Look for mistakes in style, types and the layers of the code
check: (_install "[test,check]")
    .venv/bin/ruff check
    .venv/bin/ruff format --check
    .venv/bin/mypy
    .venv/bin/lint-imports

# Bring the code into shape
fmt: (_install "[test,check]")
    .venv/bin/ruff check --fix
    .venv/bin/ruff format

# Measure ingestion and serving
bench *args: (_install "[test]")
    @.venv/bin/python tests/bench "$@"

# Measure ingestion next to dlt, which is installed for that
bench-dlt: (_install "[test,dlt]")
    @.venv/bin/python tests/bench dlt

# Measure serving next to FastAPI and SQLAlchemy, which are installed for that
bench-fastapi: (_install "[test,fastapi]")
    @.venv/bin/python tests/bench serving

# Serve under mixed load, ten minutes long, and see what is left behind: `--minutes 2`, `--seed 5`
soak *args: (_install "[test]")
    @.venv/bin/python tests/soak "$@"

# Try every promise on this machine: kills, outages, poison; ten minutes or so (`--quick`: less than one)
selftest *args: _install
    @.venv/bin/kasparro selftest "$@"

# Start the service in the background against simulated upstreams, in a database of its own
demo: _install
    @.venv/bin/kasparro up --demo

# Bring the database's schema up to date
migrate: _install
    @.venv/bin/kasparro migrate

# Run one cycle of the named sources, or of all
ingest *sources: _install
    @.venv/bin/kasparro ingest "$@"

# Install the package and its extras; only when pyproject.toml has changed since, so that all else works offline.
# uv may be in .venv itself, or anywhere on PATH.
_install extras="":
    @test '.venv/installed{{ extras }}' -nt pyproject.toml || { \
        PATH="$PWD/.venv/bin:$PATH"; \
        command -v uv >/dev/null || { echo 'uv is missing: run `pip install uv`' >&2; exit 1; }; \
        test -x .venv/bin/python || uv venv .venv; \
        uv pip install --quiet --python .venv/bin/python --editable '.{{ extras }}' && \
        touch '.venv/installed{{ extras }}'; \
    }
