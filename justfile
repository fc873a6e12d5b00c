# The recipes of the shop. `./just` needs nothing but Python; a `just` of your own does as well.

set positional-arguments

python := ".venv/bin/python"
stack := python + " -m deploy.embedded"

_list:
    @{{ just_executable() }} --justfile {{ justfile() }} --list --unsorted

_environment:
    @./just --environment

# Start everything and carry two purchases through it, step by step (--shop URL --mail URL: one that runs already)
[no-exit-message]
demo *arguments: _environment
    @exec {{ python }} -m deploy.demo "$@"

# Start every server and service; Ctrl-C stops them (--detach: return when they are ready; --observe: Prometheus, traces)
[no-exit-message]
up *arguments: _environment
    @exec {{ stack }} up "$@"

# Stop everything that `up` or `demo` started
[no-exit-message]
down: _environment
    @exec {{ stack }} down

# What runs, and where (--json: for programs; exit code 3 when nothing runs)
[no-exit-message]
status *arguments: _environment
    @exec {{ stack }} status "$@"

# Every replica that answers over NATS: its health, version, and what it was asked (--json: for programs)
[no-exit-message]
services *arguments: _environment
    @exec {{ stack }} services "$@"

# What the running shop does right now: throughput, ages, dwell times (--once, --json, --every SECONDS)
[no-exit-message]
top *arguments: _environment
    @exec {{ python }} -m deploy.observe.top "$@"

# Dead letters: what no service could handle (list, show, retry, edit, discard; --help)
[no-exit-message]
dlq *arguments: _environment
    @exec {{ python }} -m deploy.letters "$@"

# The log of a process (--follow: keep printing); without a name, the names
[no-exit-message]
logs *arguments: _environment
    @exec {{ stack }} logs "$@"

# What is missing or which port is taken, and the setting that helps
[no-exit-message]
doctor: _environment
    @exec {{ stack }} doctor

# Bring the databases of a running stack to the newest schema (`up` does it too)
[no-exit-message]
migrate: _environment
    @exec {{ stack }} migrate

# Make a verified account of the running stack an administrator
[no-exit-message]
admin *arguments: _environment
    @SETTINGS_FILE="${SHOP_HOME:-.local}/settings/account.toml" exec {{ python }} -m account.admin "$@"

# Have another key sign access tokens, without signing anybody out (--detach, --compromised)
[no-exit-message]
rotate-keys *arguments: _environment
    @SETTINGS_FILE="${SHOP_HOME:-.local}/settings/account.toml" exec {{ python }} -m account.rotation "$@"

# Do stock, money, orders, mails and messages of the running shop agree? (--json, --purchase ID, --every 60)
[no-exit-message]
audit *arguments: _environment
    @exec {{ python }} -m deploy.audit "$@"

# Where one purchase is, where its time went, and why it is not further (--json)
[no-exit-message]
trace *arguments: _environment
    @exec {{ python }} -m deploy.trace "$@"

# Format, lint, types, import rules, unit tests
check: _environment
    {{ python }} -m ruff format --check .
    {{ python }} -m ruff check .
    {{ python }} -m mypy $(ls -d common account product order payment purchase orchestrator media mail deploy tests 2> /dev/null)
    .venv/bin/lint-imports --no-logo
    {{ python }} -m pytest -q tests/unit

# Format the code and repair what the linter can
fmt: _environment
    {{ python }} -m ruff format .
    {{ python }} -m ruff check --fix .

# Every test, against the real servers, in four processes: most of them wait (arguments go to pytest; -n 0: in one)
[no-exit-message]
test *arguments: _environment
    @exec {{ python }} -m pytest --numprocesses 4 --dist loadfile --no-loadscope-reorder "$@"

# Load the stack and measure it
[no-exit-message]
bench *arguments: _environment
    @exec {{ python }} -m deploy.bench "$@"

# Give the running stack a past: a million old purchases, so that it can be measured what they cost (--days 30)
[no-exit-message]
history *arguments: _environment
    @exec {{ python }} -m deploy.bench.history "$@"

# Read products and lists out of warm caches as fast as wrk can ask (--unknown: and ids that nobody has)
[no-exit-message]
bench-reads *arguments: _environment
    @exec {{ python }} -m deploy.bench.reads "$@"

# Fill the running stack with a catalogue (10,000 products; --random-seed N: other goods)
[no-exit-message]
seed *arguments: _environment
    @exec {{ python }} -m deploy.seed "$@"

# Have git run `check` before each commit
hooks:
    git config core.hooksPath deploy/hooks

# Take the broker's whole disk away under load, twenty times
[no-exit-message]
wipes *arguments: _environment
    @exec {{ python }} -m deploy.chaos.wipes "$@"

# Shoot at a shop of real processes and compare the books (--list, --scenario NAME, --all, --minutes 30 --seed N, --beside COMMIT, --mutants)
[no-exit-message]
chaos *arguments: _environment
    @exec {{ python }} -m deploy.chaos "$@"

# Kill processes at every named place under load and compare the books (long: about an hour; --point, --kills)
[no-exit-message]
crashpoints *arguments: _environment
    @exec {{ python }} -m deploy.chaos.crashpoints "$@"

# Explore every state of the protocol and of the event streams, and every mutant of their rules (--quick: as the tests do)
[no-exit-message]
model *arguments: _environment
    @exec {{ python }} -m tests.model "$@"

# Try every service with cases made from its OpenAPI document (long; --examples N per route)
[no-exit-message]
schemathesis *arguments: _environment
    @exec {{ python }} -m pytest -q tests/security/test_schemathesis.py --examples 20 "$@"

# Only the servers, in containers, for services that run on the host; says with which settings
[no-exit-message]
deps-up: _environment
    @exec {{ python }} -m deploy.compose.deps up

# Stop what `deps-up` started
[no-exit-message]
deps-down: _environment
    @exec {{ python }} -m deploy.compose.deps down

# Run the whole compose file on an engine that reaches no registry, and say what happened (long; names of parts)
[no-exit-message]
offline-proof *parts: _environment
    @exec deploy/offline/prove "$@"
