/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The decision table for "iommu-map", see iommu_defer_map.h.  The requester ids
 * of each path are in iommu_defer_pci.c.
 */
#ifndef _LIB_IOMMU_DEFER_MAP_TABLE_H
#define _LIB_IOMMU_DEFER_MAP_TABLE_H

#include <linux/errno.h>

#include "iommu_defer_map.h"

/* Ids from one on go to one IOMMU, or some to one and some to another. */
#define ONE(_path, _id, _length, _state) \
	{ .path = _path, .entry = { { _id, _length, 0 } }, \
	  .state = { _state } }
#define TWO(_path, _id0, _length0, _state0, _id1, _length1, _state1) \
	{ .path = _path, \
	  .entry = { { _id0, _length0, 0 }, { _id1, _length1, 1 } }, \
	  .state = { _state0, _state1 } }
#define MASKED(_path, _mask, _id, _length) \
	{ .path = _path, .entry = { { _id, _length, 0 } }, \
	  .mask = _mask, .state = { READY } }
#define FORM(_form) \
	{ .path = ON_ROOT_BUS, .entry = { { 0x008, 1, 0 } }, .form = _form, \
	  .state = { READY } }

/* As in iommu_defer_table.h */
#define T	TRANSLATED
#define U	UNTRANSLATED
#define D	DEFERRED
#define F	FAILS
#define BASE	AS_DRIVERLESS	/* U, or D where no driver is declared */

#define ACCEPTS		{ }
#define XLATE(err)	{ .xlate = (err) }
#define XLATE_2ND(err)	{ .xlate = (err), .xlate_ok = 1 }
#define ADD(err)	{ .add = (err) }
#define ONE_INSTANCE	{ .one_instance = true }

/* How many of these stream ids the first attempt asks for */
#define ASKED(_nr, ...)		{ _nr, { __VA_ARGS__ } }
#define A(_id)			MAP_STREAM(0, _id)
#define B(_id)			MAP_STREAM(1, _id)

static const struct map_case map_cases[] = {
	/*
	 * name, map,
	 * driver, before and after the end of init, mandatory, next, asked, said
	 */

	/* The function's own id is the only one */
	{ "C9 no iommu-map", FORM(MAP_ABSENT),
	  ACCEPTS, U, U, U, U, ASKED(0), SAID_NOTHING },
	{ "C20 uncovered", ONE(ON_ROOT_BUS, 0x010, 1, READY),
	  ACCEPTS, U, U, U, U, ASKED(0) },
	{ "C20 uncovered, pending", ONE(ON_ROOT_BUS, 0x010, 1, PENDING),
	  ACCEPTS, U, U, U, U, ASKED(0) },
	{ "C24 disabled", ONE(ON_ROOT_BUS, 0x008, 1, DISABLED),
	  ACCEPTS, U, U, U, U, ASKED(0) },
	{ "C24 driverless", ONE(ON_ROOT_BUS, 0x008, 1, DRIVERLESS),
	  ACCEPTS, BASE, U, F, T, ASKED(0, A(0x008)) },
	{ "C24 pending", ONE(ON_ROOT_BUS, 0x008, 1, PENDING),
	  ACCEPTS, D, U, F, T, ASKED(0, A(0x008)) },
	{ "C24 no of_xlate", ONE(ON_ROOT_BUS, 0x008, 1, NO_XLATE),
	  ACCEPTS, U, U, F, T, ASKED(0, A(0x008)) },
	{ "C24 ready", ONE(ON_ROOT_BUS, 0x008, 1, READY),
	  ACCEPTS, T, T, T, T, ASKED(1, A(0x008)) },
	{ "C24 ready, in a range", ONE(ON_ROOT_BUS, 0x000, 0x100, READY),
	  ACCEPTS, T, T, T, T, ASKED(1, A(0x008)) },
	{ "C24 of_xlate defers", ONE(ON_ROOT_BUS, 0x008, 1, READY),
	  XLATE(-EPROBE_DEFER), D, D, D, T, ASKED(1, A(0x008)) },
	{ "C24 add_device defers", ONE(ON_ROOT_BUS, 0x008, 1, READY),
	  ADD(-EPROBE_DEFER), D, D, D, T, ASKED(1, A(0x008)) },
	{ "C24 of_xlate -EINVAL", ONE(ON_ROOT_BUS, 0x008, 1, READY),
	  XLATE(-EINVAL), U, U, F, T, ASKED(1, A(0x008)), SAID_ONCE },
	{ "C24 of_xlate -ENODEV", ONE(ON_ROOT_BUS, 0x008, 1, READY),
	  XLATE(-ENODEV), U, U, F, T, ASKED(1, A(0x008)), SAID_ONCE },
	{ "C24 add_device -EINVAL", ONE(ON_ROOT_BUS, 0x008, 1, READY),
	  ADD(-EINVAL), U, U, F, T, ASKED(1, A(0x008)), SAID_ONCE },

	/* A map that can't be parsed */
	{ "C23 dangling", ONE(ON_ROOT_BUS, 0x008, 1, DANGLING),
	  ACCEPTS, U, U, F, U, ASKED(0), SAID_ONCE },
	{ "C23 empty", FORM(MAP_EMPTY),
	  ACCEPTS, U, U, F, U, ASKED(0), SAID_ONCE },
	{ "C23 too short", FORM(MAP_BAD_LENGTH),
	  ACCEPTS, U, U, F, U, ASKED(0), SAID_ONCE },
	{ "C23 base outside the mask", MASKED(BELOW_PORT, 0x00ff, 0x100, 1),
	  ACCEPTS, U, U, F, U, ASKED(0), SAID_ONCE },

	/* The mask is applied before the map */
	{ "C24 masked, covered", MASKED(BELOW_PORT, 0x00ff, 0x000, 1),
	  ACCEPTS, T, T, T, T, ASKED(1, A(0x000)) },
	{ "C20 masked, uncovered", MASKED(BELOW_PORT, 0x00ff, 0x010, 1),
	  ACCEPTS, U, U, U, U, ASKED(0) },

	/* The ports of PCIe send the id of the function, never their own */
	{ "C24 port", ONE(BELOW_PORT, 0x100, 1, READY),
	  ACCEPTS, T, T, T, T, ASKED(1, A(0x100)) },
	{ "C20 port covered, function not", ONE(BELOW_PORT, 0x000, 0x100, READY),
	  ACCEPTS, U, U, U, U, ASKED(0) },
	{ "C24 switch", ONE(BELOW_SWITCH, 0x300, 1, READY),
	  ACCEPTS, T, T, T, T, ASKED(1, A(0x300)) },
	{ "C20 switch covered, function not", ONE(BELOW_SWITCH, 0x000, 0x300, READY),
	  ACCEPTS, U, U, U, U, ASKED(0) },

	/* A bridge replaces the id of what is below it */
	{ "C21 bridge covered, function not", ONE(BELOW_BRIDGE, 0x008, 1, READY),
	  ACCEPTS, T, T, T, T, ASKED(1, A(0x008)) },
	{ "C21 bridge pending, function not covered",
	  ONE(BELOW_BRIDGE, 0x008, 1, PENDING),
	  ACCEPTS, D, U, F, T, ASKED(0, A(0x008)) },
	{ "C21 bridge disabled, function not covered",
	  ONE(BELOW_BRIDGE, 0x008, 1, DISABLED),
	  ACCEPTS, U, U, U, U, ASKED(0) },
	{ "C21 bridge dangling, function not covered",
	  ONE(BELOW_BRIDGE, 0x008, 1, DANGLING),
	  ACCEPTS, U, U, F, U, ASKED(0), SAID_ONCE },
	{ "C20 function covered, bridge not", ONE(BELOW_BRIDGE, 0x110, 1, READY),
	  ACCEPTS, U, U, U, U, ASKED(0) },
	{ "C20 function pending, bridge not covered",
	  ONE(BELOW_BRIDGE, 0x110, 1, PENDING),
	  ACCEPTS, U, U, U, U, ASKED(0) },
	{ "C20 function dangling, bridge not covered",
	  ONE(BELOW_BRIDGE, 0x110, 1, DANGLING),
	  ACCEPTS, U, U, U, U, ASKED(0) },
	{ "C24 function and bridge", ONE(BELOW_BRIDGE, 0x000, 0x200, READY),
	  ACCEPTS, T, T, T, T, ASKED(2, A(0x110), A(0x008)) },
	{ "C21 topmost of two bridges covered", ONE(BELOW_TWO_BRIDGES, 0x008, 1, READY),
	  ACCEPTS, T, T, T, T, ASKED(1, A(0x008)) },
	{ "C21 all covered but the lower bridge",
	  TWO(BELOW_TWO_BRIDGES, 0x218, 1, READY, 0x008, 1, READY),
	  ACCEPTS, T, T, T, T, ASKED(2, A(0x218), B(0x008)) },
	{ "C20 all covered but the topmost bridge",
	  ONE(BELOW_TWO_BRIDGES, 0x100, 0x200, READY),
	  ACCEPTS, U, U, U, U, ASKED(0) },
	{ "C21 PCIe-to-PCI bridge covered, function not",
	  ONE(BELOW_PCIE_TO_PCI, 0x200, 1, READY),
	  ACCEPTS, T, T, T, T, ASKED(1, A(0x200)) },
	{ "C20 function covered, PCIe-to-PCI bridge not",
	  ONE(BELOW_PCIE_TO_PCI, 0x210, 1, READY),
	  ACCEPTS, U, U, U, U, ASKED(0) },
	{ "C20 PCIe-to-PCI bridge covered by its own id only",
	  ONE(BELOW_PCIE_TO_PCI, 0x000, 0x200, READY),
	  ACCEPTS, U, U, U, U, ASKED(0) },
	{ "C21 PCI-to-PCIe bridge covered, function not",
	  ONE(BELOW_PCI_TO_PCIE, 0x008, 1, READY),
	  ACCEPTS, T, T, T, T, ASKED(1, A(0x008)) },

	/* The function itself sends two ids */
	{ "C22 quirk, both covered", ONE(QUIRK_ON_ROOT_BUS, 0x008, 2, READY),
	  ACCEPTS, T, T, T, T, ASKED(2, A(0x008), A(0x009)) },
	{ "C22 quirk, alias uncovered", ONE(QUIRK_ON_ROOT_BUS, 0x008, 1, READY),
	  ACCEPTS, U, U, U, U, ASKED(0) },
	{ "C22 quirk, own id uncovered", ONE(QUIRK_ON_ROOT_BUS, 0x009, 1, READY),
	  ACCEPTS, U, U, U, U, ASKED(0) },
	{ "C22 quirk below a port, both covered", ONE(QUIRK_BELOW_PORT, 0x100, 2, READY),
	  ACCEPTS, T, T, T, T, ASKED(2, A(0x100), A(0x101)) },
	{ "C22 quirk below a port, own id uncovered",
	  ONE(QUIRK_BELOW_PORT, 0x101, 1, READY),
	  ACCEPTS, U, U, U, U, ASKED(0) },
	{ "C21 quirk below a bridge that is covered",
	  ONE(QUIRK_BELOW_BRIDGE, 0x008, 1, READY),
	  ACCEPTS, T, T, T, T, ASKED(1, A(0x008)) },
	{ "C24 two functions share an id", ONE(TWO_BELOW_BRIDGE, 0x008, 1, READY),
	  ACCEPTS, T, T, T, T, ASKED(1, A(0x008)) },

	/* One id goes to one IOMMU, the other to another */
	{ "C24 ready and ready", TWO(BELOW_BRIDGE, 0x110, 1, READY, 0x008, 1, READY),
	  ACCEPTS, T, T, T, T, ASKED(2, A(0x110), B(0x008)) },
	{ "C11 ready and disabled",
	  TWO(BELOW_BRIDGE, 0x110, 1, READY, 0x008, 1, DISABLED),
	  ACCEPTS, U, U, U, U, ASKED(0) },
	{ "C11 disabled and ready",
	  TWO(BELOW_BRIDGE, 0x110, 1, DISABLED, 0x008, 1, READY),
	  ACCEPTS, U, U, U, U, ASKED(0) },
	{ "C11 pending and disabled",
	  TWO(BELOW_BRIDGE, 0x110, 1, PENDING, 0x008, 1, DISABLED),
	  ACCEPTS, U, U, U, U, ASKED(0) },
	{ "C11 dangling and disabled",
	  TWO(BELOW_BRIDGE, 0x110, 1, DANGLING, 0x008, 1, DISABLED),
	  ACCEPTS, U, U, U, U, ASKED(0) },
	{ "C11 disabled and dangling",
	  TWO(BELOW_BRIDGE, 0x110, 1, DISABLED, 0x008, 1, DANGLING),
	  ACCEPTS, U, U, U, U, ASKED(0) },
	{ "C11 pending and dangling",
	  TWO(BELOW_BRIDGE, 0x110, 1, PENDING, 0x008, 1, DANGLING),
	  ACCEPTS, U, U, F, U, ASKED(0), SAID_ONCE },
	{ "C11 dangling and ready",
	  TWO(BELOW_BRIDGE, 0x110, 1, DANGLING, 0x008, 1, READY),
	  ACCEPTS, U, U, F, U, ASKED(0), SAID_ONCE },
	{ "C12 ready and pending", TWO(BELOW_BRIDGE, 0x110, 1, READY, 0x008, 1, PENDING),
	  ACCEPTS, D, U, F, T, ASKED(0, A(0x110), B(0x008)) },
	{ "C12 pending and ready", TWO(BELOW_BRIDGE, 0x110, 1, PENDING, 0x008, 1, READY),
	  ACCEPTS, D, U, F, T, ASKED(0, A(0x110), B(0x008)) },
	{ "C13 of_xlate defers the first",
	  TWO(BELOW_BRIDGE, 0x110, 1, READY, 0x008, 1, READY),
	  XLATE(-EPROBE_DEFER), D, D, D, T, ASKED(1, A(0x110), B(0x008)) },
	{ "C13 of_xlate -EINVAL for the second",
	  TWO(BELOW_BRIDGE, 0x110, 1, READY, 0x008, 1, READY),
	  XLATE_2ND(-EINVAL), U, U, F, T, ASKED(2, A(0x110), B(0x008)), SAID_ONCE },
	{ "C14 IOMMUs of different drivers",
	  TWO(BELOW_BRIDGE, 0x110, 1, READY, 0x008, 1, READY_OTHER_DRIVER),
	  ACCEPTS, U, U, F, U, ASKED(0), SAID_ONCE },
	{ "C15 a driver that takes one instance",
	  TWO(BELOW_BRIDGE, 0x110, 1, READY, 0x008, 1, READY),
	  ONE_INSTANCE, U, U, F, T, ASKED(2, A(0x110), B(0x008)), SAID_ONCE },
};

#undef A
#undef B

#endif /* _LIB_IOMMU_DEFER_MAP_TABLE_H */
