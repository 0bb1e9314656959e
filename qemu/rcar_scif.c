/*
 * Renesas R-Car serial communication interface with FIFO (SCIF)
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 *
 * Made from the driver, no manual. The source of each register:
 *   [drv]  Linux, drivers/tty/serial/sh-sci.[ch], v4.12 to 7.3
 *
 * Assumptions: characters take no time, so the FIFO for output is empty
 * unless the character device doesn't take them; DR is set as soon as there is
 * a character, RDF as soon as there are as many as SCFCR.RTRG says; flags of
 * SCFSR follow the FIFOs, whatever is written to them. No parity, framing or
 * modem lines, no requests to a DMA controller.
 */

#include "qemu/osdep.h"
#include "qemu/bitops.h"
#include "qemu/module.h"
#include "hw/irq.h"
#include "hw/qdev-properties.h"
#include "hw/qdev-properties-system.h"
#include "migration/vmstate.h"
#include "rcar_scif.h"
#include "trace.h"

/* Registers [drv]; SCSMR 0x00, SCSPTR 0x20, DL 0x30, CKS 0x34: stored */
#define SCBRR               0x04
#define SCSCR               0x08
#define   SCSCR_TIE         BIT(7)
#define   SCSCR_RIE         BIT(6)
#define   SCSCR_TE          BIT(5)
#define   SCSCR_RE          BIT(4)
#define SCFTDR              0x0c
#define SCFSR               0x10
#define   SCFSR_TEND        BIT(6)
#define   SCFSR_TDFE        BIT(5)
#define   SCFSR_RDF         BIT(1)
#define   SCFSR_DR          BIT(0)
#define SCFRDR              0x14
#define SCFCR               0x18
#define   SCFCR_RTRG_SHIFT  6       /* 7:6 */
#define   SCFCR_TTRG_SHIFT  4       /* 5:4 */
#define   SCFCR_TFRST       BIT(2)
#define   SCFCR_RFRST       BIT(1)
#define   SCFCR_LOOP        BIT(0)
#define SCFDR               0x1c    /* 12:8 to send, 4:0 received */
#define SCLSR               0x24
#define   SCLSR_ORER        BIT(0)

static uint16_t *reg(RcarScifState *s, unsigned offset)
{
    return &s->regs[offset / 4];
}

static uint16_t flags(RcarScifState *s)
{
    /* [drv]: scif_set_rtrg(); TTRG the other way round */
    static const uint8_t rtrg[] = { 1, 4, 8, 14 };
    static const uint8_t ttrg[] = { 8, 4, 2, 0 };
    uint16_t fcr = *reg(s, SCFCR), value = 0;

    if (!s->tx_count) {
        value |= SCFSR_TEND;
    }
    if (s->tx_count <= ttrg[extract32(fcr, SCFCR_TTRG_SHIFT, 2)]) {
        value |= SCFSR_TDFE;
    }
    if (s->rx_count >= rtrg[extract32(fcr, SCFCR_RTRG_SHIFT, 2)]) {
        value |= SCFSR_RDF;
    }
    if (s->rx_count) {
        value |= SCFSR_DR;
    }
    return value;
}

static void update_irq(RcarScifState *s)
{
    uint16_t scr = *reg(s, SCSCR), fsr = flags(s);

    qemu_set_irq(s->irq, (scr & SCSCR_TIE && scr & SCSCR_TE &&
                          fsr & SCFSR_TDFE) ||
                         (scr & SCSCR_RIE && fsr & (SCFSR_RDF | SCFSR_DR)));
}

static void receive(RcarScifState *s, uint8_t c)
{
    if (s->rx_count == RCAR_SCIF_FIFO) {
        *reg(s, SCLSR) |= SCLSR_ORER;
        return;
    }
    s->rx[(s->rx_head + s->rx_count++) % RCAR_SCIF_FIFO] = c;
}

static void transmit(RcarScifState *s);

static gboolean can_write(void *do_not_use, GIOCondition cond, void *opaque)
{
    RcarScifState *s = opaque;

    s->watch = 0;
    transmit(s);
    update_irq(s);
    return G_SOURCE_REMOVE;
}

/* What the character device doesn't take now waits in the FIFO. */
static void transmit(RcarScifState *s)
{
    int done = s->tx_count;
    unsigned i;

    if (*reg(s, SCFCR) & SCFCR_LOOP) {
        for (i = 0; i < s->tx_count; i++) {
            receive(s, s->tx[i]);
        }
    } else if (qemu_chr_fe_backend_connected(&s->chr)) {
        done = MAX(qemu_chr_fe_write(&s->chr, s->tx, s->tx_count), 0);
    }
    s->tx_count -= done;
    memmove(s->tx, s->tx + done, s->tx_count);
    if (s->tx_count && !s->watch) {
        s->watch = qemu_chr_fe_add_watch(&s->chr, G_IO_OUT | G_IO_HUP,
                                         can_write, s);
        if (!s->watch) {
            s->tx_count = 0;    /* It can't wait. */
        }
    }
}

static uint64_t rcar_scif_read(void *opaque, hwaddr addr, unsigned size)
{
    RcarScifState *s = opaque;
    uint16_t value = 0;

    switch (addr) {
    case SCFTDR:
        break;
    case SCFSR:
        value = flags(s);
        break;
    case SCFRDR:
        if (s->rx_count) {
            value = s->rx[s->rx_head];
            s->rx_head = (s->rx_head + 1) % RCAR_SCIF_FIFO;
            s->rx_count--;
            update_irq(s);
            qemu_chr_fe_accept_input(&s->chr);
        }
        break;
    case SCFDR:
        value = s->tx_count << 8 | s->rx_count;
        break;
    default:
        value = *reg(s, addr);
        break;
    }
    trace_rcar_scif_read(addr, value);
    return value;
}

static void rcar_scif_write(void *opaque, hwaddr addr, uint64_t value,
                            unsigned size)
{
    RcarScifState *s = opaque;

    trace_rcar_scif_write(addr, value);
    switch (addr) {
    case SCFTDR:
        if (*reg(s, SCSCR) & SCSCR_TE && s->tx_count < RCAR_SCIF_FIFO) {
            s->tx[s->tx_count++] = value;
            transmit(s);
        }
        break;
    case SCFSR:
    case SCFRDR:
    case SCFDR:
        break;
    case SCFCR:
        if (value & SCFCR_RFRST) {
            s->rx_count = 0;
        }
        if (value & SCFCR_TFRST) {
            s->tx_count = 0;
        }
        *reg(s, addr) = value;
        if (!(value & SCFCR_RFRST)) {
            qemu_chr_fe_accept_input(&s->chr);
        }
        break;
    case SCLSR:
        *reg(s, addr) &= value;
        break;
    case SCSCR:
        *reg(s, addr) = value;
        qemu_chr_fe_accept_input(&s->chr);
        break;
    default:
        *reg(s, addr) = value;
        break;
    }
    update_irq(s);
}

static const MemoryRegionOps rcar_scif_ops = {
    .read = rcar_scif_read,
    .write = rcar_scif_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid.min_access_size = 1,     /* [drv] 8 and 16 bits */
    .valid.max_access_size = 2,
};

static int rcar_scif_can_receive(void *opaque)
{
    RcarScifState *s = opaque;
    bool ready = *reg(s, SCSCR) & SCSCR_RE &&
                 !(*reg(s, SCFCR) & SCFCR_RFRST);

    return ready ? RCAR_SCIF_FIFO - s->rx_count : 0;
}

static void rcar_scif_receive(void *opaque, const uint8_t *buf, int size)
{
    RcarScifState *s = opaque;

    while (size--) {
        receive(s, *buf++);
    }
    update_irq(s);
}

static void rcar_scif_reset(DeviceState *dev)
{
    RcarScifState *s = RCAR_SCIF(dev);

    memset(s->regs, 0, sizeof(s->regs));
    *reg(s, SCBRR) = 0xff;
    s->rx_head = s->rx_count = s->tx_count = 0;
    update_irq(s);
}

static void rcar_scif_realize(DeviceState *dev, Error **errp)
{
    RcarScifState *s = RCAR_SCIF(dev);

    qemu_chr_fe_set_handlers(&s->chr, rcar_scif_can_receive, rcar_scif_receive,
                             NULL, NULL, s, NULL, true);
}

static void rcar_scif_init(Object *obj)
{
    RcarScifState *s = RCAR_SCIF(obj);

    memory_region_init_io(&s->iomem, obj, &rcar_scif_ops, s, TYPE_RCAR_SCIF,
                          RCAR_SCIF_REGS_SIZE);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->iomem);
    sysbus_init_irq(SYS_BUS_DEVICE(obj), &s->irq);
}

static int rcar_scif_post_load(void *opaque, int version_id)
{
    RcarScifState *s = opaque;

    if (s->rx_head >= RCAR_SCIF_FIFO || s->rx_count > RCAR_SCIF_FIFO ||
        s->tx_count > RCAR_SCIF_FIFO) {
        return -EINVAL;
    }
    transmit(s);
    return 0;
}

static const VMStateDescription vmstate_rcar_scif = {
    .name = TYPE_RCAR_SCIF,
    .version_id = 1,
    .minimum_version_id = 1,
    .post_load = rcar_scif_post_load,
    .fields = (VMStateField[]) {
        VMSTATE_UINT16_ARRAY(regs, RcarScifState, RCAR_SCIF_REGS_SIZE / 4),
        VMSTATE_UINT8_ARRAY(rx, RcarScifState, RCAR_SCIF_FIFO),
        VMSTATE_UINT8_ARRAY(tx, RcarScifState, RCAR_SCIF_FIFO),
        VMSTATE_UINT32(rx_head, RcarScifState),
        VMSTATE_UINT32(rx_count, RcarScifState),
        VMSTATE_UINT32(tx_count, RcarScifState),
        VMSTATE_END_OF_LIST()
    }
};

/* chardev: where characters come from and go to. */
static Property rcar_scif_properties[] = {
    DEFINE_PROP_CHR("chardev", RcarScifState, chr),
    DEFINE_PROP_END_OF_LIST()
};

static void rcar_scif_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    dc->desc = "Renesas R-Car SCIF";
    dc->realize = rcar_scif_realize;
    dc->reset = rcar_scif_reset;
    dc->vmsd = &vmstate_rcar_scif;
    device_class_set_props(dc, rcar_scif_properties);
    set_bit(DEVICE_CATEGORY_INPUT, dc->categories);
}

static const TypeInfo rcar_scif_types[] = {
    {
        .name = TYPE_RCAR_SCIF,
        .parent = TYPE_SYS_BUS_DEVICE,
        .instance_size = sizeof(RcarScifState),
        .instance_init = rcar_scif_init,
        .class_init = rcar_scif_class_init,
    },
};

DEFINE_TYPES(rcar_scif_types)
