#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2154,SC2030,SC2031 # bats sets status and output; the helper machine and tree
# The kselftest, on machines made of files: what it says of the rules of docs/contract.md, and of device
# trees that break every rule. It is built with ASan and UBSan, so a crash is a failure here.
load selftest/machine

ROOT=$(dirname "$BATS_TEST_DIRNAME")
SOURCE=$ROOT/linux/common/tools/testing/selftests/iommu_defer

build() { # OUTPUT ARGS...
	gcc -g -O1 -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers -Werror \
		-fsanitize=address,undefined -fno-sanitize-recover=all -o "$BATS_FILE_TMPDIR/$1" "${@:2}"
}

setup_file() {
	build iommu_defer "$SOURCE"/*.c
	build smoke -DSMOKE=20000 -I"$SOURCE" "$BATS_TEST_DIRNAME/selftest/fuzz.c" "$SOURCE"/{assess,model,report,tap}.c
}

look() { run "$BATS_FILE_TMPDIR/iommu_defer" -r "$machine" "$@"; }

# The last command ended with this code and said this.
expect() { # CODE TEXT
	if [ "$status" -ne "$1" ] || [[ $output != *"$2"* ]]; then
		printf 'wanted %s and "%s", got %s and:\n%s\n' "$1" "$2" "$status" "$output"
		return 1
	fi
}

# One look at a machine with one master.
finds() { # CODE TEXT
	look
	expect "$@"
}

@test "C1 disabled IOMMU: an untranslated master is right" {
	for value in disabled fail reserved "" okay2; do
		another_machine
		iommu mmu 1 smmu
		string mmu status "$value"
		master dma dma-driver 1 7
		finds 0 "untranslated, bound to dma-driver: /mmu is not available, its status is \"$value\""
		[[ $output == *$'\nok 1 dma.master'* ]]
	done
}

@test "C1 disabled IOMMU: a master in a group is wrong" {
	iommu mmu 1 smmu disabled
	master dma dma-driver 1 7
	group platform/dma.master 3
	finds 1 "not ok 1 dma.master"
	expect 1 "in group 3, but must be untranslated: /mmu is not available"
}

@test "C1 disabled IOMMU: a group is wrong even if the master is not bound" {
	iommu mmu 1 smmu disabled
	master dma "" 1 7
	group platform/dma.master 3
	finds 1 "not ok 1 dma.master"
}

@test "C5 driven IOMMU: a bound master in a group is right, an unbound one is skipped" {
	for value in okay ok; do
		another_machine
		iommu mmu 1 smmu "$value"
		master dma dma-driver 1 7
		group platform/dma.master 3 DMA
		finds 0 "translated, in group 3: the driver of /mmu is smmu"
	done
	another_machine
	iommu mmu 1 smmu
	master dma "" 1 7
	group platform/dma.master 3
	finds 4 "SKIP not bound, in group 3 as it may be"
	deferred dma.master
	finds 4 "SKIP deferred, but not for its IOMMU, in group 3 as it may be"
}

@test "C7 driven IOMMU: an untranslated master may have been rejected" {
	iommu mmu 1 smmu
	master dma dma-driver 1 7
	finds 4 "ok 1 dma.master # SKIP unknown: untranslated; the IOMMU driver may have rejected it"
}

@test "C2 IOMMU without a driver: untranslated is right, a group is wrong" {
	iommu mmu 1
	master dma dma-driver 1 7
	finds 0 "untranslated, bound to dma-driver: /mmu is available, but has no driver"
	group platform/dma.master 3
	finds 1 "in group 3, but must be untranslated: /mmu is available, but has no driver"
}

@test "C2 IOMMU without a device: untranslated is right, a group is unknown, deferred is wrong" {
	prop mmu phandle 1
	prop mmu '#iommu-cells' 1
	master dma dma-driver 1 7
	finds 0 "untranslated, bound to dma-driver: /mmu is available, but has no device"
	group platform/dma.master 3
	finds 4 "SKIP unknown: in group 3, which may be right: /mmu is available, but has no device"
	another_machine
	prop mmu phandle 1
	prop mmu '#iommu-cells' 1
	master dma "" 1 7
	deferred 'dma.master\tplatform: wait for supplier /mmu'
	finds 1 "deferred for /mmu after the end of init, but that has no driver"
}

@test "C5 an IOMMU that is registered has a driver, whatever it is bound to" {
	iommu mmu 1
	mkdir -p "$machine/sys/class/iommu/mmu"
	ln -s "$machine/sys/devices/platform/mmu.iommu" "$machine/sys/class/iommu/mmu/device"
	master dma dma-driver 1 7
	group platform/dma.master 3
	finds 0 "translated, in group 3: the driver of /mmu is not named"
}

@test "C11 C14 several IOMMUs: all or none, whichever comes first" {
	iommu good 1 smmu
	iommu too 2 smmu
	iommu off 3 smmu disabled
	iommu lone 4
	iommu other 5 ipmmu
	group platform/good.iommu 1
	while read -r first second code text; do
		rm -rf "$machine"/sys/*/platform/*/dma.master "$machine"/sys/devices/platform/dma.master
		master dma dma-driver "$first" 0 "$second" 0
		group platform/dma.master 3
		finds "$code" "$text"
	done <<-'END'
		1 2 0 translated, in group 3
		1 3 1 must be untranslated: /off is not available
		3 1 1 must be untranslated: /off is not available
		1 4 1 must be untranslated: /lone is available, but has no driver
		4 3 1 must be untranslated: /off is not available
		1 5 1 must be untranslated: its IOMMUs have different drivers, smmu and ipmmu
		1 9 1 must be untranslated: can't parse iommus
	END
}

@test "C10 an empty entry is passed over, and what follows it counts" {
	iommu good 1 smmu
	iommu off 2 smmu disabled
	while read -r code text cells; do
		rm -rf "$machine"/sys/*/platform/*/dma.master "$machine"/sys/devices/platform/dma.master
		# shellcheck disable=SC2086 # one word a cell
		master dma dma-driver $cells
		group platform/dma.master 3
		finds "$code" "${text//_/ }"
		[[ $output != *"no node has phandle 0x0"* ]]
	done <<-'END'
		0 translated,_in_group_3 0 1 7
		0 translated,_in_group_3 1 7 0
		0 translated,_in_group_3 1 7 0 0 1 8
		1 must_be_untranslated:_/off_is_not_available 1 7 0 2 7
		1 must_be_untranslated:_can't_parse_iommus 0 9 7
	END
}

@test "a group of type identity does not translate" {
	iommu mmu 1 smmu
	master dma dma-driver 1 7
	group platform/dma.master 3 identity
	finds 0 "untranslated, bound to dma-driver, in group 3 of type identity"
	string mmu status disabled
	finds 0 "untranslated, bound to dma-driver: /mmu is not available"
}

@test "a group of VFIO without an IOMMU does not translate" {
	iommu mmu 1 smmu disabled
	master dma dma-driver 1 7
	group platform/dma.master 3
	echo vfio-noiommu >"$machine/sys/kernel/iommu_groups/3/name"
	finds 0 "untranslated, bound to dma-driver: /mmu is not available"
}

@test "a group that mmu-masters may explain is unknown" {
	iommu mmu 1 smmu disabled
	iommu legacy 2 smmu
	prop legacy mmu-masters 99 1
	master dma dma-driver 1 7
	group platform/dma.master 3
	finds 4 "SKIP unknown: in group 3, by mmu-masters of /legacy, or wrongly: /mmu is not available"
}

@test "not bound: says what the kernel does not tell" {
	iommu mmu 1
	master dma "" 1 7
	finds 4 "ok 1 dma.master # SKIP unknown: not bound: no driver, a probe that failed, or deferred for an IOMMU: /mmu"
	expect 4 "which IOMMU drivers are declared is not told"
	expect 4 "# debugfs does not tell which devices are deferred"
	string mmu status disabled
	finds 4 "or deferred, for what is not told; /mmu is not available"
	deferred 'other\t'
	finds 4 "neither bound nor deferred: no driver, or a probe that failed; its errno is not told"
	[[ $output != *debugfs* ]]
}

@test "not bound: waiting_for_supplier is told" {
	iommu mmu 1
	master dma "" 1 7
	echo 0 >"$machine/sys/devices/platform/dma.master/waiting_for_supplier"
	finds 4 "not bound: no driver"
	echo 1 >"$machine/sys/devices/platform/dma.master/waiting_for_supplier"
	finds 4 "not bound: it waits for a supplier, or no driver"
	deferred 'other\t'
	finds 4 "neither bound nor deferred: it waits for a supplier, or no driver"
}

@test "C1 deferred for a disabled IOMMU is wrong, by whichever name" {
	iommu mmu 1 smmu disabled
	master dma "" 1 7
	for reason in "supplier mmu.iommu not ready" "wait for supplier /mmu" "wait for supplier mmu"; do
		deferred 'x\tplatform: supplier mmu.iommu' "dma.master\tplatform: $reason"
		finds 1 "deferred for /mmu, which is not available: platform: $reason"
	done
	for reason in "supplier 1mmu.iommu" "supplier mmu.iommu-x" "/soc/mmu" mmu@1; do
		deferred "dma.master\t$reason"
		finds 4 "deferred for a reason that names none of its IOMMUs: $reason"
	done
}

@test "C31 deferred for an IOMMU without a driver is wrong after the end of init" {
	iommu mmu 1
	master dma "" 1 7
	deferred 'dma.master\tplatform: supplier mmu.iommu not ready'
	finds 1 "deferred for /mmu after the end of init, but that has no driver: platform: supplier mmu.iommu"
	mkdir "$machine/proc"
	echo "5.00 4.00" >"$machine/proc/uptime"
	finds 1 "deferred for /mmu after the end of init"
	touch "$machine/proc/modules"
	finds 4 "SKIP unknown: deferred for /mmu, whose driver may be in a module: try later"
	echo "100.00 4.00" >"$machine/proc/uptime"
	finds 1 "deferred for /mmu after the end of init"
	echo "quiet deferred_probe_timeout=90" >"$machine/proc/cmdline"
	finds 4 "whose driver may be in a module"
	echo "deferred_probe_timeout=-1" >"$machine/proc/cmdline"
	finds 4 "whose driver may be in a module"
}

@test "deferred otherwise is unknown, and a bound device is not deferred" {
	iommu mmu 1 smmu
	master dma "" 1 7
	# Older kernels give no reason, not even a tab before it.
	for line in 'dma.master\t' dma.master 'dma.master2\ndma.master'; do
		deferred "$line"
		finds 4 "unknown: deferred, the kernel does not tell for what; the driver of /mmu is smmu"
	done
	deferred dma.master2 dma
	finds 4 "neither bound nor deferred"
	deferred 'dma.master\tdma: failed to get clock'
	finds 4 "deferred for a reason that names none of its IOMMUs: dma: failed to get clock"
	deferred 'dma.master\tsupplier mmu.iommu not ready'
	finds 4 "unknown: deferred for /mmu, whose driver may have asked for that"
	bind platform/dma.master dma-driver
	string mmu status disabled
	finds 0 "untranslated, bound to dma-driver: /mmu is not available"
}

# Makes a machine whose master has no IOMMU that can be found: see the next test.
malformed() {
	another_machine
	iommu mmu 1 smmu
	master dma dma-driver 1 7
	case $1 in
	dangling) prop dma iommus 9 7 ;;
	no-cells) rm "$tree/mmu/#iommu-cells" ;;
	odd-cells) printf '\0\0\1' >"$tree/mmu/#iommu-cells" ;;
	huge-cells) prop mmu '#iommu-cells' 0xffffffff ;;
	many-cells)
		prop mmu '#iommu-cells' 17
		prop dma iommus 1 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17
		;;
	short) prop dma iommus 1 ;;
	second-short) prop dma iommus 1 7 1 ;;
	only-empty-entries) prop dma iommus 0 0 ;;
	empty) : >"$tree/dma/iommus" ;;
	half-a-cell) printf '\0\0' >"$tree/dma/iommus" ;;
	itself)
		prop dma phandle 5
		prop dma '#iommu-cells' 0
		prop dma iommus 5
		;;
	unterminated) printf disabled >"$tree/mmu/status" ;;
	esac
}

@test "C8 what can't be parsed: said in one line, untranslated is right, a group is wrong" {
	while read -r kind text; do
		echo "$kind"
		malformed "$kind"
		finds 0 "# $text"
		[ "$(grep -cF "# $text" <<<"$output")" -eq 1 ]
		[[ $output == *"untranslated, bound to dma-driver"* ]]
		group platform/dma.master 3
		finds 1 "in group 3, but must be untranslated"
	done <<-'END'
		dangling /dma: iommus: no node has phandle 0x9
		no-cells /dma: iommus: #iommu-cells of /mmu: none, or too many
		odd-cells /dma: iommus: #iommu-cells of /mmu: none, or too many
		huge-cells /dma: iommus: #iommu-cells of /mmu: none, or too many
		many-cells /dma: iommus: #iommu-cells of /mmu: none, or too many
		short /dma: iommus: #iommu-cells of /mmu: more than follow
		second-short /dma: iommus: #iommu-cells of /mmu: more than follow
		empty /dma: iommus names no IOMMU
		only-empty-entries /dma: iommus names no IOMMU
		half-a-cell /dma: iommus names no IOMMU
		itself /dma: iommus leads back to the node
		unterminated /mmu: status is not terminated
	END
}

# Makes a machine whose tree kernels read in more than one way.
doubtful() {
	malformed none
	case $1 in
	odd-length) printf '\0' >>"$tree/dma/iommus" ;;
	twice) prop dma2 phandle 1 ;;
	unterminated) printf okay >"$tree/mmu/status" ;;
	esac
}

@test "what kernels read in more than one way: said in one line, a group is unknown" {
	while read -r kind text; do
		echo "$kind"
		doubtful "$kind"
		finds 0 "# $text"
		[ "$(grep -cF "# $text" <<<"$output")" -eq 1 ]
		group platform/dma.master 3
		finds 4 "SKIP unknown: in group 3, which may be right"
	done <<-'END'
		odd-length /dma: iommus is not made of whole cells
		twice /dma: iommus: several nodes have phandle 0x1
		unterminated /mmu: status is not terminated
	END
}

@test "an unterminated status of an IOMMU without a driver leaves no doubt" {
	doubtful unterminated
	rm "$machine/sys/devices/platform/mmu.iommu/driver"
	group platform/dma.master 3
	finds 1 "must be untranslated: /mmu is available, but has no driver"
}

@test "a status is a string: what follows its end is not looked at" {
	malformed none
	printf 'okay\0disabled\0' >"$tree/mmu/status"
	group platform/dma.master 3
	finds 0 "translated"
}

@test "IOMMUs in a circle are said and checked" {
	iommu one 1 smmu
	iommu two 2 smmu
	bind platform/one.iommu smmu 2>/dev/null || :
	prop one iommus 2 0
	prop two iommus 1 0
	group platform/one.iommu 3
	finds 0 "# /one: iommus leads back to the node"
	expect 0 "# /two: iommus leads back to the node"
	expect 0 "ok 1 one.iommu"
	expect 0 "ok 2 two.iommu # SKIP unknown: untranslated"
}

@test "symbolic links in the device tree are said and not followed" {
	malformed none
	group platform/dma.master 3
	ln -s ../.. "$tree/dma/up"
	ln -s self "$tree/self"
	finds 0 "/dma/up is a symbolic link, not followed"
	expect 0 "/self is a symbolic link"
	expect 0 "1..1"
}

@test "old names: /proc/device-tree, and phandle as linux,phandle" {
	malformed none
	mv "$tree/mmu/phandle" "$tree/mmu/linux,phandle"
	mkdir "$machine/proc"
	mv "$machine/sys/firmware/devicetree/base" "$machine/proc/device-tree"
	for name in mmu.iommu dma.master; do
		ln -sfn "$machine/proc/device-tree/${name%.*}" "$machine/sys/devices/platform/$name/of_node"
	done
	group platform/dma.master 3
	finds 0 "translated, in group 3: the driver of /mmu is smmu"
}

@test "masters without a device, or not available themselves, are skipped with the reason" {
	iommu mmu 1 smmu
	prop lone iommus 1 7
	prop off iommus 1 7
	string off status disabled
	prop pcie iommu-map 0 1 0 0x10000
	finds 4 "ok 1 /lone # SKIP no device of this node in /sys"
	expect 4 "ok 2 /off # SKIP not available itself"
	expect 4 "ok 3 /pcie # SKIP no PCI device below it in /sys"
	expect 4 "pass:0 fail:0 xfail:0 xpass:0 skip:3"
}

@test "devices that borrow the node of a parent are no masters" {
	malformed none
	group platform/dma.master 3
	device platform/dma.master/child platform dma
	device platform/dma.master/host/usb1 platform dma other
	finds 0 "1..1"
}

@test "C24 PCI: what the map covers depends on the IOMMU it names" {
	iommu mmu 1 smmu
	iommu off 2 smmu disabled
	# Bus 0 but for its last id, bus 1, and a range whose end wraps around: kernels find nothing in that.
	host_bridge 0 1 0 0xff 0x100 2 0 0x100 0xff 1 0 0xffffffff
	for name in 0000:00:01.0 0000:00:1f.6 0000:00:1f.7; do
		pci_device "$name" pci-driver
		group "platform/pcie.host/pci0000:00/$name" 3
	done
	pci_device 0000:00:02.0
	pci_device 0000:00:02.0/0000:01:00.0 pci-driver
	config 0000:00:02.0 42
	finds 1 "ok 1 0000:00:01.0"
	expect 1 "ok 2 0000:00:02.0 # SKIP unknown: not bound"
	expect 1 $'\nok 3 0000:00:1f.6'
	expect 1 "0000:00:1f.7: in group 3, but must be untranslated: iommu-map does not cover id 0xff"
	expect 1 "not ok 4 0000:00:1f.7"
	expect 1 "0000:01:00.0: untranslated, bound to pci-driver: /off is not available"
	expect 1 $'\nok 5 0000:01:00.0'
	[[ $output != *"ok 6"* ]]
}

@test "C20 PCI: iommu-map-mask, and an id that is not covered" {
	iommu mmu 1 smmu
	host_bridge 0 1 0 0x8
	pci_device 0000:00:03.1 pci-driver
	finds 0 "untranslated, bound to pci-driver: iommu-map does not cover id 0x19"
	prop pcie iommu-map-mask 7
	group platform/pcie.host/pci0000:00/0000:00:03.1 3
	finds 0 "translated, in group 3: the driver of /mmu is smmu"
}

# A device with id 0x108, behind a bridge with id 0x10 that has bus 1 (0x100) below it.
bridged() { # CELL...: the iommu-map
	another_machine
	iommu mmu 1 smmu
	host_bridge "$@"
	pci_device 0000:00:02.0
	pci_device 0000:00:02.0/0000:01:01.0 pci-driver
	group platform/pcie.host/pci0000:00/0000:00:02.0/0000:01:01.0 3
}

@test "C20 PCI: a bridge of which nothing is known leaves a doubt, a PCI Express port does not" {
	bridged 0x100 1 0 0x100
	finds 4 "ok 2 0000:01:01.0 # SKIP unknown: in group 3, which may be right: iommu-map does not cover id 0x10"
	# An endpoint that has devices below it can't be.
	config 0000:00:02.0 02
	finds 4 "ok 2 0000:01:01.0 # SKIP unknown"
	for port in 42 52 62; do
		config 0000:00:02.0 $port
		finds 0 "0000:01:01.0: translated, in group 3"
	done
	# Without root the capability can't be read.
	truncate -s 64 "$machine/sys/devices/platform/pcie.host/pci0000:00/0000:00:02.0/config"
	finds 4 "ok 2 0000:01:01.0 # SKIP unknown"
}

@test "C20 PCI: the id that the topmost bridge sends must be covered" {
	while read -r type sent; do
		bridged 0x108 1 0 1
		config 0000:00:02.0 "$type"
		finds 1 "0000:01:01.0: in group 3, but must be untranslated: iommu-map does not cover id $sent"
	done <<-'END'
		72 0x100
		82 0x10
	END
	bridged 0x108 1 0 1
	config 0000:00:02.0
	finds 1 "0000:01:01.0: in group 3, but must be untranslated: iommu-map does not cover id 0x10"
}

@test "C21 PCI: an id that a bridge replaces need not be covered" {
	while read -r type sent; do
		bridged "$sent" 1 0 1
		config 0000:00:02.0 "$type"
		finds 0 "0000:01:01.0: translated, in group 3: the driver of /mmu is smmu"
	done <<-'END'
		72 0x100
		82 0x10
	END
	bridged 0x10 1 0 1
	config 0000:00:02.0
	finds 0 "0000:01:01.0: translated, in group 3: the driver of /mmu is smmu"
}

@test "C24 PCI: an id that a bridge replaces counts if it is covered" {
	bridged 0x108 2 0 1 0x100 1 0 1
	iommu off 2 smmu disabled
	config 0000:00:02.0 72
	finds 1 "0000:01:01.0: in group 3, but must be untranslated: /off is not available"
}

@test "C21 PCI: a conventional bridge below a port sends its own id or that of its bus" {
	another_machine
	iommu mmu 1 smmu
	host_bridge 0x100 1 0 1
	pci_device 0000:00:02.0
	pci_device 0000:00:02.0/0000:01:00.0
	pci_device 0000:00:02.0/0000:01:00.0/0000:02:01.0 pci-driver
	config 0000:00:02.0 42
	config 0000:00:02.0/0000:01:00.0
	group platform/pcie.host/pci0000:00/0000:00:02.0/0000:01:00.0/0000:02:01.0 3
	finds 4 "ok 3 0000:02:01.0 # SKIP unknown: in group 3, which may be right: iommu-map does not cover id 0x200"
	prop pcie iommu-map 0x100 1 0 1 0x200 1 0 1
	finds 0 "0000:02:01.0: translated, in group 3"
	prop pcie iommu-map 0x108 1 0 1
	finds 1 "0000:02:01.0: in group 3, but must be untranslated: iommu-map does not cover id 0x100"
}

@test "PCI: the ids of each bridge above are those of what is below it" {
	iommu mmu 1 smmu
	# The device, the outer bridge and the inner bus are covered, the bus between them is not.
	host_bridge 0x208 1 0 1 0x200 1 0 1 0x10 1 0 1
	pci_device 0000:00:02.0
	pci_device 0000:00:02.0/0000:01:00.0
	pci_device 0000:00:02.0/0000:01:00.0/0000:02:01.0 pci-driver
	config 0000:00:02.0/0000:01:00.0 62
	group platform/pcie.host/pci0000:00/0000:00:02.0/0000:01:00.0/0000:02:01.0 3
	finds 4 "ok 3 0000:02:01.0 # SKIP unknown: in group 3, which may be right: iommu-map does not cover id 0x100"
}

@test "PCI: a host bridge may be a master beside the devices below it" {
	iommu mmu 1 smmu
	iommu off 2 smmu disabled
	host_bridge 0 1 0 0x10000
	prop pcie iommus 2 7
	pci_device 0000:00:01.0 pci-driver
	group platform/pcie.host/pci0000:00/0000:00:01.0 3
	finds 0 "1..2"
	expect 0 "pcie.host: untranslated, bound to pci-host: /off is not available"
	expect 0 "0000:00:01.0: translated, in group 3: the driver of /mmu is smmu"
}

@test "C23 PCI: a map that can't be parsed is said once for all devices below it" {
	while read -r code text; do
		another_machine
		iommu mmu 1 smmu
		iommu twin 1 smmu
		prop twin phandle 2
		host_bridge 0 1 0 0x10000
		pci_device 0000:00:01.0 pci-driver
		pci_device 0000:00:02.0 pci-driver
		case $text in
		*groups*) prop pcie iommu-map 0 1 0 0x10000 0x10000 ;;
		*no\ node*) prop pcie iommu-map 0 9 0 0x10000 ;;
		*hides*) prop pcie iommu-map-mask 0xff && prop pcie iommu-map 0x100 1 0 1 ;;
		*several*) prop twin phandle 1 ;;
		esac
		finds 0 "# $text"
		[ "$(grep -cF "# $text" <<<"$output")" -eq 1 ]
		[[ $output == *"pass:2 "* ]]
		group platform/pcie.host/pci0000:00/0000:00:01.0 3
		group platform/pcie.host/pci0000:00/0000:00:02.0 4
		finds "$code" "can't parse iommu-map"
	done <<-'END'
		1 /pcie: iommu-map is not made of groups of four cells
		1 /pcie: iommu-map: no node has phandle 0x9
		1 /pcie: iommu-map has a base, 0x100, that iommu-map-mask hides
		4 /pcie: iommu-map: several nodes have phandle 0x1
	END
}

@test "nothing to check: exit code 4, and a plan of nothing" {
	mkdir "$machine"
	finds 4 "1..0 # SKIP no device tree"
	iommu mmu 1 smmu
	finds 4 "1..0 # SKIP no IOMMU of any device in the device tree"
}

@test "options: -h helps, wrong ones end with code 2" {
	look -h
	expect 0 "usage: iommu_defer"
	for wrong in -x "-r" extra; do
		run "$BATS_FILE_TMPDIR/iommu_defer" $wrong
		expect 2 "usage: iommu_defer"
	done
	expect 2 "unknown argument 'extra'"
	run "$BATS_FILE_TMPDIR/iommu_defer" -r "$machine/nowhere"
	expect 2 "no directory '$machine/nowhere'"
	[[ $output != *TAP* ]]
}

@test "TAP: version, plan before results, totals; names and properties stay on their line" {
	iommu mmu 1 smmu
	printf 'dis\nok 9 \x1b\0' >"$tree/mmu/status"
	iommu driven 2 smmu
	master 'a#1' dma-driver 1 7
	master b dma-driver 2 7
	group platform/b.master 3
	master c "" 2 7
	look -v
	expect 0 '# a#1.master: untranslated, bound to dma-driver: /mmu is not available, its status is "dis?ok 9 ?"'
	expect 0 "# b.master: node /b, driver dma-driver, group 3"
	expect 0 "#   IOMMU /mmu: not available, driver: smmu"
	[ "${lines[0]}" = "TAP version 13" ]
	[ "$(grep -v '^#' <<<"$output" | sed 1d | cut -d' ' -f1-3 | tr '\n' ,)" = \
		"1..3,ok 1 a_1.master,ok 2 b.master,ok 3 c.master," ]
	[ "${lines[-1]}" = "# Totals: pass:2 fail:0 xfail:0 xpass:0 skip:1 error:0" ]
}

@test "as process 1 it says its exit code and powers off" {
	[ "$(id -u)" -eq 0 ] && unshare --pid --mount --fork true || skip "needs the right to make namespaces"
	run unshare --pid --mount --fork "$BATS_FILE_TMPDIR/iommu_defer"
	[[ $output == *"TAP version 13"*"# exit code "* ]]
	# reboot() ends the first process of a namespace with SIGINT.
	[ "$status" -eq 130 ]
}

@test "20,000 random machines are checked without a crash, in proper TAP" {
	run "$BATS_FILE_TMPDIR/smoke"
	expect 0 "20000 machines checked"
}
