/*
 * Renesas R-Car Gen2 and Gen3 SYS-DMAC and Audio-DMAC
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 *
 * Made from drivers, bindings and their comments, no manual. The sources are
 * named beside each register:
 *   [drv]  Linux, drivers/dma/sh/rcar-dmac.c, v4.12 to 7.3
 *   [bind] Linux, Documentation/devicetree/bindings/dma/renesas,rcar-dmac
 *
 * Each channel is a bus master of its own and has its own view of memory: in
 * the SoC a micro-TLB of an IPMMU. A transfer runs in the main loop, a slice
 * at a time, so that neither its length nor an endless chain holds up
 * anything else. Its progress is in the registers, as the guest sees it. A
 * transfer can't reach the registers of its own DMAC: QEMU's guard against
 * re-entrancy refuses that, and it is an address error.
 *
 * Assumptions, as no source says:
 *  - TCR 0 means 0x1000000 transfers.
 *  - Addresses stay within the 4 GiB that the FIX registers name ([drv]:
 *    "Prevent individual transfers from crossing 4GB boundaries").
 *  - SAR, DAR and TCR advance as the transfer does, and TCRB reads as TCR.
 *  - Alignment of addresses is not checked. A unit that lies across two pages
 *    is one access, of which a part may be done if it fails.
 *  - When an access fails, the channel stops with CHCR.CAE, and DE reads 0.
 *    With CHCR.CAIE that is all, and the channel's interrupt tells; without
 *    it DMAOR.AE is set, all channels stop, and the error interrupt tells.
 *    ([drv] sets CAIE since it handles CAE, and then never looks at DMAOR;
 *    before, it had the error interrupt and initialized all channels anew.)
 *  - TE, DSE, CAE and AE are cleared by writing 0. A channel whose TE is
 *    cleared while DE is 1 begins anew, with the registers as they are.
 *  - DSE is set at the end of the stage after which CHCRB.DPTR equals
 *    DPCR.DIPT. ([drv] starts with 1 for the first stage, then writes what
 *    it reads in DPTR while the stage of interest runs.)
 *  - DPTR names the descriptor after the one that is under way ([drv]).
 *  - [drv] initializes DAR by hand, as hardware behind an IOMMU doesn't; the
 *    model reads DAR from the first descriptor as from any other.
 *  - CHCR.DPM 2 (repeat, [drv] doesn't use it) is as 1 (enabled).
 * Not modelled: requests of devices (CHCR.RS is not "auto"): they never come;
 * the descriptor memory inside of the DMAC (DPBASE.SEL 0): an address error;
 * priorities, buffering, slow mode, secure channels.
 */

#include "qemu/osdep.h"
#include "qemu/bitops.h"
#include "qemu/log.h"
#include "qemu/main-loop.h"
#include "qemu/module.h"
#include "qapi/error.h"
#include "hw/irq.h"
#include "hw/qdev-properties.h"
#include "migration/vmstate.h"
#include "sysemu/runstate.h"
#include "rcar_dmac.h"
#include "trace.h"

/* [bind]: 64 KiB of registers */
#define REGS_SIZE           0x10000

/* Global registers [drv] */
#define DMAISTA             0x20    /* status of the channels' interrupts */
/* DMASEC 0x30, DMADPSEC 0xa0: stored */
#define DMAOR               0x60    /* 16 bits; PRI 9:8 */
#define   DMAOR_AE          BIT(2)
#define   DMAOR_DME         BIT(0)
#define DMACHCLR            0x80    /* write 1: clear the channel */

/* Registers of a channel [drv] */
#define CHAN                0x8000
#define SAR                 0x00
#define DAR                 0x04
#define TCR                 0x08
#define   TCR_LEN           24
#define CHCR                0x0c
#define   CHCR_CAE          BIT(31)
#define   CHCR_CAIE         BIT(30)
#define   CHCR_DPM_SHIFT    28      /* 29:28 */
#define   CHCR_RPT_SAR      BIT(27)
#define   CHCR_RPT_DAR      BIT(26)
#define   CHCR_RPT_TCR      BIT(25)
/* DPB 22: stored */
#define   CHCR_DSE          BIT(19)
#define   CHCR_DSIE         BIT(18)
#define   CHCR_DM_SHIFT     14      /* 15:14 */
#define   CHCR_SM_SHIFT     12      /* 13:12 */
#define   CHCR_RS_SHIFT     8       /* 11:8 */
#define   CHCR_RS_AUTO      4
#define   CHCR_IE           BIT(2)
#define   CHCR_TE           BIT(1)
#define   CHCR_DE           BIT(0)
#define FIXSAR              0x10    /* 7:0: bits 39:32 of the address */
#define FIXDAR              0x14
#define TCRB                0x18    /* what is left, like TCR */
#define CHCRB               0x1c
#define   CHCRB_DCNT_SHIFT  24      /* 31:24: descriptors - 1 */
#define   CHCRB_DPTR_SHIFT  16      /* 23:16 */
#define   CHCRB_DRST        BIT(15) /* write 1: DPTR is 0 */
#define TSR                 0x28    /* what TCR was in the beginning */
#define TSRB                0x38
/* DMARS 0x40 (16 bits), BUFCR 0x48: stored */
#define DPBASE              0x50
#define   DPBASE_SEL        BIT(0)
#define DPCR                0x54
#define   DPCR_DIPT_SHIFT   24      /* 31:24 */
#define FIXDPBASE           0x60

enum { DPM_OFF, DPM_ONCE, DPM_REPEAT, DPM_ENDLESS };
enum { MODE_FIXED, MODE_INC, MODE_DEC, MODE_RESERVED };

/*
 * How much is done before the rest of QEMU has its turn, and by one channel
 * before the next one has. Registers are slower than RAM: at most 4 bytes each.
 */
#define SLICE_ACCESSES      64
#define TURN_ACCESSES       16
#define ACCESS_BYTES        1024

/* No IOMMU translates less. */
#define PAGE_SIZE           0x1000

static const char *name_of(RcarDmacState *s)
{
    return DEVICE(s)->id ?: TYPE_RCAR_DMAC;
}

static uint32_t *reg(RcarDmacState *s, unsigned ch, unsigned offset)
{
    return &s->chan[ch].regs[offset / 4];
}

static bool chan_raises(RcarDmacState *s, unsigned ch)
{
    uint32_t chcr = *reg(s, ch, CHCR);

    return (chcr & CHCR_TE && chcr & CHCR_IE) ||
           (chcr & CHCR_DSE && chcr & CHCR_DSIE) ||
           (chcr & CHCR_CAE && chcr & CHCR_CAIE);
}

static void update_irq(RcarDmacState *s)
{
    unsigned i;

    for (i = 0; i < s->channels; i++) {
        qemu_set_irq(s->irq[i], chan_raises(s, i));
    }
    qemu_set_irq(s->error_irq, !!(s->regs[DMAOR / 4] & DMAOR_AE));
}

static unsigned unit_shift(uint32_t chcr)
{
    /* [drv] TS, bits 20 and 4:3, as log2 of bytes; 6 is not used */
    static const uint8_t shift[] = { 0, 1, 2, 4, 5, 6, 0, 3 };

    return shift[extract32(chcr, 20, 1) << 2 | extract32(chcr, 3, 2)];
}

static uint64_t wide(uint32_t fix, uint32_t low)
{
    return (uint64_t)extract32(fix, 0, 8) << 32 | low;
}

static unsigned dpm_of(RcarDmacState *s, unsigned ch)
{
    return extract32(*reg(s, ch, CHCR), CHCR_DPM_SHIFT, 2);
}

static bool can_run(RcarDmacState *s, unsigned ch)
{
    uint32_t chcr = *reg(s, ch, CHCR);

    return (s->regs[DMAOR / 4] & (DMAOR_DME | DMAOR_AE)) == DMAOR_DME &&
           (chcr & (CHCR_DE | CHCR_TE | CHCR_CAE)) == CHCR_DE &&
           extract32(chcr, CHCR_RS_SHIFT, 4) == CHCR_RS_AUTO;
}

static void address_error(RcarDmacState *s, unsigned ch, uint64_t addr)
{
    uint32_t *chcr = reg(s, ch, CHCR);

    trace_rcar_dmac_error(name_of(s), ch, addr);
    s->n_errors++;
    s->chan[ch].loaded = false;
    *chcr = (*chcr & ~CHCR_DE) | CHCR_CAE;
    if (!(*chcr & CHCR_CAIE)) {
        s->regs[DMAOR / 4] |= DMAOR_AE;
    }
}

/* A transfer begins: with descriptors, from the next one. */
static bool load(RcarDmacState *s, unsigned ch)
{
    RcarDmacChannel *c = &s->chan[ch];
    uint32_t chcr = *reg(s, ch, CHCR), *chcrb = reg(s, ch, CHCRB);
    uint32_t desc[4];           /* SAR, DAR, TCR, nothing */

    if (dpm_of(s, ch) != DPM_OFF) {
        unsigned count = extract32(*chcrb, CHCRB_DCNT_SHIFT, 8) + 1;
        unsigned n = extract32(*chcrb, CHCRB_DPTR_SHIFT, 8) % count;
        uint32_t base = *reg(s, ch, DPBASE);
        uint64_t addr = wide(*reg(s, ch, FIXDPBASE),
                             (base & ~0xf) + n * sizeof(desc));

        if (!(base & DPBASE_SEL)) {
            qemu_log_mask(LOG_UNIMP, "%s: channel %u: descriptors inside of "
                          "the DMAC\n", name_of(s), ch);
            address_error(s, ch, addr);
            return false;
        }
        if (address_space_read(&s->as[ch], addr, MEMTXATTRS_UNSPECIFIED,
                               desc, sizeof(desc)) != MEMTX_OK) {
            address_error(s, ch, addr);
            return false;
        }
        trace_rcar_dmac_descriptor(name_of(s), ch, n,
                                   le32_to_cpu(desc[0]), le32_to_cpu(desc[1]),
                                   le32_to_cpu(desc[2]));
        if (chcr & CHCR_RPT_SAR) {
            *reg(s, ch, SAR) = le32_to_cpu(desc[0]);
        }
        if (chcr & CHCR_RPT_DAR) {
            *reg(s, ch, DAR) = le32_to_cpu(desc[1]);
        }
        if (chcr & CHCR_RPT_TCR) {
            *reg(s, ch, TSR) = extract32(le32_to_cpu(desc[2]), 0, TCR_LEN);
        }
        *reg(s, ch, TCR) = *reg(s, ch, TSR);
        *chcrb = deposit32(*chcrb, CHCRB_DPTR_SHIFT, 8, (n + 1) % count);
    }
    c->left = *reg(s, ch, TCR) ?: 1 << TCR_LEN;
    c->loaded = true;
    return true;
}

/* A transfer has come to its end. */
static void finish(RcarDmacState *s, unsigned ch)
{
    uint32_t *chcr = reg(s, ch, CHCR);
    unsigned dpm = dpm_of(s, ch);
    unsigned dptr = extract32(*reg(s, ch, CHCRB), CHCRB_DPTR_SHIFT, 8);

    s->chan[ch].loaded = false;
    if (dpm == DPM_REPEAT) {
        qemu_log_mask(LOG_UNIMP, "%s: channel %u: repeat mode\n",
                      name_of(s), ch);
    }
    if (dpm != DPM_OFF &&
        dptr == extract32(*reg(s, ch, DPCR), DPCR_DIPT_SHIFT, 8)) {
        *chcr |= CHCR_DSE;
    }
    if (dpm == DPM_OFF || (dpm != DPM_ENDLESS && !dptr)) {
        *chcr |= CHCR_TE;
    }
    trace_rcar_dmac_end(name_of(s), ch, *chcr);
}

static uint32_t advance(uint32_t addr, unsigned mode, uint32_t bytes)
{
    return mode == MODE_INC ? addr + bytes :
           mode == MODE_DEC ? addr - bytes : addr;
}

/* As much as one access can do. False: an error. */
static bool step(RcarDmacState *s, unsigned ch)
{
    RcarDmacChannel *c = &s->chan[ch];
    uint32_t chcr = *reg(s, ch, CHCR);
    uint32_t sar = *reg(s, ch, SAR), dar = *reg(s, ch, DAR);
    unsigned shift = unit_shift(chcr), unit = 1 << shift;
    unsigned sm = extract32(chcr, CHCR_SM_SHIFT, 2);
    unsigned dm = extract32(chcr, CHCR_DM_SHIFT, 2);
    uint64_t src = wide(*reg(s, ch, FIXSAR), sar);
    uint64_t dst = wide(*reg(s, ch, FIXDAR), dar);
    uint64_t n = unit;
    uint8_t buf[ACCESS_BYTES];

    if (sm == MODE_INC && dm == MODE_INC) {
        n = MIN((uint64_t)c->left << shift, sizeof(buf));
        /*
         * Up to the next page, if that is not within a unit: behind a page
         * that can't be accessed QEMU goes on with the rest of an access.
         */
        n = MIN(n, PAGE_SIZE - sar % PAGE_SIZE);
        n = MIN(n, PAGE_SIZE - dar % PAGE_SIZE);
        n = MAX(ROUND_DOWN(n, unit), unit);
    }
    if (address_space_read(&s->as[ch], src, MEMTXATTRS_UNSPECIFIED, buf,
                           n) != MEMTX_OK) {
        address_error(s, ch, src);
        return false;
    }
    if (address_space_write(&s->as[ch], dst, MEMTXATTRS_UNSPECIFIED, buf,
                            n) != MEMTX_OK) {
        address_error(s, ch, dst);
        return false;
    }
    s->n_bytes += n;
    *reg(s, ch, SAR) = advance(sar, sm, n);
    *reg(s, ch, DAR) = advance(dar, dm, n);
    c->left -= n >> shift;
    *reg(s, ch, TCR) = extract32(c->left, 0, TCR_LEN);
    if (!c->left) {
        finish(s, ch);
    }
    return true;
}

/* A slice of time, of which the channels have their turns. */
static void run(void *opaque)
{
    RcarDmacState *s = opaque;
    unsigned ch, i, turns, left = SLICE_ACCESSES;
    bool more = false, soon = false;

    /* Before the machine is launched, only a test has channels at work. */
    if (!runstate_is_running() && !runstate_check(RUN_STATE_PRELAUNCH)) {
        return;
    }
    for (turns = 0; turns < s->channels && left; turns++) {
        ch = s->next;
        s->next = (ch + 1) % s->channels;
        for (i = 0; i < TURN_ACCESSES && left && can_run(s, ch); i++, left--) {
            if (!(s->chan[ch].loaded ? step(s, ch) : load(s, ch))) {
                break;
            }
        }
    }
    for (ch = 0; ch < s->channels; ch++) {
        if (can_run(s, ch)) {
            more = true;
            soon |= dpm_of(s, ch) != DPM_ENDLESS;
        }
    }
    update_irq(s);
    if (soon) {
        qemu_bh_schedule(s->bh);
    } else if (more) {
        /* What has no end is no reason to be busy all the time. */
        qemu_bh_schedule_idle(s->bh);
    }
}

/* Memory stays as it is while the machine is stopped, as at a migration. */
static void vm_state_change(void *opaque, bool running, RunState state)
{
    RcarDmacState *s = opaque;

    if (running) {
        qemu_bh_schedule(s->bh);
    }
}

static uint32_t read_reg(RcarDmacState *s, hwaddr addr)
{
    uint32_t value = 0;
    unsigned i;

    if (addr >= CHAN) {
        i = (addr - CHAN) / RCAR_DMAC_CHAN_SIZE;
        switch (addr % RCAR_DMAC_CHAN_SIZE) {
        case TCRB:
            return *reg(s, i, TCR);
        case TSRB:
            return *reg(s, i, TSR);
        default:
            return *reg(s, i, addr % RCAR_DMAC_CHAN_SIZE);
        }
    }
    switch (addr) {
    case DMAISTA:
        for (i = 0; i < s->channels; i++) {
            value |= chan_raises(s, i) << i;
        }
        return value;
    case DMACHCLR:
        return 0;
    default:
        return s->regs[addr / 4];
    }
}

static bool is_there(RcarDmacState *s, hwaddr addr)
{
    return addr < RCAR_DMAC_GLOBAL_SIZE ||
           (addr >= CHAN && addr < CHAN + s->channels * RCAR_DMAC_CHAN_SIZE);
}

static uint64_t rcar_dmac_read(void *opaque, hwaddr addr, unsigned size)
{
    RcarDmacState *s = opaque;
    uint32_t value = 0;

    if (is_there(s, addr)) {
        value = extract32(read_reg(s, addr & ~3), (addr & 2) * 8, size * 8);
    } else {
        qemu_log_mask(LOG_UNIMP, "%s: read of 0x%" HWADDR_PRIx "\n",
                      name_of(s), addr);
    }
    trace_rcar_dmac_read(name_of(s), addr, value, size);
    return value;
}

static void write_chan(RcarDmacState *s, unsigned ch, unsigned offset,
                       uint32_t value)
{
    const uint32_t flags = CHCR_TE | CHCR_DSE | CHCR_CAE;
    RcarDmacChannel *c = &s->chan[ch];
    uint32_t *r = reg(s, ch, offset);

    switch (offset) {
    case CHCR:
        value &= ~flags | *r;
        if (!(*r & CHCR_DE) || !(value & CHCR_DE)) {
            c->loaded = false;
        }
        if (value & CHCR_DE &&
            extract32(value, CHCR_RS_SHIFT, 4) != CHCR_RS_AUTO) {
            qemu_log_mask(LOG_UNIMP, "%s: channel %u waits for a device: "
                          "CHCR 0x%08x\n", name_of(s), ch, value);
        }
        *r = value;
        break;
    case TCR:
        *r = *reg(s, ch, TSR) = extract32(value, 0, TCR_LEN);
        c->loaded = false;
        break;
    case TCRB:
    case TSR:
    case TSRB:
        break;
    case CHCRB:
        if (value & CHCRB_DRST) {
            value = deposit32(value, CHCRB_DPTR_SHIFT, 8, 0);
        }
        *r = value & ~CHCRB_DRST;
        break;
    default:
        *r = value;
        break;
    }
}

static void clear_chan(RcarDmacState *s, unsigned ch)
{
    RcarDmacChannel *c = &s->chan[ch];

    memset(c->regs, 0, sizeof(c->regs));
    c->loaded = false;
    c->left = 0;
}

static void rcar_dmac_write(void *opaque, hwaddr addr, uint64_t value64,
                            unsigned size)
{
    RcarDmacState *s = opaque;
    uint32_t value = value64;
    unsigned i;

    trace_rcar_dmac_write(name_of(s), addr, value, size);
    if (!is_there(s, addr)) {
        qemu_log_mask(LOG_UNIMP, "%s: write of 0x%" HWADDR_PRIx "\n",
                      name_of(s), addr);
        return;
    }
    if (size < 4) {
        value = deposit32(read_reg(s, addr & ~3), (addr & 2) * 8, size * 8,
                          value);
        addr &= ~3;
    }
    if (addr >= CHAN) {
        write_chan(s, (addr - CHAN) / RCAR_DMAC_CHAN_SIZE,
                   addr % RCAR_DMAC_CHAN_SIZE, value);
    } else if (addr == DMAOR) {
        value &= ~DMAOR_AE | s->regs[DMAOR / 4];
        s->regs[DMAOR / 4] = extract32(value, 0, 16);
    } else if (addr == DMACHCLR) {
        for (i = 0; i < s->channels; i++) {
            if (value & BIT(i)) {
                clear_chan(s, i);
            }
        }
    } else if (addr != DMAISTA) {
        s->regs[addr / 4] = value;
    }
    update_irq(s);
    for (i = 0; i < s->channels; i++) {
        if (can_run(s, i)) {
            qemu_bh_schedule(s->bh);
            break;
        }
    }
}

static const MemoryRegionOps rcar_dmac_ops = {
    .read = rcar_dmac_read,
    .write = rcar_dmac_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid.min_access_size = 2,     /* [drv] DMAOR and DMARS */
    .valid.max_access_size = 4,
};

static void rcar_dmac_reset(DeviceState *dev)
{
    RcarDmacState *s = RCAR_DMAC(dev);
    unsigned i;

    memset(s->regs, 0, sizeof(s->regs));
    s->next = 0;
    for (i = 0; i < RCAR_DMAC_CHANNELS; i++) {
        clear_chan(s, i);
    }
    update_irq(s);
}

static void rcar_dmac_realize(DeviceState *dev, Error **errp)
{
    RcarDmacState *s = RCAR_DMAC(dev);
    unsigned i;

    if (s->channels < 1 || s->channels > RCAR_DMAC_CHANNELS) {
        error_setg(errp, "property 'channels' must be 1 to %u",
                   RCAR_DMAC_CHANNELS);
        return;
    }
    for (i = 0; i < s->channels; i++) {
        if (!s->mem[i]) {
            error_setg(errp, "property 'mem%u' must be set", i);
            return;
        }
    }
    for (i = 0; i < s->channels; i++) {
        address_space_init(&s->as[i], s->mem[i], TYPE_RCAR_DMAC);
    }
    s->bh = qemu_bh_new_guarded(run, s, &dev->mem_reentrancy_guard);
    qdev_add_vm_change_state_handler(dev, vm_state_change, s);
}

static void rcar_dmac_init(Object *obj)
{
    RcarDmacState *s = RCAR_DMAC(obj);
    unsigned i;

    memory_region_init_io(&s->iomem, obj, &rcar_dmac_ops, s, TYPE_RCAR_DMAC,
                          REGS_SIZE);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->iomem);
    /* [bind]: the error interrupt, then those of the channels */
    sysbus_init_irq(SYS_BUS_DEVICE(obj), &s->error_irq);
    for (i = 0; i < RCAR_DMAC_CHANNELS; i++) {
        g_autofree char *name = g_strdup_printf("mem%u", i);

        sysbus_init_irq(SYS_BUS_DEVICE(obj), &s->irq[i]);
        object_property_add_link(obj, name, TYPE_MEMORY_REGION,
                                 (Object **)&s->mem[i],
                                 qdev_prop_allow_set_link_before_realize,
                                 OBJ_PROP_LINK_STRONG);
    }
    object_property_add_uint64_ptr(obj, "n-bytes", &s->n_bytes,
                                   OBJ_PROP_FLAG_READ);
    object_property_add_uint64_ptr(obj, "n-errors", &s->n_errors,
                                   OBJ_PROP_FLAG_READ);
}

static int rcar_dmac_post_load(void *opaque, int version_id)
{
    RcarDmacState *s = opaque;
    unsigned i;

    for (i = 0; i < RCAR_DMAC_CHANNELS; i++) {
        if (s->chan[i].left < 1 || s->chan[i].left > 1 << TCR_LEN) {
            s->chan[i].loaded = false;
        }
    }
    return 0;
}

static const VMStateDescription vmstate_rcar_dmac_channel = {
    .name = "rcar-dmac-channel",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (VMStateField[]) {
        VMSTATE_UINT32_ARRAY(regs, RcarDmacChannel, RCAR_DMAC_CHAN_SIZE / 4),
        VMSTATE_UINT32(left, RcarDmacChannel),
        VMSTATE_BOOL(loaded, RcarDmacChannel),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_rcar_dmac = {
    .name = TYPE_RCAR_DMAC,
    .version_id = 1,
    .minimum_version_id = 1,
    .post_load = rcar_dmac_post_load,
    .fields = (VMStateField[]) {
        VMSTATE_UINT32_ARRAY(regs, RcarDmacState, RCAR_DMAC_GLOBAL_SIZE / 4),
        VMSTATE_STRUCT_ARRAY(chan, RcarDmacState, RCAR_DMAC_CHANNELS, 1,
                             vmstate_rcar_dmac_channel, RcarDmacChannel),
        VMSTATE_END_OF_LIST()
    }
};

/*
 * channels: how many there are.
 * mem0 to mem15: the memory that each channel sees.
 */
static Property rcar_dmac_properties[] = {
    DEFINE_PROP_UINT32("channels", RcarDmacState, channels, RCAR_DMAC_CHANNELS),
    DEFINE_PROP_END_OF_LIST()
};

static void rcar_dmac_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    dc->desc = "Renesas R-Car DMA controller";
    dc->realize = rcar_dmac_realize;
    dc->reset = rcar_dmac_reset;
    dc->vmsd = &vmstate_rcar_dmac;
    device_class_set_props(dc, rcar_dmac_properties);
    /* Its interrupts and memory have to be connected by the board. */
    dc->user_creatable = false;
}

static const TypeInfo rcar_dmac_types[] = {
    {
        .name = TYPE_RCAR_DMAC,
        .parent = TYPE_SYS_BUS_DEVICE,
        .instance_size = sizeof(RcarDmacState),
        .instance_init = rcar_dmac_init,
        .class_init = rcar_dmac_class_init,
    },
};

DEFINE_TYPES(rcar_dmac_types)
