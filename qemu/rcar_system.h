/*
 * Renesas R-Car CPG, SYSC, RST and PRR, and registers nothing else models
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */

#ifndef HW_RCAR_SYSTEM_H
#define HW_RCAR_SYSTEM_H

#include "hw/sysbus.h"
#include "exec/memory.h"
#include "qom/object.h"

#define TYPE_RCAR_CPG "rcar-cpg"
OBJECT_DECLARE_SIMPLE_TYPE(RcarCpgState, RCAR_CPG)

#define TYPE_RCAR_SYSC "rcar-sysc"
OBJECT_DECLARE_SIMPLE_TYPE(RcarSyscState, RCAR_SYSC)

#define TYPE_RCAR_RST "rcar-rst"
OBJECT_DECLARE_SIMPLE_TYPE(RcarRstState, RCAR_RST)

#define TYPE_RCAR_PRR "rcar-prr"
OBJECT_DECLARE_SIMPLE_TYPE(RcarPrrState, RCAR_PRR)

#define TYPE_RCAR_REST "rcar-rest"
OBJECT_DECLARE_SIMPLE_TYPE(RcarRestState, RCAR_REST)

/* What a register reads as that nothing else models. */
typedef struct RcarRestPreset {
    hwaddr addr;
    uint32_t value;
    hwaddr mode;        /* if not 0: reads as BIT(what this address has & 3) */
} RcarRestPreset;

/**
 * rcar_rest_presets - registers that don't read as what was written
 * @dev: the device, of TYPE_RCAR_REST
 * @presets: a table that stays, ended by an entry with address 0
 */
void rcar_rest_presets(DeviceState *dev, const RcarRestPreset *presets);

#endif
