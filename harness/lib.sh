# shellcheck shell=bash
# Words that all harness programs share. Sourced, never run.
set -euo pipefail

HARNESS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# The harness's own tests point this at a toy project.
DEFER_ROOT=${DEFER_ROOT:-$(dirname "$HARNESS")}
CACHE=$(readlink -m "${CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/iommu-defer}")

# One exit code per stage; `make help` prints this table.
# (make itself always exits with 2: it shows ours as "Error N".)
CODES='
tests    1   a test failed, or the boot is not a clean pass
usage    2   an argument is missing or unknown (base, ARCH, UPTO, scenario)
deps    10   a Debian package is missing and we are not root
disk    11   too little disk space in the cache, or no cache at all
notree  12   TREE is not there, or is not a kernel tree
version 13   TREE is of a version that no base describes
dirty   14   TREE has uncommitted changes in files of the series
changed 15   the series does not apply: TREE has a changed file
busy    16   another run is using the cache
config  17   a requested Kconfig symbol did not survive
build   18   the kernel does not build
timeout 19   QEMU timed out
boot    20   the kernel said nothing, or nothing that is KTAP
source  21   edits/ or linux/ are not consistent, or cannot be imported
check   22   make check found something
flips   23   a fix does not flip the tests that its message names
release 24   make release refuses
audit   25   make audit found something to look at
'

# die STAGE MESSAGE: the one way out of an error.
die() {
	local code
	code=$(awk -v s="$1" '$1 == s { print $2 }' <<<"$CODES")
	printf 'error: %s\n' "$2" >&2
	exit "${code:-2}"
}

say() { printf '%s\n' "$*" >&2; }

# Every command is shown before it runs.
show() {
	local words
	printf -v words ' %q' "$@"
	say "\$$words"
}

run() {
	show "$@"
	"$@"
}

# Reads nothing until its input is closed, and says every ten seconds how far the log is.
ticker() {
	local label=$1 log=$2 start=$SECONDS rc
	while :; do
		rc=0
		read -rt "${TICK:-10}" || rc=$?
		((rc > 128)) || return 0
		printf '  %s: %d s: %s\n' "$label" $((SECONDS - start)) \
			"$(tail -n 1 "$log" 2>/dev/null | tr -d '\r' | cut -c 1-90)" >&2
	done
}

# progress LABEL LOG COMMAND...: output goes to LOG, and a line now and then to the user.
progress() {
	local label=$1 log=$2 tick rc=0
	shift 2
	show "$@"
	: >"$log"
	exec {tick}> >(ticker "$label" "$log")
	"$@" >"$log" 2>&1 {tick}>&- || rc=$?
	exec {tick}>&-
	return "$rc"
}

# Nothing of the user's own git configuration may change what we write or read,
# and git must not write to the user's tree, not even to refresh its index.
pin_git() {
	local pairs=(
		user.name=iommu-defer user.email=iommu-defer@localhost
		safe.directory='*' core.fsmonitor=false core.untrackedCache=false
		core.autocrlf=false core.quotePath=true core.abbrev=12 core.whitespace=
		gc.auto=0 maintenance.auto=false commit.gpgSign=false advice.detachedHead=false
		init.defaultBranch=main am.threeWay=false am.keepcr=false mailinfo.scissors=false
		apply.whitespace=nowarn apply.ignoreWhitespace=no
		diff.algorithm=myers diff.context=3 diff.interHunkContext=0 diff.renames=false
		diff.noprefix=false diff.mnemonicPrefix=false diff.suppressBlankEmpty=false
		diff.indentHeuristic=true diff.orderFile=/dev/null diff.relative=false
		core.attributesFile=/dev/null core.excludesFile=/dev/null core.hooksPath=/dev/null
	) i
	unset "${!GIT_@}"
	export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_OPTIONAL_LOCKS=0
	export GIT_TERMINAL_PROMPT=0 GIT_PAGER=cat GIT_EDITOR=true LC_ALL=C TZ=UTC
	export GIT_CONFIG_COUNT=${#pairs[@]}
	for i in "${!pairs[@]}"; do
		export "GIT_CONFIG_KEY_$i=${pairs[i]%%=*}" "GIT_CONFIG_VALUE_$i=${pairs[i]#*=}"
	done
}
pin_git

make_cache() {
	{ mkdir -p "$CACHE" 2>/dev/null && [ -w "$CACHE" ]; } ||
		die disk "cannot write to the cache directory $CACHE: name another one with CACHE=DIR"
}

# An export and a build of each arch need about this much.
need_space() {
	local need=${NEED_GB:-8} free
	make_cache
	free=$(df -Pk "$CACHE" | awk 'NR == 2 { print int($4 / 1048576) }')
	((free >= need)) ||
		die disk "only $free GB free in $CACHE, $need GB wanted: make room, or name another directory with CACHE=DIR (NEED_GB=N changes the limit)"
}

# One run at a time per cache: the source and build directories are shared between runs.
lock_cache() {
	[ -z "${DEFER_LOCKED:-}" ] || return 0
	make_cache
	exec 9>>"$CACHE/lock"
	flock -n 9 ||
		die busy "another run (process $(cat "$CACHE/lock.pid" 2>/dev/null || echo '?')) is using $CACHE: wait for it, or name another directory with CACHE=DIR"
	echo $$ >"$CACHE/lock.pid"
	export DEFER_LOCKED=1
}

bases() {
	local conf
	for conf in "$DEFER_ROOT"/bases/*/base.conf; do
		conf=${conf%/base.conf}
		[ ! -d "$conf" ] || echo "${conf##*/}"
	done
}

# load_base BASE: sets the BASE_* variables, and BASE.
load_base() {
	local conf=$DEFER_ROOT/bases/$1/base.conf
	[[ $1 =~ ^[A-Za-z0-9._-]+$ && -e $conf ]] ||
		die usage "unknown base '$1'; known: $(bases | xargs). CONTRIBUTING.md says how to add one"
	unset "${!BASE_@}"
	BASE=$1
	# shellcheck source=/dev/null
	. "$conf"
	[[ -n ${BASE_LAYERS:-} && -n ${BASE_ARCHES:-} && -n ${BASE_FIXES:-} ]] ||
		die source "$conf must set BASE_LAYERS, BASE_ARCHES and BASE_FIXES"
	# What UPTO= can be: none, the fixes, and the patches that stand apart from them.
	BASE_STEPS=$(xargs <<<"$(seq 0 "$BASE_FIXES") ${BASE_APART:-}")
	# shellcheck disable=SC2034 # for harness/tree and harness/flips
	BASE_LAST=${BASE_STEPS##* }
}

# load_arch ARCH: sets CROSS_COMPILE, IMAGE, QEMU, MACHINE, CPU, CONSOLE.
load_arch() {
	local file=$HARNESS/arch/$1
	[[ $1 =~ ^[a-z0-9]+$ && -e $file ]] ||
		die usage "unknown ARCH '$1'; known: $(cd "$HARNESS/arch" && echo *)"
	# shellcheck source=/dev/null
	. "$file"
}

# check_arch ARCH: one that the loaded base is for.
check_arch() {
	load_arch "$1"
	[[ " $BASE_ARCHES " = *" $1 "* ]] ||
		die usage "base $BASE is not for ARCH '$1', only for: $BASE_ARCHES"
}

# check_upto UPTO: the number of a fix; prints it without leading zeros.
check_upto() {
	{ [[ $1 =~ ^[0-9]{1,4}$ ]] && [[ " $BASE_STEPS " = *" $((10#$1)) "* ]]; } ||
		die usage "UPTO='$1' is not a fix of $BASE: 0 (the tests only) to $BASE_FIXES${BASE_APART:+, or $BASE_APART}"
	echo $((10#$1))
}

patches() { # BASE: the files of the series, in order
	local f
	for f in "$DEFER_ROOT/series/$1"/[0-9]*.patch; do
		[ ! -e "$f" ] || printf '%s\n' "$f"
	done
}

# One line per file that a patch touches: PATH, blob before, blob after, new or edit.
patch_facts() {
	[ $# -gt 0 ] || return 0
	awk '/^diff --git a\// { path = $3; sub(/^a\//, "", path); kind = "edit" }
	     /^new file mode / { kind = "new" }
	     /^index [0-9a-f]+\.\.[0-9a-f]+/ {
		split($2, id, /\.\./); print path, id[1], id[2], kind }' "$@"
}

series_facts() {
	local list
	mapfile -t list < <(patches "$1")
	patch_facts "${list[@]}"
}

# What results/ are recorded for: the kernel's code. No result changes with a message, a text or what
# runs in user space.
series_hash() { # BASE
	patch_parts hunks "$DEFER_ROOT/series/$1"/*.patch |
		awk '/^diff --git / { code = $4 !~ /^b\/(Documentation\/|MAINTAINERS$|tools\/)/ } code' |
		sha256sum | cut -c 1-16
}

# The text of edits or series patches without what is generated: From, Date, Subject in one line
# each, message, what stands below --- (New-file lines, and what has no place there), hunks.
patch_parts() { # head|subject|body|new|stray|hunks FILE...
	patch_awk -v want="$1" "${@:2}"
}

# All parts at once, each in a file DIR/NAME.PART.
split_patches() { # DIR FILE...
	mkdir -p "$1"
	[ $# -eq 1 ] || patch_awk -v dir="$1" "${@:2}"
}

patch_awk() { # -v VARIABLE FILE...
	awk "$1" "$2" '
	BEGIN { split("head subject body new stray hunks", parts, " ") }
	function put(part, text) {
		if (dir) print text >(out "." part)
		else if (part == want) print text }
	function header(l) {
		if (l ~ /^[ \t]/) { sub(/^[ \t]+/, " ", l); held = held l; return }
		flush(); held = l }
	function flush() {
		if (held ~ /^Subject:/) {
			sub(/^Subject: */, "", held); sub(/^(\[PATCH[^]]*\] *)+/, "", held)
			put("subject", held)
			put("head", "Subject: " held)
		} else if (held ~ /^(From|Date):/) put("head", held)
		held = "" }
	function end_file() {
		for (i = n; i > n - 4 && i > 0; i--) if (line[i] == "-- ") n = i - 1
		for (i = 1; i <= n; i++) put("hunks", line[i])
		if (dir) for (i in parts) close(out "." parts[i]) }
	FNR == 1 {
		if (NR > 1) end_file()
		part = n = 0; held = blank = ""
		i = split(FILENAME, path, "/"); out = dir "/" path[i]
		if (dir) for (i in parts) printf "" >(out "." parts[i])
	}
	FNR == 1 && /^From [0-9a-f]+ / { next }
	part == 0 && /^$/ { flush(); part = 1; next }
	part == 0 { header($0); next }
	part == 1 && /^---$/ { part = 2; next }
	part == 1 && /^$/ { blank = blank "\n"; next }
	part == 1 { put("body", blank $0); blank = ""; next }
	part == 2 && /^diff --git / { part = 3 }
	part == 2 && /^New-file: / { put("new", $2); next }
	part == 2 && /^-- $/ { part = 4 }
	part == 2 && !/^( |$)/ { put("stray", $0); next }
	part == 3 { line[++n] = $0 }
	END { end_file() }' "${@:3}"
}

allowed_splats() { # BASE: what its tests provoke on purpose
	local file=$DEFER_ROOT/bases/$1/splats
	[ ! -e "$file" ] || grep -v '^\(#\|$\)' "$file" || :
}

# The values of the "// KEY: value" lines of a scenario.
header() { # FRAGMENT KEY
	sed -n "s,^// $2: *,,p" "$1"
}

# Guest time of the last test result.
last_result_time() { # LOG
	sed -n 's/^\[ *\([0-9.]*\)\].* \(ok\|not ok\) [0-9].*/\1/p' "$1" | tail -n 1
}

# The scenarios of an arch that are for a base; with SCENARIO=, that one.
scenarios_of() { # BASE ARCH
	local file for_bases
	for file in "$DEFER_ROOT/scenarios/$2"/*.dtsi; do
		[ -e "$file" ] || continue
		for_bases=$(header "$file" bases | xargs)
		[[ " ${for_bases:-$1} " = *" $1 "* ]] || continue
		[ "${SCENARIO:-$(basename "$file" .dtsi)}" != "$(basename "$file" .dtsi)" ] || basename "$file" .dtsi
	done
}
