# SPDX-License-Identifier: GPL-2.0
# A thin door to harness/: every target is one program, and every variable is passed on as it is.
export TREE BASE ARCH UPTO ONTO DEST SCENARIO KCONFIG APPEND CACHE

.DEFAULT_GOAL := help
.PHONY: help run test series import check apply boot flips cost lint audit release

help: ## this text
	@harness/help

run: ## apply, build, boot, judge, decision table: [TREE=path] [BASE=] [ARCH=] [UPTO=N] [APPEND=]
	@harness/run

boot: ## the booted scenarios: [TREE=path] [BASE=] [ARCH=] [UPTO=N] [SCENARIO=name]
	@harness/scenarios

test: ## all that CI does; ends in the number of tests passed, failed, skipped
	@harness/test

check: ## the series against its sources, and all texts; needs no kernel tree
	@harness/check

series: ## series/ from edits/ and linux/
	@harness/series $(BASE)

import: ## edits/ and linux/ from the commits of a git tree: TREE=path BASE= [ONTO=commit]
	@harness/import

apply: ## a patched copy of TREE=path (or of BASE=) in the new directory DEST=
	@harness/apply

flips: ## which fix makes which test pass, into results/: [TREE=path] [BASE=] [ARCH=]
	@harness/flips

cost: ## what waiting costs a boot, in guest instructions: [TREE=path] [BASE=] [ARCH=]
	@harness/cost

lint: ## what sparse and W=1 say of the touched files that they didn't say before: [TREE=path] [BASE=] [ARCH=]
	@harness/lint

audit: ## how the IOMMU drivers of a tree make themselves known, and what to look at: TREE=path
	@harness/audit

release: ## check, and refuse results/ that are not of this series
	@harness/release
