/*
 * Renesas R-Car SCIF, a model made from its driver
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */

#ifndef HW_RCAR_SCIF_H
#define HW_RCAR_SCIF_H

#include "hw/sysbus.h"
#include "chardev/char-fe.h"
#include "qom/object.h"

#define TYPE_RCAR_SCIF "rcar-scif"
OBJECT_DECLARE_SIMPLE_TYPE(RcarScifState, RCAR_SCIF)

#define RCAR_SCIF_REGS_SIZE 0x40
#define RCAR_SCIF_FIFO      16

struct RcarScifState {
    SysBusDevice parent_obj;

    MemoryRegion iomem;
    qemu_irq irq;
    CharBackend chr;
    guint watch;

    uint16_t regs[RCAR_SCIF_REGS_SIZE / 4];
    uint8_t rx[RCAR_SCIF_FIFO];
    uint8_t tx[RCAR_SCIF_FIFO];
    uint32_t rx_head;
    uint32_t rx_count;
    uint32_t tx_count;
};

#endif
