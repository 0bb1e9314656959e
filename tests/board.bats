#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2154,SC2153 # bats sets status and output, the helper CACHE
# make board: what is downloaded and built for it, and what it says of boots that went well and wrong. The
# last test is real: where the models or Debian's kernel can't be had, it is skipped, and says why.
load helper

# The real board has the cache of whoever runs the tests.
setup_file() { export OWN_CACHE=${CACHE:-}; }

# A project with a base linux-6.1, two machines, and a kernel of Debian's in the cache.
setup() {
	load_toy
	bin=$BATS_TEST_TMPDIR/bin kernel=$CACHE/debian/kernel-installed-arm64
	mkdir -p "$bin" "$DEFER_ROOT"/{scenarios/board,bases/linux-6.1} "$kernel"/{boot,usr/lib/image/soc,usr/src/headers-arm64}
	export PATH=$bin:$PATH QEMU=$bin/qemu-system-aarch64 MODEL=toy.so
	sed 's/^BASE_ARCHES=.*/BASE_ARCHES=arm64/; s/^BASE_PACKAGE=.*/BASE_PACKAGE=linux-source-9.9\nBASE_SUITE=toy/' \
		"$DEFER_ROOT/bases/toy/base.conf" >"$DEFER_ROOT/bases/linux-6.1/base.conf"
	printf '// %s\n' "about: a toy" "dtb: soc/toy.dtb" "machine: rcar-h3" "want: unbound translated" \
		"must: ipmmu-ds0: .*n-walk=[1-9]" >"$DEFER_ROOT/scenarios/board/okay.dtsi"
	printf '// %s\n' "about: a toy" "dtb: soc/toy.dtb" "machine: rcar-h3,prr=1" "want: untranslated untranslated" \
		"mustnot: ipmmu-.*n-walk=[1-9]" >"$DEFER_ROOT/scenarios/board/off.dtsi"
	touch "$DEFER_ROOT"/scenarios/board/{init,sgtest}.c "$kernel/boot/vmlinuz-9.9"
	dtc -q -I dts -O dtb -o "$kernel/usr/lib/image/soc/toy.dtb" <<-'EOF'
		/dts-v1/;
		/ {
			iommu@e6740000 { #iommu-cells = <1>; phandle = <1>; };
			dma-controller@e6700000 { compatible = "renesas,dmac-toy", "renesas,rcar-dmac"; dma-channels = <16>; iommus = <1 0>, <1 1>; };
			dma-controller@e7300000 { compatible = "renesas,dmac-toy", "renesas,rcar-dmac"; dma-channels = <16>; iommus = <1 33>; };
			ethernet@e6800000 { iommus = <1 2>; };
			dma-controller@ec700000 { compatible = "renesas,dmac-toy", "renesas,rcar-dmac"; };
		};
	EOF
	# shellcheck disable=SC2016
	printf 'modules:\n\tfor f in `cat $(M)/Kbuild | sed "s/.*= //"`; do cp $(M)/$${f%%o}c $(M)/$${f%%o}ko; done\n' \
		>"$kernel/usr/src/headers-arm64/Makefile"
	# shellcheck disable=SC2016
	stand_in aarch64-linux-gnu-gcc <<<'while [ "$1" != -o ] && [ $# -gt 0 ]; do shift; done; [ $# -eq 0 ] || : >"$2"'
	source_package
	fake_qemu
}

stand_in() {
	{ echo '#!/usr/bin/env bash'; cat; } >"$bin/$1"
	chmod +x "$bin/$1"
}

# Debian's source, and a fix for it.
source_package() {
	local src=$BATS_TEST_TMPDIR/src/linux-source-9.9
	mkdir -p "$src"/drivers/{iommu,dma/sh} "$CACHE/debian/linux-source-9.9"
	printf '%s\n' "static const struct iommu_ops toy_ops = {" "};" "int broken;" >"$src/drivers/iommu/ipmmu-vmsa.c"
	touch "$src"/drivers/dma/{dmaengine.h,dmatest.c,sh/rcar-dmac.c}
	tar -cJf "$CACHE/debian/linux-source-9.9/linux-source-9.9.tar.xz" -C "$BATS_TEST_TMPDIR/src" linux-source-9.9
	echo "1-fixes toy-ipmmu" >"$DEFER_ROOT/patches/series.linux-6.1"
	{
		printf '%s\n' "From: Dev <dev@example.org>" "Date: Thu, 1 Jan 1970 00:00:00 +0000" "Subject: iommu: Fix" "" Why. ---
		printf '%s\n' "" "diff --git a/drivers/iommu/ipmmu-vmsa.c b/drivers/iommu/ipmmu-vmsa.c" \
			"--- a/drivers/iommu/ipmmu-vmsa.c" "+++ b/drivers/iommu/ipmmu-vmsa.c" "@@ -1,3 +1,3 @@" \
			" static const struct iommu_ops toy_ops = {" " };" "-int broken;" "+int fixed;"
	} >"$DEFER_ROOT/patches/toy-ipmmu.patch"
}

# QEMU with a guest to whom all goes well, but for what FAKE_SED makes of its log, FAKE_COUNT of the counters and
# FAKE_ERROR says; FAKE_QEMU=hang doesn't end, =refuse doesn't begin, =die ends before it has told its counters.
fake_qemu() {
	stand_in qemu-system-aarch64 <<-'EOF'
		unset LD_PRELOAD
		machine='' serial='' errors='' words='' kernel=/dev/null
		while [ $# -gt 0 ]; do
			case $1 in
			-M) machine=$2 ;;
			-serial) serial=${2#file:} ;;
			-D) errors=$2 ;;
			-kernel) kernel=$2 ;;
			-append) words=${2##* -- } ;;
			-initrd) cp "$2" "$CACHE/initrd" ;;
			esac
			shift
		done
		[ "$FAKE_QEMU" != refuse ] || { echo "no machine today" >&2; exit 1; }
		[ "$FAKE_QEMU" != hang ] || { echo "[    1.000000] here" >"$serial"; exec sleep 1000; }
		{ echo "[ARM]arm_get_cpu_by_id: Requesting unknown CPU 256"; [ -z "$FAKE_ERROR" ] || echo "$FAKE_ERROR"; } >"$errors"
		transfers=${words%% *} dmacs=${words#* } before="domain=- channels=0" after="domain=DMA channels=15" last=14 walks=5 faults=6 where=beyond on="0 1 33"
		[ "$machine" != rcar-h3,prr=1 ] || { before="domain=- channels=16" after=$before last=15 walks=0 faults=0 on=; }
		[ "$machine" != rcar-h2 ] || { before="domain=- channels=15" after=$before where=below; }
		! grep -q "one: broken" "$kernel" || { before="domain=- channels=0" after=$before; }
		p() { echo "[    1.234567] $*"; }
		steps() { for dmac in $dmacs; do p "board: $1 $dmac $2"; done; }
		tests() {
			n=0
			for dmac in $dmacs; do
				for chan in 0 $last; do
					p "board: test $1 $dmac dma${n}chan$chan"
					name=dma${n}chan$chan-copy0
					p "dmatest: ${name:0:15}: summary $transfers tests, 0 failures 100.00 iops 400 KB/s (0)"
				done
				n=$((n + 1))
			done
		}
		# What sgtest.c and the selftest say; two transfers of each that fail, behind an IPMMU.
		others() {
			n=0
			[ $faults -eq 0 ] || echo "Invalid read at addr 0xFFFE5ABC, size 4" >>"$errors"
			for dmac in $dmacs; do
				p "selftest: ok $((n += 1)) $dmac"
			done
			p "selftest: ok $((n += 1)) e6800000.ethernet # SKIP not available itself"
			p "board: selftest came to 0"
			for dmac in $dmacs; do
				p "sgtest: $dmac: scattered: 50 transfers, 0 failures, $where 4 GiB"
				[ $faults -gt 0 ] || continue
				for what in "source not mapped" "target not mapped" "target read-only"; do
					p "ipmmu-vmsa e6740000.iommu: Unhandled fault: status 0x00003001 iova 0xfffe5000"
					p "sgtest: $dmac: $what: as wanted, at 0xfffe5000"
				done
				p "sgtest: $dmac: after faults: 0 failures"
			done
		}
		{
			p "board: user space"
			steps before "$before"
			steps after "$after"
			for dmac in $dmacs; do p "board: master $dmac driver $([ "${after#*channels=}" = 0 ] && echo none || echo rcar-dmac)"; done
			tests 1
			steps unbound "domain=- channels=0"
			steps rebound "$after"
			tests 2
			others
			p "board: end"
			p "reboot: Power down"
		} | sed "$FAKE_SED" >"$serial"
		echo '{"QMP": {}}'
		read -r _
		printf '%s\n' '{"return": {}}' '{"event": "RESUME"}' '{"event": "SHUTDOWN"}'
		while read -r line; do
			# An answer that comes when nobody is there any more to be asked the next question
			[ "$FAKE_QEMU" != die ] || { (sleep 0.3; echo '{"return": [{"name": "dmac0", "type": "child<rcar-dmac>"}]}') & exit 1; }
			case $line in
			*quit*) exit ;;
			*'"/machine"'*) echo '{"return": [{"name": "ipmmu-ds0", "type": "child<rcar-ipmmu>"},
				{"name": "dmac0", "type": "child<rcar-dmac>"}, {"name": "gic", "type": "child<arm_gic>"}]}' | tr -d '\n'; echo ;;
			# 32 registers in the first bank and 16 in the second; 0x21 is on for context 2
			*xp*) sed 's/.*xp .\([0-9]*\)wx \(0x[0-9a-f]*\).*/\1 \2/' <<<"$line" | {
				read -r words at
				answer=""
				for ((i = 0; i < words / 4; i++)); do
					n=$i value=0x00000000
					[ "${at: -3}" = 300 ] || n=$((i + 32))
					[[ " ${FAKE_ON-$on} " != *" $n "* ]] || value=0x00000021
					[[ " $FAKE_OTHER " != *" $n "* ]] || value=0x00000031
					answer+="00000000$(printf %08x $((at + 16 * i))): $value 0x00000000 0x00000000 0x00000000\\r\\n"
				done
				echo "{\"return\": \"$answer\"}"
			} ;;
			*qom-list*ipmmu*) echo '{"return": [{"name": "n-walk"}, {"name": "n-fault"}, {"name": "gen"}]}' ;;
			*qom-list*dmac*) echo '{"return": [{"name": "n-bytes"}, {"name": "n-errors"}]}' ;;
			*n-walk*) echo "{\"return\": $walks}" | sed "$FAKE_COUNT" ;;
			*n-bytes*) echo '{"return": 4096}' ;;
			*n-fault*) echo "{\"return\": ${FAKE_FAULTS:-$faults}}" ;;
			*) echo "{\"return\": ${FAKE_DMA_ERRORS:-$faults}}" ;;
			esac
		done
	EOF
}

# bad SED WHY: a boot of which this sed command is made is a FAIL for this reason.
bad() {
	FAKE_SED=$1 SCENARIO=okay h board
	expect 1 "FAIL  okay"
	expect 1 "$2"
	one_error
}

@test "boards that pass, and what there is to see; a second run builds nothing" {
	TRANSFERS=70 h board
	expect 0 "PASS  okay                 2 DMA controllers translated, 560 transfers, 100 per s on each channel, 5 walks, user space after 1.2 s"
	expect 0 "PASS  off                  2 DMA controllers untranslated, 560 transfers, 100 per s on each channel, 0 walks"
	[[ $output == *"make -C $kernel/usr/src/headers-arm64"* ]]
	# What is booted has the fix, and is a module.
	grep -aq "int fixed;" "$CACHE/initrd"
	grep -aq "owner = THIS_MODULE" "$CACHE/initrd"
	grep -aq 'MODULE_LICENSE("GPL");' "$CACHE/initrd"
	cpio -t <"$CACHE/initrd" 2>/dev/null | xargs | grep -qx "init ipmmu-vmsa.ko rcar-dmac.ko dmatest.ko" || ! command -v cpio
	grep -qx "ipmmu-ds0: n-walk=5 n-fault=6" "$CACHE/board/okay.log"
	h board
	expect 0 "2 DMA controllers translated, 8,000 transfers"
	[[ $output != *"make -C"* ]]
}

@test "another driver is built and booted; the next run has the series' again" {
	printf 'static const struct iommu_ops my_ops = {\n};\nMODULE_LICENSE("GPL v2");\n' >"$BATS_TEST_TMPDIR/mine.c"
	DRIVER=$BATS_TEST_TMPDIR/mine.c h board
	expect 0 "PASS  okay"
	grep -aq my_ops "$CACHE/initrd"
	[ "$(grep -ac MODULE_LICENSE "$CACHE/initrd")" -eq 1 ]
	h board
	expect 0 "PASS  okay"
	grep -aq toy_ops "$CACHE/initrd"
}

@test "a channel that hangs, fails, does less than it was told, or was never started" {
	bad '/dma0chan14-cop.*summary/{x;s/^/x/;/^x$/d;x}' "test 1: 1 channels of 4 are bad: dma0chan14 of e6700000.dma-controller: hangs"
	bad '/dma1chan0-cop.*summary/s/ 0 fail/ 3 fail/' "test 1: 1 channels of 4 are bad: dma1chan0 of e7300000.dma-controller: 1000 tests, 3 failures"
	[[ $output == *"test 2: 1 channels of 4 are bad: dma1chan0 of e7300000.dma-controller: 1000 tests, 3 failures"* ]]
	bad 's/summary 1000/summary 999/' "test 1: 4 channels of 4 are bad: dma0chan0 of e6700000.dma-controller: 999 tests, 0 failures"
	bad '/test 2 .*dma1chan14/d' "test 2: only 3 channels of 4 were started"
	# Each round is judged by what it has said itself.
	bad "/board: unbound/,\${/summary/d}" "test 2: 4 channels of 4 are bad"
	[[ $output != *"test 1:"* ]]
}

@test "a controller that is not what is wanted, or that nothing is said of" {
	bad '/after e67/s/domain=.*/domain=- channels=16/' "after: e6700000.dma-controller is untranslated (domain -, 16 channels), wanted translated"
	bad '/after e67/s/domain=.*/domain=identity channels=15/' "after: e6700000.dma-controller is untranslated (domain identity"
	bad '/rebound e73/s/channels=.*/channels=0/' "rebound: e7300000.dma-controller is unbound"
	bad '/before e73/s/domain=.*/domain=DMA channels=15/' "before: e7300000.dma-controller is translated (domain DMA, 15 channels), wanted unbound"
	bad '/unbound e73/s/channels=.*/channels=15/' "unbound: e7300000.dma-controller is"
	bad 's/channels=15/channels=16/' "after: e6700000.dma-controller is translated (domain DMA, 16 channels), wanted translated"
	bad '/after e67/d' "after: nothing is said of e6700000.dma-controller"
}

@test "no walk, a fault, an error of a DMA controller or of the guest, a splat" {
	FAKE_COUNT=s/5/0/ bad '' "no line matches: ipmmu-ds0: .*n-walk=[1-9]"
	FAKE_FAULTS=5 bad '' "5 faults that the IPMMUs have counted, wanted 6"
	FAKE_DMA_ERRORS=3 bad '' "3 errors that the DMA controllers have counted, wanted 6"
	FAKE_ERROR="Invalid read at addr 0xFFFE4ABC, size 4" bad '' "guest error: Invalid read at addr 0xFFFE4ABC, size 4 (1 such lines)"
	FAKE_ERROR="ipmmu-ds0: write to nowhere" bad '' "guest error: ipmmu-ds0: write to nowhere (1 such lines)"
	bad 's/reboot: /WARNING: CPU: 0 PID: 1 at toy.c:1\n&/' "splat: "
	FAKE_COUNT=s/0/7/ SCENARIO=off h board
	expect 1 "(must not match: ipmmu-.*n-walk=[1-9])"
}

@test "micro-TLBs that are off, on without a master, or on for another context" {
	FAKE_ON="0 33" bad '' "micro-TLBs of e6740000 not on: 1"
	FAKE_ON="0 1 2 33 34" bad '' "micro-TLBs of e6740000 on, and should not be: 34"
	FAKE_OTHER=33 bad '' "the DMA controllers behind e6740000 have contexts 2 and 3"
	FAKE_ON=0 SCENARIO=off h board
	expect 1 "micro-TLBs of e6740000 on, and should not be: 0"
	FAKE_ON=2 SCENARIO=off h board
	expect 0 "PASS  off"
	fdtput "$kernel/usr/lib/image/soc/toy.dtb" /iommu@e6740000 phandle -t u 9
	bad '' "e6700000.dma-controller: the device tree has no micro-TLB for it"
}

@test "scattered transfers that fail, and faults that are not told, or not as wanted" {
	bad '/e67.*scattered/s/ 0 fail/ 3 fail/' "e6700000.dma-controller: scattered: 50 transfers, 3 failures"
	bad 's/beyond 4/below 4/' "e6700000.dma-controller: scattered: 50 transfers, 0 failures, below 4 GiB"
	bad '/e73.*scattered/d' "e7300000.dma-controller: scattered: nothing is said"
	bad '/source not/s/as wanted/the transfer says that it is complete/' "source not mapped: the transfer says that it is complete"
	bad '/e73.*target not/d' "e7300000.dma-controller: target not mapped: nothing is said"
	bad '/after faults/s/0 fail/1 fail/' "after faults: 1 failures"
	bad '0,/Unhandled fault/{/Unhandled fault/d}' "5 faults that the driver has told of e6740000, wanted 6"
	bad 's/e6740000.iommu: Unh/e7740000.iommu: Unh/' "0 faults that the driver has told of e6740000, wanted 6"
	bad '/source not/s/0xfffe5000/0xfffe6000/' "source not mapped: no fault is told at 0xfffe6000"
	FAKE_FAULTS=1 SCENARIO=off h board
	expect 1 "1 faults that the IPMMUs have counted, wanted 0"
}

@test "a selftest that is not as wanted" {
	bad 's/ok 1 e67/not &/' "selftest: not ok e6700000.dma-controller"
	bad '/ok 2 e73/d' "selftest: e7300000.dma-controller is not \"ok\""
	bad '/ok 2 e73/s/$/ # SKIP unknown: deferred/' "selftest: e7300000.dma-controller is not \"ok\""
	bad 's/came to 0/came to 1/' "selftest: it did not come to 0"
	sed -i 's,^// about.*,&\n// rule: C7,' "$DEFER_ROOT/scenarios/board/off.dtsi"
	SCENARIO=off h board
	expect 1 "is not \"ok # SKIP unknown: untranslated; the IOMMU driver may have rejected it\""
	FAKE_SED='/selftest: ok .*dma/s/$/ # SKIP unknown: untranslated; the IOMMU driver may have rejected it/; s/came to 0/came to 4/' SCENARIO=off h board
	expect 0 "PASS  off"
}

@test "a guest that is late, has no user space, or doesn't come to its end" {
	bad '/user space/s/1.234567/20.500000/' "user space was reached after 20.500000 s, wanted 20 (USER_LIMIT=SECONDS changes it)"
	bad '/board: /d' "user space was not reached"
	bad '/board: end/d' "the guest did not come to its end; last line: [    1.234567] reboot: Power down"
}

@test "a QEMU that hangs, one that doesn't start, and one that dies" {
	FAKE_QEMU=die bad '' "QEMU failed with 1"
	FAKE_QEMU=hang BOOT_LIMIT=1 bad '' "QEMU timed out after 1 s (BOOT_LIMIT=SECONDS changes it)"
	FAKE_QEMU=refuse bad '' "QEMU failed with 1: no machine today"
}

@test "bad input: a machine, a tree, a number, a driver" {
	SCENARIO=none h board
	expect 2 "unknown SCENARIO=none for boards; known: off okay"
	TRANSFERS=0 h board
	expect 2 "TRANSFERS=0: want a number, from 1 on"
	DRIVER=none.c h board
	expect 2 "DRIVER=none.c: no such file"
	echo "int x;" >"$BATS_TEST_TMPDIR/none.c"
	DRIVER=$BATS_TEST_TMPDIR/none.c h board
	expect 21 "none.c has no struct iommu_ops: is it 6.1's drivers/iommu/ipmmu-vmsa.c?"
	one_error
}

@test "bad input: no compiler, modules that don't build, QEMU without the models" {
	FAKE_UID=1000 FAKE_MISSING=gcc-aarch64-linux-gnu h board
	expect 10 "missing packages. As root: apt-get install"
	printf 'modules:\n\t@echo "toy.c:1:1: error: no toy"; false\n' >"$kernel/usr/src/headers-arm64/Makefile"
	h board
	expect 18 "toy.c:1:1: error: no toy"
	one_error
	MODEL='' QEMU=none h board
	expect 26 "error: none is not of Debian's package qemu-system-arm"
}

# An apt that has no network.
fake_apt() {
	rm -r "$kernel"
	stand_in apt-get <<-'EOF'
		case $* in
		*indextargets*) echo 'http://deb.example/debian toy main' ;;
		*update) [ -z "$OFFLINE" ] || echo "Err:1 http://deb.example/debian Could not resolve 'deb.example'" ;;
		*download*) echo "$*" >>"$BATS_TEST_TMPDIR/calls"; cp "$BATS_TEST_TMPDIR"/debs/*.deb . ;;
		esac
	EOF
	stand_in apt-cache <<-'EOF'
		case $* in
		*pkgnames*) printf 'linux-image-9.9.0-%s\n' 1-arm64-unsigned 2-arm64-unsigned 2-arm64 2-rt-arm64-unsigned ;;
		*madison*) [ -n "$OFFLINE" ] || printf ' linux-image-9.9.0-%s | %s | http://deb.example\n' \
			1-arm64-unsigned:arm64 9.9-1 2-arm64-unsigned:arm64 "${HAS:-installed}" ;;
		esac
	EOF
}

deb() { # NAME FILE...: a package with these files
	local name=$1 file dir=$BATS_TEST_TMPDIR/deb/$1
	shift
	mkdir -p "$dir/DEBIAN" "$BATS_TEST_TMPDIR/debs"
	for file; do
		mkdir -p "$dir/$(dirname "$file")"
		echo "include /usr/src/linux-headers-9.9.0-2-common/Makefile" >"$dir/$file"
	done
	printf '%s\n' "Package: $name" "Version: 9.9-2" "Architecture: all" "Maintainer: toy <t@example.org>" "Description: toy" \
		>"$dir/DEBIAN/control"
	dpkg-deb -b "$dir" "$BATS_TEST_TMPDIR/debs/${name}_9.9-2_all.deb" >/dev/null
}

unpack() { PYTHONPATH=$HARNESS run python3 -c "from defer import debian, lib; lib.main(lambda: print(*debian.kernel('linux-source-9.9', 'arm64')))"; }

@test "the kernel of the installed source is downloaded and unpacked once" {
	fake_apt
	deb linux-image-9.9.0-2-arm64-unsigned boot/vmlinuz-9.9.0-2-arm64 lib/modules/large.ko usr/lib/linux-image/renesas/toy.dtb
	deb linux-headers-9.9.0-2-arm64 usr/src/linux-headers-9.9.0-2-arm64/Makefile
	unpack
	expect 0 "$kernel installed"
	[ -e "$kernel/boot/vmlinuz-9.9.0-2-arm64" ] && [ -e "$kernel/usr/lib/linux-image/renesas/toy.dtb" ]
	[ ! -e "$kernel/lib" ]
	grep -qx "include ../linux-headers-9.9.0-2-common/Makefile" "$kernel/usr/src/linux-headers-9.9.0-2-arm64/Makefile"
	grep -q "linux-image-9.9.0-2-arm64-unsigned:arm64=installed linux-headers-9.9.0-2-arm64:arm64=installed" "$BATS_TEST_TMPDIR/calls"
	unpack
	expect 0 "$kernel installed"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/calls")" -eq 1 ]
	[ "$(ls "$CACHE/debian")" = "$(printf 'kernel-installed-arm64\nlinux-source-9.9')" ]
}

@test "bad input: a second run beside the first one" {
	mkdir -p "$CACHE/board"
	exec 9>"$CACHE/board/lock"
	flock 9
	h board
	expect 16 "is using $CACHE/board: wait for it"
}

@test "bad input: no network, and mirrors that have another kernel" {
	fake_apt
	OFFLINE=1 unpack
	expect 10 "no network, or no mirror: 1 http://deb.example/debian Could not resolve 'deb.example'"
	HAS=9.9-2 unpack
	expect 10 "the mirrors have no arm64 kernel of linux-source-9.9 installed (any more); they have 9.9-1, 9.9-2: apt-get update"
	[ "$(ls "$CACHE/debian")" = linux-source-9.9 ]
}

@test "the real board: 6.1's driver passes, and one that doesn't flush is noticed" {
	unset DEFER_ROOT QEMU MODEL
	PATH=${PATH#"$bin":"$TESTS/toy/bin":}
	export CACHE=$OWN_CACHE TRANSFERS=4 SCENARIO=rzg2m-okay
	h board
	[ "$status" -ne 10 ] && [ "$status" -ne 26 ] || skip "$(grep '^error: ' <<<"$output")"
	expect 0 "PASS  rzg2m-okay           5 DMA controllers translated, 80 transfers"
	version=$(sed -n "s/^Debian's linux-6.1, \(.*\), on a model.*/\1/p" <<<"$output")
	cache=$(sed -n 's/.*logs are in \(.*\)\/board$/\1/p' <<<"$output")
	driver=$cache/debian/modules-$version/drivers/iommu/ipmmu-vmsa.c
	sed '/^static void ipmmu_tlb_invalidate/,/^}/{/reg |= IMCTR_FLUSH/d}' "$driver" >"$BATS_TEST_TMPDIR/ipmmu-vmsa.c"
	run cmp "$driver" "$BATS_TEST_TMPDIR/ipmmu-vmsa.c"
	[ "$status" -eq 1 ]
	DRIVER=$BATS_TEST_TMPDIR/ipmmu-vmsa.c h board
	expect 1 "channels of 10 are bad"
	[[ $output =~ " faults that the IPMMUs have counted, wanted 15" ]]
}

# A tree with the device tree of a board, which an arm kernel is built from.
board_tree() {
	rm -r "$DEFER_ROOT"/{bases/linux-6.1,patches/series.linux-6.1,patches/toy-ipmmu.patch}
	mkdir -p "$tree/arch/arm/boot/dts"
	cat >"$tree/arch/arm/boot/dts/toy-board.dts" <<-'EOF'
		/dts-v1/;
		/ {
			iommu@e6740000 { #iommu-cells = <1>; phandle = <1>; };
			a: dma-controller@e6700000 { compatible = "renesas,dmac-toy", "renesas,rcar-dmac"; dma-channels = <16>; };
			b: dma-controller@e7300000 { compatible = "renesas,dmac-toy", "renesas,rcar-dmac"; dma-channels = <16>; };
		};
	EOF
	# shellcheck disable=SC2016
	printf '%%.dtb:\n\t@mkdir -p $(O)/arch/arm/boot/dts; for f in toy-board $*; do sed "/^#include/d" arch/arm/boot/dts/$$f.dts; done | dtc -q -O dtb -o $(O)/arch/arm/boot/dts/$@\n' \
		>>"$tree/Makefile"
	# shellcheck disable=SC2016
	stand_in arm-linux-gnueabi-gcc <<<'case "$*" in *--version*) echo toy ;; esac; while [ "$1" != -o ] && [ $# -gt 0 ]; do shift; done; [ $# -eq 0 ] || : >"$2"'
	mkdir -p "$DEFER_ROOT/scenarios/board/include"
	printf '%s\n' "&a { iommus = <1 0>, <1 1>; };" "&b { iommus = <1 33>; };" >"$DEFER_ROOT/scenarios/board/include/toy.dtsi"
	printf '%s\n' "// about: a toy" "// bases: toy" "// dts: arm toy-board.dts" "// machine: rcar-h2" "// want: translated translated" \
		'/include/ "board/include/toy.dtsi"' >"$DEFER_ROOT/scenarios/board/built.dtsi"
	cp "$HARNESS"/kconfig/board{,.arm} "$DEFER_ROOT/harness/kconfig/"
}

@test "a kernel of TREE= is built and booted without the fixes and with all, and recorded" {
	board_tree
	before=$(fingerprint "$tree")
	TREE=$tree TRANSFERS=70 h board
	expect 0 "FAIL  built"
	expect 0 "before: e6700000.dma-controller is unbound"
	expect 0 "PASS  built                2 DMA controllers translated, 560 transfers, 100 per s on each channel, 5 walks"
	[[ $output != *okay* ]]
	expect 0 "  arm built: 0 and 2 of 2"
	grep -qx "arm built: fails, passes" "$DEFER_ROOT/results/board.toy"
	grep -qx "arm built e7300000.dma-controller: none, rcar-dmac" "$DEFER_ROOT/results/board.toy"
	[ "$(fingerprint "$tree")" = "$before" ]
	rm "$DEFER_ROOT/results/board.toy"
	TREE=$tree UPTO=2 h board
	expect 0 "toy, fixes: 2"
	[ ! -e "$DEFER_ROOT/results/board.toy" ]
	FAKE_SED='/board: end/d' TREE=$tree h board
	expect 1 "boards failed with all fixes"
	[ ! -e "$DEFER_ROOT/results/board.toy" ]
}

@test "a tree that has the series already is built as it is" {
	board_tree
	git_tree
	"$HARNESS/series"
	apply_to_tree
	TREE=$tree h board
	expect 0 "PASS  built"
	[[ $output != *FAIL* ]]
	[ ! -e "$DEFER_ROOT/results/board.toy" ]
}

@test "bad input: a tree without the board's device tree, one that no board is for, arguments that don't go together" {
	board_tree
	rm "$tree/arch/arm/boot/dts/toy-board.dts"
	TREE=$tree h board
	expect 2 "toy has no arch/arm/boot/dts/toy-board.dts, which"
	TREE=$tree SCENARIO=okay h board
	expect 2 "unknown SCENARIO=okay for boards and toy; known: built"
	TREE=$tree BOARD=h4 h board
	expect 2 "BOARD=h4: want h2 or h3"
	TREE=$tree BOARD=h3 h board
	expect 2 "no board is for toy h3 yet"
	rm "$DEFER_ROOT/scenarios/board/built.dtsi"
	TREE=$tree h board
	expect 2 "no board is for toy yet"
	TREE=$tree DRIVER=/dev/null h board
	expect 2 "DRIVER= is for the kernel that Debian has built"
	UPTO=1 h board
	expect 2 "takes no UPTO="
	ARCH=arm h board
	expect 2 "takes no UPTO="
	BOARD=h2 h board
	expect 2 "BOARD=h2 is arm: say TREE="
	DRIVER=/tmp h board
	expect 2 "DRIVER=/tmp is no file"
	printf '// %s\n' "bases: toy" "machine: rcar-h2" "dts: arm x.dts" >"$DEFER_ROOT/scenarios/board/other.dtsi"
	SCENARIO=other h board
	expect 2 "other is for toy: say TREE= or BASE="
}

@test "make ipmmu: what it makes of the writes to registers, and a kernel that it has no board for" {
	board_tree
	TREE=$tree run "$TESTS/../tools/ipmmu"
	expect 2 "toy has no board for this: want v4.12 or linux-6.12"
	run "$TESTS/../tools/ipmmu"
	expect 2 "say TREE=path/to/v4.12 or BASE=linux-6.12"
	BASE=linux-6.1 run "$TESTS/../tools/ipmmu"
	expect 2 "say TREE=path/to/v4.12 or BASE=linux-6.12"
	run python3 "$TESTS/ipmmu.py"
	expect 0 "ok a row that one has"
}
