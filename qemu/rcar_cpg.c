/*
 * Renesas R-Car Gen2 and Gen3 clock pulse generator, module standby (CPG/MSSR)
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 *
 * Made from drivers, no manual. The sources are named beside each register:
 *   [mssr] Linux, drivers/clk/renesas/renesas-cpg-mssr.c
 *   [gen2] Linux, drivers/clk/renesas/{rcar-gen2-cpg,r8a7790-cpg-mssr}.c
 *   [gen3] Linux, drivers/clk/renesas/{rcar-gen3-cpg,rcar-cpg-lib,
 *          r8a7795-cpg-mssr}.c
 *   [div6] Linux, drivers/clk/renesas/clk-div6.c
 *
 * Clocks change at once, and drive nothing: a module whose clock is stopped
 * works all the same. All modules have their clocks at reset, as firmware
 * leaves it. No other register is known: what is written is read.
 *
 * Assumptions: the values at reset of multipliers and dividers. They are made
 * up so that each divider has a value that its driver knows, and the clocks
 * of the CPUs are what the boards' data sheets have: H3 1.5 GHz, H2 1.4 GHz.
 */

#include "qemu/osdep.h"
#include "qemu/bitops.h"
#include "qemu/module.h"
#include "qapi/error.h"
#include "hw/qdev-properties.h"
#include "migration/vmstate.h"
#include "rcar_system.h"
#include "trace.h"

#define REGS_SIZE           0x1000

#define FRQCRB              0x004   /* [gen2], [gen3] */
#define   FRQCRB_KICK       BIT(31) /* reads 0 when done: at once */
#define PLLECR              0x0d0   /* [gen3] PLLST 8 + n: PLL n has locked */
#define   PLLECR_PLLST      (0x1f << 8)

/* [mssr] 12 of each */
static const uint16_t mstpsr[] = {
    0x030, 0x038, 0x040, 0x048, 0x04c, 0x03c,
    0x1c0, 0x1c4, 0x9a0, 0x9a4, 0x9a8, 0x9ac,
};

static const uint16_t smstpcr[] = {
    0x130, 0x134, 0x138, 0x13c, 0x140, 0x144,
    0x148, 0x14c, 0x990, 0x994, 0x998, 0x99c,
};

static const uint16_t srcr[] = {
    0x0a0, 0x0a8, 0x0b0, 0x0b8, 0x0bc, 0x0c4,
    0x1c8, 0x1cc, 0x920, 0x924, 0x928, 0x92c,
};

#define SRSTCLR             0x940   /* 12, one after the other */

typedef struct CpgReset {
    uint16_t offset;
    uint32_t value;
} CpgReset;

static const CpgReset reset_gen2[] = {
    { 0x074, 0x0444 },      /* SDCKCR [gen2]: sdh, sd0, sd1 by 8 */
    { 0x078, 0x013f },      /* SD2CKCR [div6]: stopped, by 64 */
    { 0x0d8, 0x45000000 },  /* PLL0CR [gen2]: 10 MHz x 70 x 2 */
    { 0x240, 0x013f },      /* MMC0CKCR [div6] */
    { 0x244, 0x013f },      /* MMC1CKCR [div6] */
    { 0x248, 0x013f },      /* SSPCKCR [div6] */
    { 0x24c, 0x013f },      /* SSPRSCKCR [div6] */
    { 0x25c, 0x0104 },      /* ADSPCKCR [gen2]: stopped, by 8 */
    { 0x26c, 0x013f },      /* SD3CKCR [div6] */
    { 0x270, 0x0100 },      /* RCANCKCR [gen2]: stopped */
    { }
};

static const CpgReset reset_gen3[] = {
    { 0x00c, 0x013f },      /* CSI0CKCR [div6]: stopped, by 64 */
    { 0x014, 0x013f },      /* MSOCKCR [div6] */
    { 0x02c, 0x47000000 },  /* PLL2CR [gen3]: 16.66 MHz x 72 x 2 */
    { 0x074, 0x0001 },      /* SD0CKCR [gen3]: by 4 */
    { 0x078, 0x0001 },      /* SD1CKCR */
    { 0x0d8, 0x59000000 },  /* PLL0CR [gen3]: 16.66 MHz x 90 x 2 */
    { 0x1f4, 0x47000000 },  /* PLL4CR [gen3] */
    { 0x238, 0x0313 },      /* RPCCKCR [gen3]: stopped, by 5 and 4 */
    { 0x244, 0x013f },      /* CANFDCKCR [div6] */
    { 0x250, 0x013f },      /* HDMICKCR [div6] */
    { 0x268, 0x0001 },      /* SD2CKCR */
    { 0x26c, 0x0001 },      /* SD3CKCR */
    { }
};

struct RcarCpgState {
    SysBusDevice parent_obj;

    MemoryRegion iomem;
    uint32_t regs[REGS_SIZE / 4];

    uint8_t gen;
};

static uint64_t rcar_cpg_read(void *opaque, hwaddr addr, unsigned size)
{
    RcarCpgState *s = opaque;
    uint32_t value = s->regs[addr / 4];
    unsigned i;

    for (i = 0; i < ARRAY_SIZE(mstpsr); i++) {
        if (addr == mstpsr[i]) {
            value = s->regs[smstpcr[i] / 4];
        } else if (addr == SRSTCLR + 4 * i) {
            value = 0;
        }
    }
    if (addr == PLLECR) {
        value |= PLLECR_PLLST;
    }
    trace_rcar_cpg_read(addr, value);
    return value;
}

static void rcar_cpg_write(void *opaque, hwaddr addr, uint64_t value,
                           unsigned size)
{
    RcarCpgState *s = opaque;
    unsigned i;

    trace_rcar_cpg_write(addr, value);
    for (i = 0; i < ARRAY_SIZE(mstpsr); i++) {
        if (addr == mstpsr[i]) {
            return;
        }
        if (addr == SRSTCLR + 4 * i) {
            s->regs[srcr[i] / 4] &= ~value;
            return;
        }
    }
    s->regs[addr / 4] = addr == FRQCRB ? value & ~FRQCRB_KICK : value;
}

static const MemoryRegionOps rcar_cpg_ops = {
    .read = rcar_cpg_read,
    .write = rcar_cpg_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid.min_access_size = 4,     /* [mssr] has no other accesses */
    .valid.max_access_size = 4,
};

static void rcar_cpg_reset(DeviceState *dev)
{
    RcarCpgState *s = RCAR_CPG(dev);
    const CpgReset *r;

    memset(s->regs, 0, sizeof(s->regs));
    for (r = s->gen == 2 ? reset_gen2 : reset_gen3; r->offset; r++) {
        s->regs[r->offset / 4] = r->value;
    }
}

static void rcar_cpg_realize(DeviceState *dev, Error **errp)
{
    RcarCpgState *s = RCAR_CPG(dev);

    if (s->gen != 2 && s->gen != 3) {
        error_setg(errp, "property 'gen' must be 2 or 3");
    }
}

static void rcar_cpg_init(Object *obj)
{
    RcarCpgState *s = RCAR_CPG(obj);

    memory_region_init_io(&s->iomem, obj, &rcar_cpg_ops, s, TYPE_RCAR_CPG,
                          REGS_SIZE);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->iomem);
}

static const VMStateDescription vmstate_rcar_cpg = {
    .name = TYPE_RCAR_CPG,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (VMStateField[]) {
        VMSTATE_UINT32_ARRAY(regs, RcarCpgState, REGS_SIZE / 4),
        VMSTATE_END_OF_LIST()
    }
};

/* gen: 2 or 3; decides about the values at reset. */
static Property rcar_cpg_properties[] = {
    DEFINE_PROP_UINT8("gen", RcarCpgState, gen, 3),
    DEFINE_PROP_END_OF_LIST()
};

static void rcar_cpg_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    dc->desc = "Renesas R-Car clock pulse generator";
    dc->realize = rcar_cpg_realize;
    dc->reset = rcar_cpg_reset;
    dc->vmsd = &vmstate_rcar_cpg;
    device_class_set_props(dc, rcar_cpg_properties);
}

static const TypeInfo rcar_cpg_types[] = {
    {
        .name = TYPE_RCAR_CPG,
        .parent = TYPE_SYS_BUS_DEVICE,
        .instance_size = sizeof(RcarCpgState),
        .instance_init = rcar_cpg_init,
        .class_init = rcar_cpg_class_init,
    },
};

DEFINE_TYPES(rcar_cpg_types)
