# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # bats sets BATS_TEST_TMPDIR
# Makes the /proc and /sys of a machine, below $machine.

machine=$BATS_TEST_TMPDIR/machine
tree=$machine/sys/firmware/devicetree/base

another_machine() { rm -rf "$machine"; }

cells() { # numbers as the device tree holds them: four bytes each, big-endian
	local n bytes
	for n in "$@"; do
		printf -v bytes '\\x%02x' $((n >> 24 & 255)) $((n >> 16 & 255)) $((n >> 8 & 255)) $((n & 255))
		printf '%b' "$bytes"
	done
}

prop() { # NODE NAME CELL...
	mkdir -p "$tree/$1"
	cells "${@:3}" >"$tree/$1/$2"
}

string() { # NODE NAME TEXT
	mkdir -p "$tree/$1"
	printf '%s\0' "$3" >"$tree/$1/$2"
}

# Any device: the directory in /sys, its bus, and its node and its driver if it has them.
device() { # DIR BUS [NODE] [DRIVER]
	local name=${1##*/} dir=$machine/sys/devices/$1
	mkdir -p "$dir" "$machine/sys/bus/$2/devices"
	ln -s "$dir" "$machine/sys/bus/$2/devices/$name"
	[ -z "${3:-}" ] || ln -s "$tree/$3" "$dir/of_node"
	[ -z "${4:-}" ] || bind "$1" "$4"
}

bind() { # DIR DRIVER
	mkdir -p "$machine/sys/bus/platform/drivers/$2"
	ln -s "$machine/sys/bus/platform/drivers/$2" "$machine/sys/devices/$1/driver"
}

iommu() { # NAME PHANDLE [DRIVER [STATUS]]: with one cell per master
	prop "$1" phandle "$2"
	prop "$1" '#iommu-cells' 1
	device "platform/$1.iommu" platform "$1" "${3:-}"
	[ -z "${4:-}" ] || string "$1" status "$4"
}

master() { # NAME DRIVER CELL...
	prop "$1" iommus "${@:3}"
	device "platform/$1.master" platform "$1" "$2"
}

group() { # DIR NUMBER [TYPE]
	local dir=$machine/sys/kernel/iommu_groups/$2
	mkdir -p "$dir"
	ln -sfn "$dir" "$machine/sys/devices/$1/iommu_group"
	[ -z "${3:-}" ] || echo "$3" >"$dir/type"
}

host_bridge() { # CELL...: the iommu-map of pcie, the parent of bus 0
	prop pcie iommu-map "$@"
	device platform/pcie.host platform pcie pci-host
}

pci_device() { # PATH BELOW THE HOST BRIDGE [DRIVER]
	device "platform/pcie.host/pci0000:00/$1" pci "" "${2:-}"
}

# The config space of a bridge: a PCI Express capability of this type, or none
config() { # PATH BELOW THE HOST BRIDGE [TYPE]
	local file=$machine/sys/devices/platform/pcie.host/pci0000:00/$1/config
	head -c 256 /dev/zero >"$file"
	[ -n "${2:-}" ] || return 0
	poke "$file" 6 10
	poke "$file" 52 40
	poke "$file" 64 10
	poke "$file" 66 "$2"
}

poke() { # FILE OFFSET HEX
	printf '%b' "\\x$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

deferred() { # LINE...: what debugfs lists
	mkdir -p "$machine/sys/kernel/debug"
	printf '%b\n' "$@" >"$machine/sys/kernel/debug/devices_deferred"
}
