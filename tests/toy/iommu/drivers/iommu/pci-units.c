/* The second file of pci-iommu: which driver this registers, its ops say. */
static int pci_add_unit(struct unit *unit)
{
	iommu_device_set_ops(&unit->iommu, &pci_ops);
	return iommu_device_register(&unit->iommu);
}
