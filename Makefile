# SPDX-License-Identifier: GPL-2.0
# A thin door to harness/: every target is one program, and every variable is passed on as it is.
export TREE BASE ARCH UPTO RFC GROUP RANGE CC DEST SCENARIO KCONFIG APPEND CACHE ALONE STEPS JOBS MUTANTS ONLY DEPTH MINUTES RACES SEED TRANSFERS DRIVER BOARD WITH

# make has a value of its own for it.
ifeq ($(origin CC),default)
undefine CC
endif

.DEFAULT_GOAL := help
.PHONY: help deps run boot acpi qemu board ipmmu flips series import apply check test lint audit mutants explore races faults sanitize coverage cost release

help: ## this text
	@harness/help

deps: ## install all that the other targets need: [ARCH=] [BASE=]
	@harness/deps

run: ## apply, build, boot, judge, decision table: [TREE=path] [BASE=] [ARCH=] [UPTO=N] [RFC=1] [APPEND=]
	@harness/run

boot: ## the machines of scenarios/: [TREE=path] [BASE=] [ARCH=] [UPTO=N] [RFC=1] [SCENARIO=name]
	@harness/boot

acpi: ## machines that firmware and ACPI describe, arm64: [TREE=path] [BASE=] [UPTO=N] [SCENARIO=name]
	@harness/acpi

qemu: ## models of R-Car boards for the installed QEMU, see qemu/README.md
	@harness/qemu

board: ## a model of R-Car, with DMA through its IPMMU; Debian's own arm64 kernel, or that of: [TREE=path] [BASE=] [BOARD=h3|h2] [SCENARIO=name] [TRANSFERS=N] [DRIVER=file]
	@harness/board

ipmmu: ## what a driver of H3's IPMMUs writes to them, and needs for a page, beside that of 6.12: TREE=path or BASE=linux-6.12
	@tools/ipmmu

flips: ## which fix makes which test pass, into results/: [TREE=path] [BASE=] [ARCH=] [STEPS="0 N R"] [ALONE=1]
	@harness/flips

series: ## series/ from patches/, linux/ and results/, and the table of README
	@harness/series $(BASE)

import: ## patches/ and linux/ from commits: TREE=path BASE= [GROUP=1-fixes] [RANGE=from..to] [CC=1]
	@harness/import

apply: ## a git tree of TREE=path (or of BASE=) with the series as commits, in the new directory DEST=
	@harness/apply

check: ## the series against its sources, and all texts; needs no kernel tree, installs nothing
	@harness/check

test: ## all that CI does; ends in the number of tests passed, failed, skipped
	@harness/test

lint: ## what sparse and W=1 say of the touched files that they didn't say before: [TREE=path] [BASE=] [ARCH=]
	@harness/lint

audit: ## how the IOMMU drivers of a tree make themselves known, and what to look at: TREE=path
	@tools/audit

mutants: ## breaks every line of the fixes, and says which test notices: [TREE=path] [BASE=] [ARCH=] [MUTANTS=N] [ONLY=regex] [AGAIN=1] [WITH=regex]
	@tools/mutants

explore: ## every sequence of events of a master and its IOMMU: [TREE=path] [BASE=] [ARCH=] [DEPTH="7 4"] [MINUTES=20]
	@tools/explore

races: ## the same events by three threads at once: [TREE=path] [BASE=] [ARCH=] [RACES=500] [SEED=1] [KCSAN=1]
	@tools/races

faults: ## every allocation on these paths fails, one at a time, also on machines: [TREE=path] [BASE=] [ARCH=] [SCENARIO=name]
	@tools/faults

sanitize: ## all suites and machines with KASAN and its like: [TREE=path] [BASE=] [ARCH=] [KIND="memory remove"]
	@tools/sanitize

coverage: ## which lines of the functions that the fixes touch no test comes to: [TREE=path] [BASE=] [ARCH=]
	@tools/coverage

cost: ## what waiting costs a boot, in guest instructions, and what the fixes add to its size: [TREE=path] [BASE=] [ARCH=]
	@tools/cost

release: ## check, and refuse results/ that are not of this series
	@harness/release
