/* What harness/audit looks for, to tell one kernel from another. */
int iommu_device_register(struct iommu_device *iommu);
int bus_set_iommu(struct bus_type *bus, const struct iommu_ops *ops);
