#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2154 # the helper sets tree, bats sets status and output
# make audit: one sound toy driver, and each finding when a line of it is spoiled.
load helper

setup() {
	load_toy
	rm -r "$tree"
	cp -r "$TESTS/toy/iommu" "$tree"
	good=$tree/drivers/iommu/good-iommu.c
}

audit() { TREE=$tree run "$TESTS/../tools/audit"; }

# Where the only line of the driver with this text is.
at() { echo "drivers/iommu/good-iommu.c:$(grep -nF -- "$1" "$good" | cut -d : -f 1)"; }

# Without the lines that match.
without() { sed -i "/$1/d" "$good"; }

# The toy as a kernel without IOMMU_OF_DECLARE, bus_set_iommu() and set_ops.
later_kernel() {
	echo 'int iommu_device_register(struct iommu_device *iommu, const struct iommu_ops *ops, struct device *hwdev);' \
		>"$tree/include/linux/iommu.h"
	: >"$tree/include/linux/of_iommu.h"
	without 'IOMMU_OF_DECLARE\|bus_set_iommu\|iommu_device_set_\|iommu_present'
	sed -i 's/\.add_device/.probe_device/; s/iommu_device_register(&good->iommu/&, \&good_ops, \&pdev->dev/' "$good"
}

@test "a consistent driver, and one that no device tree leads to" {
	audit
	expect 0 "  driver      R F X O B  bus_set_iommu() from
  good-iommu  y y y y y  probe
 not reached from the device tree: not judged
  pci-iommu   y - - - y  initcall"
	expect 0 "2 drivers, 0 findings"
}

@test "a driver that reads the iommus of masters is judged, and one with a match table" {
	sed -i 's/return -EINVAL/return of_count_phandle_with_args(dev->of_node, "iommus", "#iommu-cells")/' "$tree"/drivers/iommu/pci-iommu.c
	without '\.of_xlate\|IOMMU_OF_DECLARE'
	audit
	expect 25 "  pci-iommu   y - - - y  initcall
  R "
	expect 25 "pci-iommu.c:7: has R, lacks F X O"
	expect 25 "$(at 'good_ops = {'): has R F, lacks X O"
	without of_match_table
	audit
	expect 25 "not judged
  good-iommu  y y - - y  probe"
}

@test "declared and registered without of_xlate" {
	without '\.of_xlate'
	audit
	expect 25 "good-iommu  y y - y y"
	expect 25 "$(at 'good_ops = {'): has R F O, lacks X: of_iommu_configure() takes it for no IOMMU"
	expect 25 "2 drivers, 1 findings"
	one_error
}

@test "of_xlate without IOMMU_OF_DECLARE" {
	without IOMMU_OF_DECLARE
	audit
	expect 25 "has R F X, lacks O: of_iommu_configure() does not wait for it"
}

@test "IOMMU_OF_DECLARE without a fwnode, and alone" {
	without set_fwnode
	audit
	expect 25 "has R X O, lacks F: of_iommu_configure() waits for it until the end of init, in vain"
	without '\.of_xlate\|iommu_device_register'
	audit
	expect 25 "has O, lacks R F X: of_iommu_configure() waits for it until the end of init, in vain"
}

@test "registered, but not for the device tree, and nothing at all" {
	without '\.of_xlate\|set_fwnode\|IOMMU_OF_DECLARE'
	audit
	expect 25 "has R, lacks F X O: of_iommu_configure() neither finds it nor waits for it"
	without iommu_device_register
	audit
	expect 25 "has none of R F X O: of_iommu_configure() neither finds it nor waits for it"
}

@test "registered before drvdata is set" {
	sed -i '/platform_set_drvdata(pdev, good);/d; s/^\tgood_bus_init();/&\n\tplatform_set_drvdata(pdev, good);/' "$good"
	audit
	expect 25 "$(at 'iommu_device_register('): iommu_device_register() before platform_set_drvdata() ("
}

@test "errors of add_device, its own, of a variable and of a function" {
	sed -i '/if (!dev->iommu_fwspec)/{n; s/ENODEV/EINVAL/}' "$good"
	audit
	expect 25 "good-iommu.c:12: good_add_device() can return -EINVAL (12): any but -ENODEV takes the IOMMU"
	sed -i '12s/EINVAL/ENODEV/; s/\tint ret;/\tint ret = -ENOMEM;/; s/return 0;/return ret;/' "$good"
	sed -i '0,/-ENODEV/s//-EPROBE_DEFER/' "$good"
	audit
	expect 25 "good_add_device() can return -ENOMEM (9), -EPROBE_DEFER (4): any but"
	sed -i '/ret = good_find/,/return ret/d; s/return ret;/return good_find(dev);/' "$good"
	audit
	expect 25 "good_add_device() can return -EPROBE_DEFER (4): any but"
}

@test "an error that is not returned is none of add_device" {
	sed -i 's/ret = good_find(dev);/other = good_find(dev);/; 0,/-ENODEV/s//-EINVAL/' "$good"
	audit
	expect 0 "0 findings"
}

@test "bus_set_iommu() from an initcall, with and without a look at the tree" {
	sed -i '/^\tgood_bus_init();/d; s/^\treturn platform_driver_register/\tgood_bus_init();\n&/' "$good"
	audit
	expect 25 "y y y y y  initcall"
	expect 25 "$(at bus_set_iommu): bus_set_iommu() from the initcall good_init(), which looks for no node"
	sed -i 's/^\tgood_bus_init();/\tif (!of_find_matching_node(NULL, good_of_ids))\n\t\treturn 0;\n&/' "$good"
	audit
	expect 25 "$(at bus_set_iommu): bus_set_iommu() from the initcall good_init()
"
}

@test "bus_set_iommu() from an initcall too, from of_iommu_init(), from another file, never" {
	sed -i 's/^\treturn platform_driver_register/\tgood_bus_init();\n&/' "$good"
	audit
	expect 0 "y y y y y  probe, initcall"
	sed -i '/^\tgood_bus_init();/d' "$good"
	audit
	expect 0 "y y y y y  good_bus_init()"
	sed -i '/^IOMMU_OF_DECLARE/s/NULL/good_bus_init/' "$good"
	audit
	expect 0 "y y y y y  of_iommu_init"
	without bus_set_iommu
	audit
	expect 25 "$(at 'good_ops = {'): bus_set_iommu() is never called for these ops"
	expect 25 "y y y y -  never"
}

@test "a later kernel, without IOMMU_OF_DECLARE and bus_set_iommu" {
	later_kernel
	audit
	expect 0 "good-iommu  y y y . ."
	expect 0 ". this kernel has no such thing"
	expect 0 "0 findings"
	sed -i 's/&pdev->dev)/NULL)/' "$good"
	audit
	expect 25 "has R X, lacks F: of_iommu_configure() waits for it until the end of init, in vain"
	sed -i '/\.of_xlate/d; s/&good_ops, NULL/\&good_ops, dev/; 0,/-ENODEV/s//-EINVAL/' "$good"
	audit
	expect 25 "has R F, lacks X: of_iommu_configure() takes it for no IOMMU"
	expect 25 "good_add_device() can return -EINVAL (4)"
}

@test "what spatch cannot parse is said" {
	sed -i 's/^static int good_probe.*/static int good_probe(struct platform_device *pdev))/' "$good"
	audit
	expect 25 "warning: these lines are missing from the table"
	expect 25 "iommu_device_register(&good->iommu)"
}

@test "the tree stays what it was, and a tarball says the same" {
	without '\.of_xlate'
	before=$(fingerprint "$tree")
	audit
	expect 25 "2 drivers, 1 findings"
	[ "$(fingerprint "$tree")" = "$before" ]
	first=$output
	tar -cJf "$BATS_TEST_TMPDIR/linux.tar.xz" -C "$BATS_TEST_TMPDIR" linux
	TREE=$BATS_TEST_TMPDIR/linux.tar.xz run "$TESTS/../tools/audit"
	[ "$output" = "$first" ]
}

@test "no TREE, no such TREE, no IOMMU drivers, an older kernel" {
	run "$TESTS/../tools/audit"
	expect 2 "audit needs TREE="
	TREE=$tree.gone run "$TESTS/../tools/audit"
	expect 12 "is not there"
	sed -i '/iommu_device_register/d' "$tree/include/linux/iommu.h"
	audit
	expect 13 "has no iommu_device_register()"
	rm -r "$tree/drivers/iommu"
	audit
	expect 12 "has no drivers/iommu"
	one_error
}
