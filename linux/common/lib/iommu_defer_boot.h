/* SPDX-License-Identifier: GPL-2.0 */
/* What happens to the machine of a scenario, see iommu_defer_boot_trigger.c. */
#ifndef _LIB_IOMMU_DEFER_BOOT_H
#define _LIB_IOMMU_DEFER_BOOT_H

/* How much of it has not happened, though the device tree asks for it */
int boot_triggers_missed(void);

#endif /* _LIB_IOMMU_DEFER_BOOT_H */
