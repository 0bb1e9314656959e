/*
 * Renesas R-Car SYS-DMAC, a model made from its drivers and bindings
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */

#ifndef HW_RCAR_DMAC_H
#define HW_RCAR_DMAC_H

#include "hw/sysbus.h"
#include "exec/memory.h"
#include "qom/object.h"

#define TYPE_RCAR_DMAC "rcar-dmac"
OBJECT_DECLARE_SIMPLE_TYPE(RcarDmacState, RCAR_DMAC)

#define RCAR_DMAC_CHANNELS      16
#define RCAR_DMAC_CHAN_SIZE     0x80
#define RCAR_DMAC_GLOBAL_SIZE   0x100

typedef struct RcarDmacChannel {
    uint32_t regs[RCAR_DMAC_CHAN_SIZE / 4];
    uint32_t left;              /* transfers to do, 1 to 0x1000000 */
    bool loaded;                /* left is of the transfer that is under way */
} RcarDmacChannel;

struct RcarDmacState {
    SysBusDevice parent_obj;

    MemoryRegion iomem;
    qemu_irq error_irq;
    qemu_irq irq[RCAR_DMAC_CHANNELS];
    AddressSpace as[RCAR_DMAC_CHANNELS];
    QEMUBH *bh;
    unsigned next;              /* the channel whose turn it is; no state */

    uint32_t regs[RCAR_DMAC_GLOBAL_SIZE / 4];
    RcarDmacChannel chan[RCAR_DMAC_CHANNELS];

    /* properties */
    uint32_t channels;
    MemoryRegion *mem[RCAR_DMAC_CHANNELS];

    /* read-only properties, for tests */
    uint64_t n_bytes;
    uint64_t n_errors;
};

#endif
