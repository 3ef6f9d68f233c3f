.PHONY: build test integration format bench publish images deb
SHELL := /bin/bash

build:            # everything
	dotnet build Cluster.sln -v q -clp:ErrorsOnly

test: build       # unit tests, under a minute
	dotnet test tests/unit --no-build -v q

integration: build publish images   # real engines in a lab; needs root
	dotnet test tests/integration --no-build --logger "console;verbosity=normal"

format:           # rewrites what .editorconfig asks for
	dotnet format Cluster.sln

bench: publish images   # every measurement; docs/performance.md
	bench/run deploy update node-loss control-plane cli idle

publish:          # bin/berth, bin/berth-agent, bin/berth-runc, bin/manager/berth-manager; only when sources changed
	@set -euo pipefail; . scripts/setup.sh; publish

images:           # sample images into .out/images
	samples/images/build.sh .out/images

deb: publish      # .out/berth_VERSION_ARCHITECTURE.deb; docs/install.md
	@scripts/packaging/build-deb.sh bin .out
