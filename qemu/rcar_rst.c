/*
 * Renesas R-Car Gen2 and Gen3 reset controller (RST)
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 *
 * Made from the driver, no manual. The source of each register:
 *   [drv]  Linux, drivers/soc/renesas/rcar-rst.c
 *
 * The mode pins can be read. Nothing is reset by what is written: that is
 * read, and no more.
 */

#include "qemu/osdep.h"
#include "qemu/module.h"
#include "hw/qdev-properties.h"
#include "migration/vmstate.h"
#include "rcar_system.h"
#include "trace.h"

#define REGS_SIZE           0x200

/* [drv]; WDTRSTCR 0x54, CR7BAR 0x70 and all others: stored */
#define MODEMR              0x60

struct RcarRstState {
    SysBusDevice parent_obj;

    MemoryRegion iomem;
    uint32_t regs[REGS_SIZE / 4];

    uint32_t mode;
};

static uint64_t rcar_rst_read(void *opaque, hwaddr addr, unsigned size)
{
    RcarRstState *s = opaque;
    uint32_t value = addr == MODEMR ? s->mode : s->regs[addr / 4];

    trace_rcar_rst_read(addr, value);
    return value;
}

static void rcar_rst_write(void *opaque, hwaddr addr, uint64_t value,
                           unsigned size)
{
    RcarRstState *s = opaque;

    trace_rcar_rst_write(addr, value);
    s->regs[addr / 4] = value;
}

static const MemoryRegionOps rcar_rst_ops = {
    .read = rcar_rst_read,
    .write = rcar_rst_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid.min_access_size = 4,     /* [drv] has no other accesses */
    .valid.max_access_size = 4,
};

static void rcar_rst_reset(DeviceState *dev)
{
    RcarRstState *s = RCAR_RST(dev);

    memset(s->regs, 0, sizeof(s->regs));
}

static void rcar_rst_init(Object *obj)
{
    RcarRstState *s = RCAR_RST(obj);

    memory_region_init_io(&s->iomem, obj, &rcar_rst_ops, s, TYPE_RCAR_RST,
                          REGS_SIZE);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->iomem);
}

static const VMStateDescription vmstate_rcar_rst = {
    .name = TYPE_RCAR_RST,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (VMStateField[]) {
        VMSTATE_UINT32_ARRAY(regs, RcarRstState, REGS_SIZE / 4),
        VMSTATE_END_OF_LIST()
    }
};

/* mode: what the mode pins say. 0 is a valid setting of H2 and H3. */
static Property rcar_rst_properties[] = {
    DEFINE_PROP_UINT32("mode", RcarRstState, mode, 0),
    DEFINE_PROP_END_OF_LIST()
};

static void rcar_rst_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    dc->desc = "Renesas R-Car reset controller";
    dc->reset = rcar_rst_reset;
    dc->vmsd = &vmstate_rcar_rst;
    device_class_set_props(dc, rcar_rst_properties);
}

static const TypeInfo rcar_rst_types[] = {
    {
        .name = TYPE_RCAR_RST,
        .parent = TYPE_SYS_BUS_DEVICE,
        .instance_size = sizeof(RcarRstState),
        .instance_init = rcar_rst_init,
        .class_init = rcar_rst_class_init,
    },
};

DEFINE_TYPES(rcar_rst_types)
